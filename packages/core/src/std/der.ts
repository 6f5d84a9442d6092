// DER (X.690 §10) as a walk over bytes: one reading per byte string, definite and shortest lengths only.
// Knows tags and lengths; what a structure means is said by its reader. Useful in any project.

export interface Der {
  /** The identifier octet. Tags above 30 are refused: nothing read here uses them. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** Identifier, length and content, as they stood. */
  readonly whole: Uint8Array;
}

export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** The one value that fills `bytes` exactly, or null. */
export function readDer(bytes: Uint8Array): Der | null {
  const value = valueAt(bytes, 0);
  return value !== null && value.whole.length === bytes.length ? value : null;
}

/** The values that fill `bytes` exactly, one after the other, or null. Also splits concatenated certificates. */
export function readDerList(bytes: Uint8Array): readonly Der[] | null {
  const values: Der[] = [];
  for (let at = 0; at < bytes.length; ) {
    const value = valueAt(bytes, at);
    if (value === null) return null;
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

/** The members of a value with this tag, or null when it has another tag or is malformed. */
export function derMembers(value: Der | null | undefined, tag: number): readonly Der[] | null {
  return value?.tag === tag ? readDerList(value.content) : null;
}

function valueAt(bytes: Uint8Array, at: number): Der | null {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return null;
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    // 0x80 is BER's indefinite length; four octets say more than any certificate will.
    const octets = first & 0x7f;
    if (octets === 0 || octets > 4 || start + octets > bytes.length) return null;
    length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + bytes[start + i]!;
    start += octets;
    if (length < 0x80 || length < 256 ** (octets - 1)) return null;
  }
  if (start + length > bytes.length) return null;
  return { tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) };
}

/** True or false, or null for other octets than DER's two. */
export function derBoolean(value: Der | undefined): boolean | null {
  if (value?.tag !== derTag.boolean || value.content.length !== 1) return null;
  return value.content[0] === 0xff ? true : value.content[0] === 0 ? false : null;
}

/** Dotted text of an object identifier, or null. */
export function derOid(value: Der | undefined): string | null {
  if (value?.tag !== derTag.oid || value.content.length === 0) return null;
  const arcs: number[] = [];
  let arc = 0;
  let begun = false;
  for (const octet of value.content) {
    if (!begun && octet === 0x80) return null; // a leading zero would be a second spelling
    arc = arc * 128 + (octet & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) return null;
    begun = octet >= 0x80;
    if (begun) continue;
    if (arcs.length === 0) {
      const root = Math.min(Math.floor(arc / 40), 2);
      arcs.push(root, arc - root * 40);
    } else arcs.push(arc);
    arc = 0;
  }
  return begun ? null : arcs.join('.');
}

/** Magnitude of a non-negative integer without its sign octet, or null for a negative or padded one. */
export function derUnsigned(value: Der | undefined): Uint8Array | null {
  if (value?.tag !== derTag.integer || value.content.length === 0) return null;
  const [first, second] = value.content;
  if (first! >= 0x80) return null;
  if (first === 0 && second !== undefined) return second >= 0x80 ? value.content.subarray(1) : null;
  return value.content;
}

/** Bits of a named bit list, index 0 first, or null. X.690 §11.2.2: unused bits are zero and trailing zero bits are left off. */
export function derNamedBits(value: Der | undefined): readonly boolean[] | null {
  if (value?.tag !== derTag.bitString || value.content.length === 0) return null;
  const unused = value.content[0]!;
  const octets = value.content.subarray(1);
  if (unused > 7 || (octets.length === 0 && unused !== 0)) return null;
  if (octets.length > 0 && ((octets.at(-1)! >> unused) & 1) === 0) return null;
  if (octets.length > 0 && (octets.at(-1)! & ((1 << unused) - 1)) !== 0) return null;
  return Array.from(
    { length: octets.length * 8 - unused },
    (_, bit) => ((octets[bit >> 3]! >> (7 - (bit & 7))) & 1) === 1,
  );
}

/** Seconds since 1970 of a UTCTime or GeneralizedTime in RFC 5280's form (§4.1.2.5: seconds present, `Z`), or null. */
export function derTimeSeconds(value: Der | undefined): number | null {
  if (value?.tag !== derTag.utcTime && value?.tag !== derTag.generalizedTime) return null;
  const digits = value.tag === derTag.utcTime ? 12 : 14;
  if (value.content.length !== digits + 1 || value.content[digits] !== 0x5a) return null;
  const text = String.fromCharCode(...value.content.subarray(0, digits));
  if (!/^[0-9]+$/.test(text)) return null;
  // RFC 5280 §4.1.2.5.1: two digits from 50 on belong to the last century.
  const full = digits === 14 ? text : `${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}`;
  const part = (from: number, length: number) => Number(full.slice(from, from + length));
  const millis = Date.UTC(part(0, 4), part(4, 2) - 1, part(6, 2), part(8, 2), part(10, 2), part(12, 2));
  // `Date.UTC` carries 31 February over; what it carried over was no date.
  const back = new Date(millis)
    .toISOString()
    .replace(/[^0-9]/g, '')
    .slice(0, 14);
  return back === full ? millis / 1000 : null;
}
