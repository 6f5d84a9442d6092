// From JSON to Cedar, types and values. Cedar has no floats, no null and no unions; what it cannot say is left out of the
// typed context and named in a report, never approximated: a policy that compared a rounded number would be a wrong one.

import type { CedarValueJson, Type, TypeOfAttribute } from '@cedar-policy/cedar-wasm/nodejs';
import { isJsonObject, type JsonObject, type JsonValue, parseDecimal } from '@writ/core';
import type { Shape } from '../arguments/shape.ts';

export type CedarType = Type<string>;
export type RecordType = { readonly type: 'Record'; readonly attributes: Record<string, TypeOfAttribute<string>> };

export interface Omission {
  /** JSON pointer of the argument; `*` stands for every item of a list. */
  readonly pointer: string;
  readonly why: string;
}

const depthMax = 8;
const i64Max = 2n ** 63n - 1n;
const i64Min = -(2n ** 63n);
/** Cedar decimals: 64 bits with four fraction digits. */
const decimalScale = 4;

/** The record of a tool's arguments, as far as Cedar can type it. */
export function recordTypeOf(shape: Shape, omit: (omission: Omission) => void): RecordType {
  return recordOf(shape, '', 0, omit) ?? { type: 'Record', attributes: {} };
}

function recordOf(shape: Shape, pointer: string, depth: number, omit: (o: Omission) => void): RecordType | null {
  const attributes: Record<string, TypeOfAttribute<string>> = {};
  for (const [name, member] of shape.properties ?? []) {
    const at = `${pointer}/${name}`;
    // In Cedar's JSON the first three are escapes for entities and extension values; the last is a trap of JavaScript's.
    const found = /^__(entity|extn|expr|proto__)$/.test(name)
      ? { omitted: 'a reserved name' }
      : typeOf(member, at, depth + 1, omit);
    if ('omitted' in found) omit({ pointer: at, why: found.omitted });
    else attributes[name] = { ...found.type, required: shape.required.includes(name) };
  }
  return { type: 'Record', attributes };
}

type TypeResult = { readonly type: CedarType } | { readonly omitted: string };

function typeOf(shape: Shape, pointer: string, depth: number, omit: (o: Omission) => void): TypeResult {
  if (depth > depthMax) return { omitted: 'nested too deeply' };
  if (shape.ref) return typeOf(shape.ref(), pointer, depth + 1, omit);
  if (shape.anyOf.length + shape.oneOf.length + shape.allOf.length > 0 || shape.not) return { omitted: 'alternatives' };
  const types = shape.types ?? [...new Set((shape.values ?? []).map(jsonTypeOf))];
  if (types.length !== 1) return { omitted: types.length === 0 ? 'any value may come' : 'more than one type' };
  switch (types[0]) {
    case 'string':
      return { type: { type: 'String' } };
    case 'boolean':
      return { type: { type: 'Boolean' } };
    case 'integer':
      return { type: { type: 'Long' } };
    case 'number':
      return { type: { type: 'Extension', name: 'decimal' } };
    case 'array':
      return setOf(shape, pointer, depth, omit);
    case 'object':
      if (!shape.properties || shape.properties.size === 0) return { omitted: 'an object without named members' };
      if (shape.additional !== null && shape.additional !== false) return { omitted: 'an object of further members' };
      return { type: recordOf(shape, pointer, depth, omit)! };
    default:
      return { omitted: 'Cedar has no null' };
  }
}

function setOf(shape: Shape, pointer: string, depth: number, omit: (o: Omission) => void): TypeResult {
  if (!shape.items || shape.prefixItems.length > 0) return { omitted: 'a list of different items' };
  const element = typeOf(shape.items, `${pointer}/*`, depth + 1, omit);
  return 'omitted' in element ? element : { type: { type: 'Set', element: element.type } };
}

function jsonTypeOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' ? (Number.isInteger(value) ? 'integer' : 'number') : typeof value;
}

/** The value in Cedar's JSON, or undefined when it is not exactly one of the type. */
function cedarValue(value: JsonValue, type: CedarType): CedarValueJson | undefined {
  switch (type.type) {
    case 'String':
      return typeof value === 'string' ? value : undefined;
    case 'Boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'Long':
      return typeof value === 'number' ? longOf(value) : undefined;
    case 'Extension':
      return typeof value === 'number' ? decimalOf(value) : undefined;
    case 'Set':
      return Array.isArray(value) ? setValue(value, (type as { element: CedarType }).element) : undefined;
    case 'Record':
      return isJsonObject(value) ? recordValue(value, type as RecordType) : undefined;
    default:
      return undefined;
  }
}

/** Members that the type does not name stay behind; one that it names and that does not fit makes the whole undefined. */
export function recordValue(value: JsonObject, type: RecordType): { [name: string]: CedarValueJson } | undefined {
  const record: { [name: string]: CedarValueJson } = {};
  for (const [name, attribute] of Object.entries(type.attributes)) {
    if (!Object.hasOwn(value, name)) {
      if (attribute.required !== false) return undefined;
      continue;
    }
    const member = cedarValue(value[name]!, attribute);
    if (member === undefined) return undefined;
    record[name] = member;
  }
  return record;
}

function setValue(items: readonly JsonValue[], element: CedarType): CedarValueJson | undefined {
  const values = items.map((item) => cedarValue(item, element));
  return values.includes(undefined) ? undefined : (values as CedarValueJson[]);
}

function longOf(value: number): number | undefined {
  // Past 2^53 a JavaScript number is already another number than the one that was sent. Adding 0 makes -0 plain 0.
  return Number.isSafeInteger(value) ? value + 0 : undefined;
}

function decimalOf(value: number): CedarValueJson | undefined {
  const text = cedarDecimal(String(value));
  return text === null ? undefined : { __extn: { fn: 'decimal', arg: text } };
}

/** Text that Cedar's `decimal()` reads, or null for what needs a fifth fraction digit or more than 64 bits. */
export function cedarDecimal(text: string): string | null {
  const found = parseDecimal(text);
  if (!found) return null;
  let { digits, scale } = found;
  while (scale > decimalScale && digits % 10n === 0n) {
    digits /= 10n;
    scale--;
  }
  if (scale > decimalScale) return null;
  const scaled = digits * 10n ** BigInt(decimalScale - scale);
  if (scaled > i64Max || scaled < i64Min) return null;
  const plain = (scaled < 0n ? -scaled : scaled).toString().padStart(decimalScale + 1, '0');
  return `${scaled < 0n ? '-' : ''}${plain.slice(0, -decimalScale)}.${plain.slice(-decimalScale)}`;
}

/** Whole number within 64 bits, as Cedar writes it, or null. */
export function cedarLong(text: string): string | null {
  const found = parseDecimal(text);
  if (!found || found.digits % 10n ** BigInt(found.scale) !== 0n) return null;
  const whole = found.digits / 10n ** BigInt(found.scale);
  return whole > i64Max || whole < i64Min ? null : whole.toString();
}
