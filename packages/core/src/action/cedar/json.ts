// From Cedar's JSON to values: plain JSON, `__entity` and `__extn`, read without a schema. What Cedar refuses is refused, and
// so is a number that JavaScript no longer holds exactly; a long past 2^53 may come as a bigint.

import { CALLS } from './calls.ts';
import {
  type CedarRecord,
  cedarRecord,
  cedarSet,
  type EntityUid,
  entityUid,
  type Fault,
  fault,
  isFault,
  isLong,
  type Result,
  type Value,
} from './value.ts';

const depthMax = 200;

export function valueFromJson(json: unknown): Result {
  return read(json, 0);
}

/** A request's context: a record, and nothing that only looks like one. */
export function contextFromJson(json: unknown): CedarRecord | Fault {
  const value = valueFromJson(json);
  if (typeof value === 'object' && (value.kind === 'record' || value.kind === 'fault')) return value;
  return unreadable('the context is not a record');
}

/** `{type, id}`, with or without `__entity` around it. */
export function uidFromJson(json: unknown): EntityUid | Fault {
  const members = isObject(json) && isObject(json.__entity) ? json.__entity : json;
  if (!isObject(members) || typeof members.type !== 'string' || typeof members.id !== 'string')
    return unreadable('an entity is named by a type and an id');
  return uidOf(members.type, members.id);
}

const RESERVED = new Set(['true', 'false', 'if', 'then', 'else', 'in', 'is', 'like', 'has', '__cedar']);
const NAME = /^[_a-zA-Z][_a-zA-Z0-9]*(?:::[_a-zA-Z][_a-zA-Z0-9]*)*$/;
/** Names already found good; bounded, since names may come with a request. */
const good = new Set<string>();
const goodMax = 1000;

export function isTypeName(name: string): boolean {
  if (good.has(name)) return true;
  const isGood = NAME.test(name) && !name.split('::').some((part) => RESERVED.has(part));
  if (isGood && good.size < goodMax) good.add(name);
  return isGood;
}

function uidOf(type: string, id: string): EntityUid | Fault {
  if (!isTypeName(type)) return unreadable('an entity type is not a name');
  // Cedar's text is UTF-8, where half a character does not exist.
  return id.isWellFormed() ? entityUid(type, id) : unreadable('a string is not well formed');
}

function read(json: unknown, depth: number): Result {
  switch (typeof json) {
    case 'boolean':
      return json;
    case 'string':
      return json.isWellFormed() ? json : unreadable('a string is not well formed');
    case 'number':
      return Number.isSafeInteger(json) ? BigInt(json) : unreadable('a number is not an exact whole number');
    case 'bigint':
      return isLong(json) ? json : unreadable('a number is past 64 bits');
    default:
      if (depth > depthMax) return unreadable('a value is nested too deeply');
      if (Array.isArray(json)) return setFrom(json, depth);
      return isObject(json) ? objectFrom(json, depth) : unreadable('Cedar has no null');
  }
}

function setFrom(json: readonly unknown[], depth: number): Result {
  const items = valuesFrom(json, depth);
  return Array.isArray(items) ? cedarSet(items) : (items as Fault);
}

function valuesFrom(json: readonly unknown[], depth: number): readonly Value[] | Fault {
  const values: Value[] = [];
  for (const item of json) {
    const value = read(item, depth + 1);
    if (isFault(value)) return value;
    values.push(value);
  }
  return values;
}

/** Only an object with the one member is an escape; in any other form `__entity` is a name like any other. */
function objectFrom(json: { readonly [name: string]: unknown }, depth: number): Result {
  const names = Object.keys(json);
  if (names.length === 1) {
    const escaped = json[names[0]!];
    if (names[0] === '__expr' && typeof escaped === 'string') return unreadable('`__expr` is no longer Cedar');
    if (names[0] === '__entity' && isObject(escaped)) {
      if (typeof escaped.type === 'string' && typeof escaped.id === 'string') return uidOf(escaped.type, escaped.id);
    }
    if (names[0] === '__extn' && isObject(escaped) && typeof escaped.fn === 'string') {
      if (escaped.arg !== undefined) return callFrom(escaped.fn, [escaped.arg], depth);
      if (Array.isArray(escaped.args)) return callFrom(escaped.fn, escaped.args, depth);
    }
  }
  const fields = new Map<string, Value>();
  for (const name of names) {
    if (!name.isWellFormed()) return unreadable('a string is not well formed');
    const value = read(json[name], depth + 1);
    if (isFault(value)) return value;
    fields.set(name, value);
  }
  return cedarRecord(fields);
}

function callFrom(name: string, args: readonly unknown[], depth: number): Result {
  const call = CALLS.get(name);
  if (!call) return unreadable('there is no such extension function');
  const values = valuesFrom(args, depth);
  return Array.isArray(values) ? call(values) : (values as Fault);
}

export function isObject(json: unknown): json is { readonly [name: string]: unknown } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function unreadable(says: string): Fault {
  return fault('unreadable', says);
}
