// The types of a Cedar schema as readers of JSON: each gives a value of its type or none. With a type to expect, an entity may
// come as plain `{type, id}` and an extension value as the text its constructor takes, as Cedar has it.

import type { Fields, ReadFields } from './entities.ts';
import { isObject, uidFromJson, valueFromJson } from './json.ts';
import { cedarRecord, cedarSet, type EntityUid, type Fault, fault, isFault, type Result, type Value } from './value.ts';

export type Read = (json: unknown) => Result;
type Members = { readonly [name: string]: unknown };

/** Where names are looked up while a schema is read. */
export interface Names {
  readonly namespace: string;
  /** Entity types by full name, with the ids there are where they are counted. */
  readonly entityTypes: ReadonlyMap<string, ReadonlySet<string> | null>;
  /** Common types by full name, each with the namespace it was written in. */
  readonly commonTypes: ReadonlyMap<string, { readonly json: unknown; readonly namespace: string }>;
  /** Hears what is not supported; the reader that comes back then reads nothing. */
  unsupported(what: string): void;
}

export function qualified(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}::${name}`;
}

export function membersOf(json: unknown): Members {
  return isObject(json) ? json : {};
}

/** A name is looked for in its own namespace, then as it is written. */
export function entityTypeOf(name: unknown, { namespace, entityTypes, unsupported }: Names): string {
  const found = [qualified(namespace, String(name)), String(name)].find((full) => entityTypes.has(full));
  if (found === undefined) unsupported('an entity type that is not declared');
  return found ?? '';
}

const NOTHING: Fault = fault('unreadable', 'a value is not of its declared type');
const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['decimal', 'decimal'],
  ['ipaddr', 'ip'],
  ['datetime', 'datetime'],
  ['duration', 'duration'],
]);

function readerOf(json: unknown, names: Names, depth = 0): Read {
  const { type, name, element } = membersOf(json);
  // Common types may name each other in a circle.
  if (typeof type !== 'string' || depth > 100) return refuse(names, 'a type');
  switch (type) {
    case 'Boolean':
      return primitive('boolean');
    case 'String':
    case 'Long':
      return named(type, names, depth);
    case 'Set':
      return set(readerOf(element, names, depth + 1));
    case 'Record': {
      const fields = fieldsReader(json, names, depth + 1);
      return (value) => recordOf(fields(value));
    }
    case 'Entity':
      return entity(entityTypeOf(name, names), names);
    case 'Extension':
      return builtIn(String(name)) ?? refuse(names, 'an extension type');
    case 'EntityOrCommon':
      return named(String(name), names, depth);
    default:
      return named(type, names, depth);
  }
}

/** A common type, then an entity type, then what Cedar has built in. */
function named(name: string, names: Names, depth: number): Read {
  const [own, plain] = [qualified(names.namespace, name), name];
  for (const full of [own, plain]) {
    const common = names.commonTypes.get(full);
    if (common) return readerOf(common.json, { ...names, namespace: common.namespace }, depth + 1);
    if (names.entityTypes.has(full)) return entity(full, names);
  }
  return builtIn(name.replace(/^__cedar::/, '')) ?? refuse(names, 'a type');
}

function builtIn(name: string): Read | null {
  switch (name) {
    case 'String':
      return primitive('string');
    case 'Long':
      return primitive('bigint');
    case 'Bool':
      return primitive('boolean');
    default: {
      const call = EXTENSIONS.get(name);
      return call === undefined ? null : extension(name, call);
    }
  }
}

function refuse(names: Names, what: string): Read {
  names.unsupported(what);
  return () => NOTHING;
}

function primitive(type: 'string' | 'bigint' | 'boolean'): Read {
  return (json) => {
    const value = valueFromJson(json);
    return typeof value === type ? value : NOTHING;
  };
}

function extension(kind: string, call: string): Read {
  return (json) => {
    const isCall = isObject(json) && typeof json.fn === 'string';
    const text = typeof json === 'string' ? { fn: call, arg: json } : null;
    const value = valueFromJson(text || isCall ? { __extn: text ?? json } : json);
    return typeof value === 'object' && value.kind === kind ? value : NOTHING;
  };
}

function entity(type: string, { entityTypes }: Names): Read {
  const ids = entityTypes.get(type) ?? null;
  return (json) => {
    const uid = uidFromJson(json);
    return !isFault(uid) && uid.type === type && isCounted(uid, ids) ? uid : NOTHING;
  };
}

export function isCounted({ id }: Pick<EntityUid, 'id'>, ids: ReadonlySet<string> | null): boolean {
  return ids === null || ids.has(id);
}

function set(read: Read): Read {
  return (json) => {
    if (!Array.isArray(json)) return NOTHING;
    const items: Value[] = [];
    for (const item of json) {
      const value = read(item);
      if (isFault(value)) return value;
      items.push(value);
    }
    return cedarSet(items);
  };
}

function recordOf(fields: Fields | Fault): Result {
  return 'kind' in fields ? fields : cedarRecord(fields);
}

/** A record type's fields, of an entity or a context too. Absent: no fields. */
export function fieldsReader(json: unknown, names: Names, depth = 0): ReadFields {
  const { type = 'Record', attributes, additionalAttributes } = membersOf(json);
  if (type !== 'Record') return fieldsOfCommon(String(type), names, depth);
  if (additionalAttributes !== undefined && additionalAttributes !== false) names.unsupported('an open record');
  const fields = Object.entries(membersOf(attributes)).map(([name, field]) => ({
    name,
    read: readerOf(field, names, depth + 1),
    isRequired: membersOf(field).required !== false,
  }));
  return (value) => {
    if (!isObject(value)) return NOTHING;
    const found = new Map<string, Value>();
    for (const { name, read, isRequired } of fields) {
      if (!Object.hasOwn(value, name)) {
        if (isRequired) return NOTHING;
        continue;
      }
      const field = read(value[name]);
      if (isFault(field)) return field;
      found.set(name, field);
    }
    return found.size === Object.keys(value).length ? found : NOTHING;
  };
}

function fieldsOfCommon(name: string, names: Names, depth: number): ReadFields {
  const common = names.commonTypes.get(qualified(names.namespace, name)) ?? names.commonTypes.get(name);
  if (common && depth < 100) return fieldsReader(common.json, { ...names, namespace: common.namespace }, depth + 1);
  names.unsupported('a record type');
  return () => NOTHING;
}

/** Tags: any names, values of one type. Without a type: none. */
export function tagsReader(json: unknown, names: Names): ReadFields {
  const read = json === undefined ? () => NOTHING : readerOf(json, names);
  return (value) => {
    if (!isObject(value)) return NOTHING;
    const found = new Map<string, Value>();
    for (const name of Object.keys(value)) {
      const tag = read(value[name]);
      if (isFault(tag)) return tag;
      found.set(name, tag);
    }
    return found;
  };
}
