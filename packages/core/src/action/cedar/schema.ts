// A Cedar schema as far as deciding needs it: the action hierarchy, and whether a request and its entities certainly fit.
// "Certainly" is one-sided: what is not known to fit here is for cedar-wasm to judge and to explain. Policies were validated
// against the same schema before. Common types, enumerated entities and attributes of actions are not known here.

import { type Entity, type EntityMap, isAction } from './entities.ts';
import { isObject } from './json.ts';
import type { CedarRequest } from './operators.ts';
import type { Unsupported } from './policy.ts';
import { entityUid, type Value } from './value.ts';

export interface CedarSchema {
  /** The schema's actions as entities, each with all groups above it. They stand before any that a caller sends. */
  readonly actions: EntityMap;
  fits(request: CedarRequest, entities: Iterable<Entity>): boolean;
}

type Members = { readonly [name: string]: unknown };
type Fits = (value: Value) => boolean;

interface EntityType {
  readonly attrs: RecordType;
  readonly tags: Fits | null;
  /** Names of the types an ancestor may have. */
  readonly above: ReadonlySet<string>;
}

interface ActionType {
  readonly principals: ReadonlySet<string>;
  readonly resources: ReadonlySet<string>;
  readonly context: RecordType;
}

interface RecordType {
  readonly fields: ReadonlyMap<string, Fits>;
  readonly required: readonly string[];
}

/** Where names are looked up while a schema is read; `missing` hears what is not supported. */
interface Reading {
  readonly namespace: string;
  readonly declared: ReadonlySet<string>;
  missing(what: string): void;
}

/** Of Cedar's JSON schema format. */
export function schemaFromJson(json: unknown): CedarSchema | Unsupported {
  const missing: string[] = [];
  const namespaces = isObject(json) ? Object.entries(json) : [];
  const declared = new Set(namespaces.flatMap(([namespace, body]) => typeNames(namespace, body)));
  const types = new Map<string, EntityType>();
  const parents = new Map<string, readonly string[]>();
  const applies = new Map<string, ActionType>();
  const groups = new Map<string, readonly string[]>();
  for (const [namespace, body] of namespaces) {
    const reading: Reading = { namespace, declared, missing: (what) => missing.push(what) };
    if (!isObject(body) || Object.keys(membersOf(body.commonTypes)).length > 0) reading.missing('common types');
    const { entityTypes, actions } = membersOf(body);
    for (const [name, type] of Object.entries(membersOf(entityTypes))) {
      const { memberOfTypes, shape, tags, enum: choices } = membersOf(type);
      if (choices !== undefined) reading.missing('an enumerated entity type');
      parents.set(qualified(namespace, name), namesFrom(memberOfTypes, reading));
      types.set(qualified(namespace, name), {
        attrs: recordFrom(shape, reading),
        tags: tags === undefined ? null : typeFrom(tags, reading),
        above: new Set(),
      });
    }
    for (const [id, action] of Object.entries(membersOf(actions))) {
      const { appliesTo, memberOf, attributes } = membersOf(action);
      if (attributes !== undefined) reading.missing('attributes of an action');
      const key = entityUid(qualified(namespace, 'Action'), id).key;
      groups.set(key, groupsFrom(memberOf, reading));
      applies.set(key, actionFrom(appliesTo, reading));
    }
  }
  if (missing[0] !== undefined) return { unsupported: missing[0] };
  const known = new Map([...types].map(([name, type]) => [name, { ...type, above: closure(name, parents) }]));
  return { actions: actionEntities(groups), fits: (request, entities) => fits(known, applies, request, entities) };
}

function fits(
  types: ReadonlyMap<string, EntityType>,
  applies: ReadonlyMap<string, ActionType>,
  { principal, action, resource, context }: CedarRequest,
  entities: Iterable<Entity>,
): boolean {
  const type = applies.get(action.key);
  if (!type?.principals.has(principal.type) || !type.resources.has(resource.type)) return false;
  if (!fitsRecord(context.fields, type.context)) return false;
  for (const entity of entities) if (!fitsEntity(entity, types)) return false;
  return true;
}

function fitsEntity({ uid, attrs, tags, ancestors }: Entity, types: ReadonlyMap<string, EntityType>): boolean {
  const type = types.get(uid.type);
  if (!type || isAction(uid) || !fitsRecord(attrs, type.attrs)) return false;
  for (const tag of tags.values()) if (!type.tags?.(tag)) return false;
  // A key is the type, a quote, the id.
  for (const key of ancestors) if (!type.above.has(key.slice(0, key.indexOf('"')))) return false;
  return true;
}

function fitsRecord(values: ReadonlyMap<string, Value>, { fields, required }: RecordType): boolean {
  for (const name of required) if (!values.has(name)) return false;
  for (const [name, value] of values) if (!fields.get(name)?.(value)) return false;
  return true;
}

const NEVER: Fits = () => false;

function typeFrom(json: unknown, reading: Reading): Fits {
  const { type, name, element } = membersOf(json);
  switch (type) {
    case 'String':
      return (value) => typeof value === 'string';
    case 'Long':
      return (value) => typeof value === 'bigint';
    case 'Boolean':
      return (value) => typeof value === 'boolean';
    case 'Set': {
      const item = typeFrom(element, reading);
      return (value) => isKind(value, 'set') && value.items.every(item);
    }
    case 'Record': {
      const record = recordFrom(json, reading);
      return (value) => isKind(value, 'record') && fitsRecord(value.fields, record);
    }
    case 'Entity': {
      const [wanted] = namesFrom([name], reading);
      return (value) => isKind(value, 'entity') && value.type === wanted;
    }
    case 'Extension':
      if (name === 'decimal' || name === 'ipaddr' || name === 'datetime' || name === 'duration')
        return (value) => isKind(value, name);
  }
  reading.missing('a type');
  return NEVER;
}

type Kind = Extract<Value, { kind: string }>['kind'];

function isKind<K extends Kind>(value: Value, kind: K): value is Extract<Value, { kind: K }> {
  return typeof value === 'object' && value.kind === kind;
}

/** Absent: a record without fields. */
function recordFrom(json: unknown, reading: Reading): RecordType {
  const { type = 'Record', attributes, additionalAttributes } = membersOf(json);
  if (type !== 'Record' || (additionalAttributes !== undefined && additionalAttributes !== false))
    reading.missing('a record type');
  const fields = Object.entries(membersOf(attributes));
  return {
    fields: new Map(fields.map(([name, field]) => [name, typeFrom(field, reading)])),
    required: fields.filter(([, field]) => membersOf(field).required !== false).map(([name]) => name),
  };
}

function actionFrom(json: unknown, reading: Reading): ActionType {
  const { principalTypes, resourceTypes, context } = membersOf(json);
  return {
    principals: new Set(namesFrom(principalTypes, reading)),
    resources: new Set(namesFrom(resourceTypes, reading)),
    context: recordFrom(context, reading),
  };
}

/** Declared entity types. A name without `::` is looked for in its own namespace, then in the one without a name. */
function namesFrom(json: unknown, { namespace, declared, missing }: Reading): readonly string[] {
  return (Array.isArray(json) ? json : []).map((name: unknown) => {
    const found = [qualified(namespace, String(name)), String(name)].find((full) => declared.has(full));
    if (found === undefined) missing('an entity type');
    return found ?? '';
  });
}

function groupsFrom(json: unknown, { namespace, missing }: Reading): readonly string[] {
  return (Array.isArray(json) ? json : []).map((group) => {
    const { id, type = qualified(namespace, 'Action') } = membersOf(group);
    if (typeof id !== 'string' || typeof type !== 'string' || !type.endsWith('Action')) missing('a group of actions');
    // Written short, an action type is its own namespace's.
    return entityUid(type === 'Action' ? qualified(namespace, type) : String(type), String(id)).key;
  });
}

function actionEntities(groups: ReadonlyMap<string, readonly string[]>): EntityMap {
  const none: ReadonlyMap<string, Value> = new Map();
  const entity = (key: string): Entity => {
    const quote = key.indexOf('"');
    const uid = entityUid(key.slice(0, quote), key.slice(quote + 1));
    return { uid, attrs: none, tags: none, ancestors: closure(key, groups) };
  };
  return new Map([...groups.keys()].map((key) => [key, entity(key)]));
}

/** Everything above, not itself unless it is above itself. */
function closure(start: string, above: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = [...(above.get(start) ?? [])];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (found.has(at)) continue;
    found.add(at);
    waiting.push(...(above.get(at) ?? []));
  }
  return found;
}

function typeNames(namespace: string, body: unknown): readonly string[] {
  return Object.keys(membersOf(membersOf(body).entityTypes)).map((name) => qualified(namespace, name));
}

function qualified(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}::${name}`;
}

function membersOf(json: unknown): Members {
  return isObject(json) ? json : {};
}
