// The proto3 wire format, read and written strictly: varints, length-delimited fields, maps of string to bytes.
// Meaning is the caller's: it asks for fields by number. Unknown fields are skipped, malformed bytes are refused whole.
// Source: protobuf.dev, "Encoding". Groups (wire types 3 and 4) left the language before proto3 and are refused.

import { concat, utf8, utf8Text } from './bytes.ts';

export type ProtoField =
  | { readonly number: number; readonly kind: 'varint'; readonly value: bigint }
  | { readonly number: number; readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly number: number; readonly kind: 'fixed'; readonly value: Uint8Array };

const fieldNumberMax = 2 ** 29 - 1;

/**
 * Fields of one message in the order they came, or null when the bytes are truncated, malformed or hold more than
 * `fieldsMax` fields. Values are views into `message`, not copies.
 */
export function readProto(message: Uint8Array, fieldsMax = 4096): readonly ProtoField[] | null {
  const fields: ProtoField[] = [];
  let at = 0;
  while (at < message.length) {
    if (fields.length === fieldsMax) return null;
    const tag = readVarint(message, at);
    if (tag === null || tag.value > 0xffff_ffffn) return null;
    const number = Number(tag.value >> 3n);
    if (number === 0 || number > fieldNumberMax) return null;
    const body = readBody(message, tag.end, number, Number(tag.value & 7n));
    if (body === null) return null;
    fields.push(body.field);
    at = body.end;
  }
  return fields;
}

function readBody(
  message: Uint8Array,
  at: number,
  number: number,
  wireType: number,
): { readonly field: ProtoField; readonly end: number } | null {
  if (wireType === 0) {
    const varint = readVarint(message, at);
    return varint && { field: { number, kind: 'varint', value: varint.value }, end: varint.end };
  }
  if (wireType === 2) {
    const length = readVarint(message, at);
    // Attacker-controlled: compared as bigint before it becomes an index.
    if (length === null || length.value > BigInt(message.length - length.end)) return null;
    const end = length.end + Number(length.value);
    return { field: { number, kind: 'bytes', value: message.subarray(length.end, end) }, end };
  }
  if (wireType === 1 || wireType === 5) {
    const end = at + (wireType === 1 ? 8 : 4);
    if (end > message.length) return null;
    return { field: { number, kind: 'fixed', value: message.subarray(at, end) }, end };
  }
  return null;
}

function readVarint(bytes: Uint8Array, start: number): { readonly value: bigint; readonly end: number } | null {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) return null;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return value < 1n << 64n ? { value, end: start + i + 1 } : null;
  }
  return null;
}

/** Every value of a `bytes` or message field, in order; null when one of them has another wire type. */
export function protoBytesList(fields: readonly ProtoField[], number: number): readonly Uint8Array[] | null {
  const values: Uint8Array[] = [];
  for (const field of fields) {
    if (field.number !== number) continue;
    if (field.kind !== 'bytes') return null;
    values.push(field.value);
  }
  return values;
}

/** The last value of a singular `bytes` field (proto3: the last one wins), empty when absent, null when malformed. */
export function protoBytes(fields: readonly ProtoField[], number: number): Uint8Array | null {
  const values = protoBytesList(fields, number);
  return values && (values.at(-1) ?? new Uint8Array());
}

/** The last value of a `string` field, '' when absent, null when malformed or not UTF-8. */
export function protoString(fields: readonly ProtoField[], number: number): string | null {
  const bytes = protoBytes(fields, number);
  return bytes && utf8Text(bytes);
}

/** The last value of a varint field, 0 when absent, null when malformed. */
export function protoVarint(fields: readonly ProtoField[], number: number): bigint | null {
  let value = 0n;
  for (const field of fields) {
    if (field.number !== number) continue;
    if (field.kind !== 'varint') return null;
    value = field.value;
  }
  return value;
}

/** A `map<string, bytes>` field (entries: key 1, value 2; the last entry of a key wins), null when malformed. */
export function protoMap(fields: readonly ProtoField[], number: number): ReadonlyMap<string, Uint8Array> | null {
  const entries = protoBytesList(fields, number);
  if (entries === null) return null;
  const map = new Map<string, Uint8Array>();
  for (const entry of entries) {
    const pair = readProto(entry);
    if (pair === null) return null;
    const key = protoString(pair, 1);
    const value = protoBytes(pair, 2);
    if (key === null || value === null) return null;
    map.set(key, value);
  }
  return map;
}

export function bytesField(number: number, value: Uint8Array): ProtoField {
  return { number, kind: 'bytes', value };
}

export function stringField(number: number, text: string): ProtoField {
  return bytesField(number, utf8(text));
}

export function varintField(number: number, value: bigint): ProtoField {
  return { number, kind: 'varint', value };
}

export function mapField(number: number, map: ReadonlyMap<string, Uint8Array>): readonly ProtoField[] {
  return [...map].map(([key, value]) => bytesField(number, writeProto([stringField(1, key), bytesField(2, value)])));
}

/** Bytes of a message. Throws RangeError on a field number, varint or fixed width that the format cannot carry. */
export function writeProto(fields: readonly ProtoField[]): Uint8Array {
  return concat(...fields.flatMap(writeField));
}

function writeField(field: ProtoField): readonly Uint8Array[] {
  if (!Number.isInteger(field.number) || field.number < 1 || field.number > fieldNumberMax) {
    throw new RangeError(`protobuf has no field number ${field.number}`);
  }
  const tag = (wireType: number) => writeVarint((BigInt(field.number) << 3n) | BigInt(wireType));
  if (field.kind === 'varint') return [tag(0), writeVarint(field.value)];
  if (field.kind === 'bytes') return [tag(2), writeVarint(BigInt(field.value.length)), field.value];
  if (field.value.length !== 4 && field.value.length !== 8) {
    throw new RangeError(`a fixed protobuf field has 4 or 8 bytes, not ${field.value.length}`);
  }
  return [tag(field.value.length === 8 ? 1 : 5), field.value];
}

function writeVarint(value: bigint): Uint8Array {
  if (value < 0n || value >= 1n << 64n) throw new RangeError('a varint carries 0 to 2^64-1');
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
