// What each operator of Cedar does once its operands are values: the result, or the failure Cedar would report. Nothing here
// knows how an expression is written. Cedar language 4.5.

import type { EntitySource } from './entities.ts';
import {
  type CedarRecord,
  type CedarSet,
  contains,
  containsAll,
  containsAny,
  type EntityUid,
  equal,
  type Fault,
  fault,
  isLong,
  type Result,
  type Value,
} from './value.ts';

/** One question. */
export interface CedarRequest {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: CedarRecord;
}

/** What an expression may look at. */
export interface Scene extends CedarRequest {
  readonly entities: EntitySource;
}

export type Unary = (value: Value) => Result;
export type Binary = (left: Value, right: Value) => Result;
/** Looks into the hierarchy, so its result is not known before there is one, even for two literals. */
export type BinaryInScene = (left: Value, right: Value, scene: Scene) => Result;

const typeFault = (says: string): Fault => fault('type', `type error: ${says}`);

export const NOT_BOOLEAN = typeFault('a condition is not a boolean');
const NOT_LONG = typeFault('arithmetic takes longs');
const NOT_COMPARABLE = typeFault('only two longs, datetimes or durations compare');
const NOT_SET = typeFault('a set is expected');
const NOT_ENTITY = typeFault('an entity is expected');
const NOT_STRING = typeFault('a string is expected');
const NOT_HIERARCHY = typeFault('`in` takes an entity or a set of entities');
const NO_MEMBERS = typeFault('only records and entities have attributes');
const NO_ENTITY = fault('no_entity', 'an entity does not exist');
const NO_TAG = fault('no_tag', 'an entity does not have the tag');
const overflow = (operator: string): Fault => fault('overflow', `integer overflow in \`${operator}\``);

const NEGATED = overflow('-');

function arithmetic(operator: string, apply: (a: bigint, b: bigint) => bigint): [string, Binary] {
  const past = overflow(operator);
  const run: Binary = (left, right) => {
    if (typeof left !== 'bigint' || typeof right !== 'bigint') return NOT_LONG;
    const result = apply(left, right);
    return isLong(result) ? result : past;
  };
  return [operator, run];
}

function comparison(holds: (a: bigint, b: bigint) => boolean): Binary {
  return (left, right) => {
    if (typeof left === 'bigint' && typeof right === 'bigint') return holds(left, right);
    if (typeof left !== 'object' || typeof right !== 'object') return NOT_COMPARABLE;
    const isTime = left.kind === 'datetime' || left.kind === 'duration';
    const isAlike = isTime && (right.kind === 'datetime' || right.kind === 'duration') && left.kind === right.kind;
    return isAlike ? holds(left.millis, right.millis) : NOT_COMPARABLE;
  };
}

function onSets(apply: (left: CedarSet, right: CedarSet) => boolean): Binary {
  return (left, right) => (isSet(left) && isSet(right) ? apply(left, right) : NOT_SET);
}

export const BINARY: ReadonlyMap<string, Binary> = new Map<string, Binary>([
  ['==', equal],
  ['!=', (left, right) => !equal(left, right)],
  ['<', comparison((a, b) => a < b)],
  ['<=', comparison((a, b) => a <= b)],
  ['>', comparison((a, b) => a > b)],
  ['>=', comparison((a, b) => a >= b)],
  arithmetic('+', (a, b) => a + b),
  arithmetic('-', (a, b) => a - b),
  arithmetic('*', (a, b) => a * b),
  ['contains', (left, right) => (isSet(left) ? contains(left, right) : NOT_SET)],
  ['containsAll', onSets(containsAll)],
  ['containsAny', onSets(containsAny)],
]);

export const BINARY_IN_SCENE: ReadonlyMap<string, BinaryInScene> = new Map<string, BinaryInScene>([
  ['in', isIn],
  ['hasTag', hasTag],
  ['getTag', getTag],
]);

export const UNARY: ReadonlyMap<string, Unary> = new Map<string, Unary>([
  ['!', (value) => (typeof value === 'boolean' ? !value : NOT_BOOLEAN)],
  ['neg', (value) => (typeof value !== 'bigint' ? NOT_LONG : isLong(-value) ? -value : NEGATED)],
  ['isEmpty', (value) => (isSet(value) ? value.items.length === 0 : NOT_SET)],
]);

/** Reflexive and transitive; true of an entity that does not exist only for itself. */
export function isIn(left: Value, right: Value, { entities }: Scene): Result {
  if (!isEntity(left)) return NOT_ENTITY;
  if (isEntity(right)) return left.key === right.key || (entities.get(left.key)?.ancestors.has(right.key) ?? false);
  if (!isSet(right)) return NOT_HIERARCHY;
  // One item of another type fails the whole, wherever it stands.
  if (!right.items.every(isEntity)) return NOT_ENTITY;
  const ancestors = entities.get(left.key)?.ancestors;
  return right.items.some((item) => item.key === left.key || ancestors?.has(item.key));
}

function hasTag(left: Value, right: Value, { entities }: Scene): Result {
  if (!isEntity(left)) return NOT_ENTITY;
  if (typeof right !== 'string') return NOT_STRING;
  return entities.get(left.key)?.tags.has(right) ?? false;
}

function getTag(left: Value, right: Value, { entities }: Scene): Result {
  if (!isEntity(left)) return NOT_ENTITY;
  if (typeof right !== 'string') return NOT_STRING;
  const entity = entities.get(left.key);
  if (!entity) return NO_ENTITY;
  return entity.tags.get(right) ?? NO_TAG;
}

export function attributeOf(value: Value, name: string, missing: Fault, { entities }: Scene): Result {
  if (typeof value !== 'object') return NO_MEMBERS;
  if (value.kind === 'record') return value.fields.get(name) ?? missing;
  if (value.kind !== 'entity') return NO_MEMBERS;
  const entity = entities.get(value.key);
  return entity ? (entity.attrs.get(name) ?? missing) : NO_ENTITY;
}

/** `has a.b.c`: false at the first that is not there; what is there on the way must itself have attributes. */
export function hasPath(value: Value, path: readonly string[], { entities }: Scene): Result {
  let at: Value = value;
  for (const name of path) {
    if (typeof at !== 'object' || (at.kind !== 'record' && at.kind !== 'entity')) return NO_MEMBERS;
    const fields: ReadonlyMap<string, Value> | undefined =
      at.kind === 'record' ? at.fields : entities.get(at.key)?.attrs;
    const next = fields?.get(name);
    if (next === undefined) return false;
    at = next;
  }
  return true;
}

export function isOfType(value: Value, type: string): Result {
  return isEntity(value) ? value.type === type : NOT_ENTITY;
}

export function isLike(value: Value, matches: (text: string) => boolean): Result {
  return typeof value === 'string' ? matches(value) : NOT_STRING;
}

function isEntity(value: Value): value is EntityUid {
  return typeof value === 'object' && value.kind === 'entity';
}

function isSet(value: Value): value is CedarSet {
  return typeof value === 'object' && value.kind === 'set';
}
