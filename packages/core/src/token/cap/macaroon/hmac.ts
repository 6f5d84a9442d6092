// HMAC-SHA256 (RFC 2104) from the one hash an engine has: two one-shot hashes are quicker than a keyed object made for each link of
// a chain whose key is new every time (lab policy-capability-audit §4).

import { concat } from '../../../std/bytes.ts';
import type { Engine } from '../../../std/engine.ts';

const BLOCK_BYTES = 64;

export function hmacSha256(key: Uint8Array, message: Uint8Array, engine: Engine): Uint8Array {
  const short = key.length > BLOCK_BYTES ? engine.sha256(key) : key;
  const inner = new Uint8Array(BLOCK_BYTES).fill(0x36);
  const outer = new Uint8Array(BLOCK_BYTES).fill(0x5c);
  for (const [i, byte] of short.entries()) {
    inner[i]! ^= byte;
    outer[i]! ^= byte;
  }
  return engine.sha256(concat(outer, engine.sha256(concat(inner, message))));
}

/** Takes as long for unequal bytes as for equal ones: these are secrets whose prefix nobody should learn. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let differing = 0;
  for (let i = 0; i < a.length; i++) differing |= a[i]! ^ b[i]!;
  return differing === 0;
}
