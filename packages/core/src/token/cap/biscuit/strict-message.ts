// Protobuf as a signature needs it: one spelling for one message. `std/protobuf.ts` reads what any proto3 writer may send and
// skips what it does not know; here an unknown field, a field out of order or twice, or a varint longer than needed is refused,
// because bytes outside the signed payload would otherwise be anybody's to change. Lab policy-capability-audit §3.1.

/** What a message may hold, by field number: one value, or in the plural any number of them. */
export type Shape = { readonly [number: number]: 'varint' | 'bytes' | 'messages' };

interface StrictMessage {
  /** A singular varint as a signed 64-bit number; undefined when absent. */
  int(number: number): number | undefined;
  bytes(number: number): Uint8Array | undefined;
  list(number: number): readonly Uint8Array[];
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

const NONE: readonly never[] = [];

/** Null unless the bytes are the one canonical spelling of a message of this shape. Values are views, not copies. */
export function readStrict(bytes: Uint8Array, shape: Shape): StrictMessage | null {
  const ints = new Map<number, number>();
  const lists = new Map<number, Uint8Array[]>();
  const cursor: Cursor = { bytes, at: 0 };
  let last = 0;
  while (cursor.at < bytes.length) {
    const tag = varint(cursor);
    if (tag === null || tag < 0 || tag > 0xffff_ffff) return null;
    const number = Math.floor(tag / 8);
    const kind = Object.hasOwn(shape, number) ? shape[number]! : undefined;
    if (kind === undefined || number < last) return null;
    if (number === last && kind !== 'messages') return null;
    last = number;
    if (kind === 'varint') {
      const value = tag % 8 === 0 ? varint(cursor) : null;
      if (value === null) return null;
      ints.set(number, value);
    } else {
      const value = tag % 8 === 2 ? delimited(cursor) : null;
      if (value === null) return null;
      const held = lists.get(number);
      if (held) held.push(value);
      else lists.set(number, [value]);
    }
  }
  return {
    int: (number) => ints.get(number),
    bytes: (number) => lists.get(number)?.[0],
    list: (number) => lists.get(number) ?? NONE,
  };
}

function delimited(cursor: Cursor): Uint8Array | null {
  const length = varint(cursor);
  // Attacker-controlled: compared before it becomes an index.
  if (length === null || length < 0 || length > cursor.bytes.length - cursor.at) return null;
  cursor.at += length;
  return cursor.bytes.subarray(cursor.at - length, cursor.at);
}

/** A minimal varint as a signed 64-bit number within ±(2^53 - 1), or null. */
function varint(cursor: Cursor): number | null {
  const { bytes } = cursor;
  let value = 0;
  let factor = 1;
  for (let i = 0; i < 7; i++) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * factor;
    // A last byte of zero adds nothing: the same number has a shorter spelling.
    if (byte < 0x80) return i > 0 && byte === 0 ? null : value;
    factor *= 128;
  }
  let large = BigInt(value);
  for (let i = 7; i < 10; i++) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) return null;
    large |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte >= 0x80) continue;
    if (byte === 0 || large >= 1n << 64n) return null;
    const signed = Number(BigInt.asIntN(64, large));
    return Number.isSafeInteger(signed) ? signed : null;
  }
  return null;
}
