// A macaroon as data, and its version 2 binary form. Read strictly; locations are not signed by anything, so verify.ts holds them
// to what is expected. Source: libmacaroons doc/format.txt.

import { concat } from '../../../std/bytes.ts';

export interface Caveat {
  /** A condition, or for a third party the caveat's id. */
  readonly identifier: Uint8Array;
  /** Present for a third party: the key of its discharge, boxed under the signature so far. */
  readonly verificationId: Uint8Array | null;
  /** Where the third party is; a hint, unsigned. */
  readonly location: Uint8Array | null;
}

/** Decoded and unchecked. */
export interface Macaroon {
  readonly location: Uint8Array | null;
  readonly identifier: Uint8Array;
  readonly caveats: readonly Caveat[];
  /** 32 bytes. */
  readonly signature: Uint8Array;
}

export const caveatsMax = 128;
export const fieldBytesMax = 12 * 1024;

const VERSION = 2;
const FIELD = { end: 0, location: 1, identifier: 2, verificationId: 4, signature: 6 } as const;

/** One macaroon at the start of the bytes and where it ends, or null. Several stand one after another: a root and discharges. */
export function readBinaryV2(bytes: Uint8Array, start: number): { macaroon: Macaroon; end: number } | null {
  let at = start;
  /** Bytes of the field of this kind if it comes next; undefined if another does; null when it cannot be read. */
  const field = (kind: number): Uint8Array | undefined | null => {
    if (bytes[at] !== kind) return undefined;
    const length = varint(bytes, at + 1);
    if (!length || length.value > fieldBytesMax || length.end + length.value > bytes.length) return null;
    at = length.end + length.value;
    return bytes.subarray(length.end, at);
  };
  const ends = (): boolean => bytes[at] === FIELD.end && ++at > 0;
  if (bytes[at++] !== VERSION) return null;
  const location = field(FIELD.location);
  const identifier = field(FIELD.identifier);
  if (location === null || !identifier || !ends()) return null;
  const caveats: Caveat[] = [];
  while (!ends()) {
    const where = field(FIELD.location);
    const what = field(FIELD.identifier);
    const key = field(FIELD.verificationId);
    if (where === null || !what || key === null || !ends() || caveats.length === caveatsMax) return null;
    // A place without a key belongs to nobody, and nothing would hold it.
    if (where !== undefined && key === undefined) return null;
    caveats.push({ identifier: what, verificationId: key ?? null, location: where ?? null });
  }
  const signature = field(FIELD.signature);
  if (signature?.length !== 32) return null;
  return { macaroon: { location: location ?? null, identifier, caveats, signature }, end: at };
}

export function writeBinaryV2({ location, identifier, caveats, signature }: Macaroon): Uint8Array {
  const field = (kind: number, value: Uint8Array | null) =>
    value === null ? [] : [Uint8Array.of(kind), writeVarint(value.length), value];
  const end = Uint8Array.of(FIELD.end);
  return concat(
    Uint8Array.of(VERSION),
    ...field(FIELD.location, location),
    ...field(FIELD.identifier, identifier),
    end,
    ...caveats.flatMap((caveat) => [
      ...field(FIELD.location, caveat.location),
      ...field(FIELD.identifier, caveat.identifier),
      ...field(FIELD.verificationId, caveat.verificationId),
      end,
    ]),
    end,
    ...field(FIELD.signature, signature),
  );
}

/** Minimal, of at most three bytes: no field is longer. */
function varint(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } | null {
  let value = 0;
  for (let i = 0; i < 3; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) return null;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return i > 0 && byte === 0 ? null : { value, end: start + i + 1 };
  }
  return null;
}

function writeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, rest);
}
