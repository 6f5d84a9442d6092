// Version 1 binary macaroons, read only: packets of four hex digits of length, a name, a space, a value and a line feed.
// Source: libmacaroons doc/format.txt; what Debian's libmacaroons and older services send.

import { equalBytes, utf8, utf8Text } from '../../../std/bytes.ts';
import { type Caveat, caveatsMax, fieldBytesMax, type Macaroon } from './form.ts';

const HEADER_BYTES = 4;
const PLACES = ['location', 'identifier', 'cid', 'vid', 'cl', 'signature'] as const;
type Name = (typeof PLACES)[number];

/** One macaroon at the start of the bytes and where it ends, or null. */
export function readBinaryV1(bytes: Uint8Array, start: number): { macaroon: Macaroon; end: number } | null {
  let at = start;
  const packet = (name: Name): Uint8Array | undefined | null => {
    const head = utf8Text(bytes.subarray(at, at + HEADER_BYTES));
    // Lower case only: the length has one spelling.
    if (head === null || !/^[0-9a-f]{4}$/.test(head)) return null;
    const length = Number.parseInt(head, 16);
    const prefix = utf8(`${name} `);
    const body = bytes.subarray(at + HEADER_BYTES, at + length);
    if (length > fieldBytesMax || at + length > bytes.length || body.at(-1) !== 0x0a) return null;
    if (!equalBytes(body.subarray(0, prefix.length), prefix)) return undefined;
    at += length;
    return body.subarray(prefix.length, -1);
  };
  const location = packet('location');
  const identifier = packet('identifier');
  if (location === null || !identifier) return null;
  const caveats: Caveat[] = [];
  for (;;) {
    const cid = packet('cid');
    if (cid === null) return null;
    if (cid === undefined) break;
    const vid = packet('vid');
    const cl = vid === null ? null : packet('cl');
    if (vid === null || cl === null || caveats.length === caveatsMax) return null;
    if (cl !== undefined && vid === undefined) return null;
    caveats.push({ identifier: cid, verificationId: vid ?? null, location: cl ?? null });
  }
  const signature = packet('signature');
  if (signature?.length !== 32) return null;
  return { macaroon: { location: location ?? null, identifier, caveats, signature }, end: at };
}
