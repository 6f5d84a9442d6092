// AIP identifiers: `aip:web:<domain>/<path>`, whose keys stand in a document at that domain, and `aip:key:ed25519:<multibase>`,
// which is its own key and never leads to a network access. Source: draft-prakash-aip-01 §2.1 (lab aip §1).

import { fromBase58, toBase58 } from './base58.ts';

export type AipId =
  | { readonly kind: 'web'; readonly domain: string; readonly path: string }
  /** Raw Ed25519 key of exactly 32 bytes: no multicodec prefix, whatever the draft's own example shows. */
  | { readonly kind: 'key'; readonly key: Uint8Array };

// ASCII and lower case: a look-alike letter, a port or an escape would be another name for the same party.
const WEB =
  /^aip:web:((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)((?:\/[A-Za-z0-9_-]+)+)$/;
const KEY = /^aip:key:ed25519:z([1-9A-HJ-NP-Za-km-z]+)$/;
const charsMax = 256;

/** Null for anything but the one spelling of an identifier. */
export function parseAipId(text: string): AipId | null {
  if (text.length > charsMax) return null;
  const web = WEB.exec(text);
  if (web) return { kind: 'web', domain: web[1]!, path: web[2]!.slice(1) };
  const key = KEY.exec(text);
  const bytes = key && fromBase58(key[1]!);
  return bytes?.length === 32 ? { kind: 'key', key: bytes } : null;
}

export function aipKeyId(key: Uint8Array): string {
  return `aip:key:ed25519:z${toBase58(key)}`;
}
