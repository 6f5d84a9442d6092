// One `where:` constraint of an allow line. What Cedar can say becomes Cedar, so that the compiled policy reads as what it
// does; the rest is judged by core's constraint function and reaches Cedar as a Bool under a name that tells what it means.
// Either way the meaning is core's (rules §2.11): every leaf at the pointer, exact JSON type, absent is not admitted.

import { type Constraint, canonicalJson, constraintHolds, type JsonObject, type JsonValue, leavesAt } from '@writ/core';
import { attribute, cedarString, has } from './cedar/text.ts';
import { type CedarType, cedarLong, type RecordType } from './cedar/types.ts';

/** A constraint judged outside Cedar. */
export interface Held {
  readonly pointer: string;
  readonly constraint: Constraint;
}

/** Does it hold of these arguments? */
export function heldHolds({ pointer, constraint }: Held, args: JsonObject): boolean {
  const leaves = leavesAt(args, pointer);
  return leaves?.every((leaf) => constraintHolds(constraint, leaf)) ?? false;
}

/** Cedar conditions that all must hold, or null when Cedar cannot say it exactly. */
export function whereInCedar({ pointer, constraint }: Held, input: RecordType): readonly string[] | null {
  const place = placeOf(pointer, input);
  if (place === null) return null;
  const condition = conditionOf(constraint, place.expression, place.type);
  return condition === null ? null : [...place.guards, ...condition];
}

/** `/path below /srv/docs`: the name under `context.holds`. Different constraints have different names. */
export function heldName({ pointer, constraint }: Held): string {
  return `${pointer} ${wordsOf(constraint)}`;
}

interface Place {
  readonly expression: string;
  /** `has` for every optional member on the way. */
  readonly guards: readonly string[];
  readonly type: CedarType;
}

function placeOf(pointer: string, input: RecordType): Place | null {
  let place: Place = { expression: 'context.input', guards: [], type: input };
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (place.type.type !== 'Record') return null;
    const { attributes } = place.type as RecordType;
    if (!Object.hasOwn(attributes, name)) return null;
    const member = attributes[name]!;
    // Reading a number makes one that Cedar cannot hold an error; core compares any.
    if (holdsDecimal(member)) return null;
    const guards = member.required === false ? [...place.guards, has(place.expression, name)] : place.guards;
    place = { expression: attribute(place.expression, name), guards, type: member };
  }
  return place;
}

function holdsDecimal(type: CedarType): boolean {
  if (type.type === 'Set') return holdsDecimal((type as { element: CedarType }).element);
  if (type.type === 'Record') return Object.values((type as RecordType).attributes).some(holdsDecimal);
  return type.type === 'Extension';
}

function conditionOf(constraint: Constraint, place: string, type: CedarType): readonly string[] | null {
  if ('any' in constraint) return constraint.any === true ? [] : null;
  if ('oneOf' in constraint) return oneOfIn(constraint.oneOf, place, type);
  if ('range' in constraint && type.type === 'Long') return rangeIn(constraint.range, place);
  return null;
}

function oneOfIn(values: readonly JsonValue[], place: string, type: CedarType): readonly string[] | null {
  const isSet = type.type === 'Set';
  const literals = values.map((value) => literalOf(value, isSet ? (type as { element: CedarType }).element : type));
  if (literals.length === 0 || literals.includes(null)) return null;
  const set = `[${literals.join(', ')}]`;
  // An empty list is a leaf of its own, equal to none of the values.
  if (isSet) return [`!${place}.isEmpty()`, `${set}.containsAll(${place})`];
  return [literals.length === 1 ? `${place} == ${literals[0]}` : `${set}.contains(${place})`];
}

/** Null for a value that the type can never equal: mixed lists are left to core. */
function literalOf(value: JsonValue, type: CedarType): string | null {
  if (type.type === 'String' && typeof value === 'string') return cedarString(value);
  if (type.type === 'Boolean' && typeof value === 'boolean') return String(value);
  if (type.type === 'Long' && Number.isSafeInteger(value)) return String((value as number) + 0);
  return null;
}

function rangeIn(
  { min, max }: { readonly min?: string; readonly max?: string },
  place: string,
): readonly string[] | null {
  const low = min === undefined ? undefined : cedarLong(min);
  const high = max === undefined ? undefined : cedarLong(max);
  if (low === null || high === null || (low === undefined && high === undefined)) return null;
  return [...(low === undefined ? [] : [`${place} >= ${low}`]), ...(high === undefined ? [] : [`${place} <= ${high}`])];
}

function wordsOf(constraint: Constraint): string {
  if ('any' in constraint) return 'present';
  if ('oneOf' in constraint) return `one of ${list(constraint.oneOf)}`;
  if ('subpath' in constraint) {
    const { root, separator } = constraint.subpath;
    return separator === '/' ? `below ${root}` : `below ${root} (separator \\)`;
  }
  if ('urlHost' in constraint) return `at host ${list(constraint.urlHost)}`;
  if ('cidr' in constraint) return `in network ${list(constraint.cidr)}`;
  if ('range' in constraint) {
    const { min, max } = constraint.range;
    return `${min === undefined ? '' : `from ${min}`}${max === undefined ? '' : `${min === undefined ? '' : ' '}up to ${max}`}`;
  }
  return `matching ${constraint.matches}`;
}

function list(values: readonly JsonValue[]): string {
  return values.map((value) => canonicalJson(value)).join(', ');
}
