// NaCl's secretbox, XSalsa20 with Poly1305: how a macaroon carries the key of a third-party caveat, so that every implementation
// has to have it. Short messages, seldom; Node has neither part. Sources: D. J. Bernstein, "Extending the Salsa20 nonce",
// "The Poly1305-AES message-authentication code"; checked against tweetnacl through the `macaroon` package.

import { equalSecrets } from './hmac.ts';

export const boxNonceBytes = 24;
const TAG_BYTES = 16;
const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;

/** Tag and ciphertext. `nonce` (24 bytes) is used once with a key of 32. */
export function sealBox(message: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array {
  const stream = keyStream(message.length + 32, nonce, key);
  const sealed = new Uint8Array(TAG_BYTES + message.length);
  for (const [i, byte] of message.entries()) sealed[TAG_BYTES + i] = byte ^ stream[32 + i]!;
  sealed.set(poly1305(sealed.subarray(TAG_BYTES), stream.subarray(0, 32)));
  return sealed;
}

/** The message, or null when the box is not whole or not of this key and nonce. */
export function openBox(sealed: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | null {
  if (sealed.length < TAG_BYTES || nonce.length !== boxNonceBytes || key.length !== 32) return null;
  const cipher = sealed.subarray(TAG_BYTES);
  const stream = keyStream(cipher.length + 32, nonce, key);
  if (!equalSecrets(poly1305(cipher, stream.subarray(0, 32)), sealed.subarray(0, TAG_BYTES))) return null;
  return cipher.map((byte, i) => byte ^ stream[32 + i]!);
}

/** XSalsa20: a key of its own from the first 16 bytes of the nonce, then Salsa20 with the last 8. */
function keyStream(length: number, nonce: Uint8Array, key: Uint8Array): Uint8Array {
  const own = core(key, words(nonce.subarray(0, 16)), false);
  const stream = new Uint8Array(Math.ceil(length / 64) * 64);
  const [low, high] = words(nonce.subarray(16)) as [number, number];
  for (let block = 0; block * 64 < length; block++) stream.set(core(own, [low, high, block, 0], true), block * 64);
  return stream.subarray(0, length);
}

function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
}

/** Salsa20's twenty rounds: 64 bytes with the input added, or HSalsa20's 32 without. */
function core(key: Uint8Array, input: readonly number[], added: boolean): Uint8Array {
  const k = words(key);
  const [a, b, c, d] = SIGMA;
  const start = [a, ...k.slice(0, 4), b, ...input, c, ...k.slice(4), d];
  const x = Uint32Array.from(start);
  const mix = (to: number, one: number, two: number, by: number) => {
    const sum = (x[one]! + x[two]!) >>> 0;
    x[to] = x[to]! ^ ((sum << by) | (sum >>> (32 - by)));
  };
  const quarter = (p: number, q: number, r: number, s: number) => {
    mix(q, p, s, 7);
    mix(r, q, p, 9);
    mix(s, r, q, 13);
    mix(p, s, r, 18);
  };
  for (let round = 0; round < 20; round += 2) {
    quarter(0, 4, 8, 12);
    quarter(5, 9, 13, 1);
    quarter(10, 14, 2, 6);
    quarter(15, 3, 7, 11);
    quarter(0, 1, 2, 3);
    quarter(5, 6, 7, 4);
    quarter(10, 11, 8, 9);
    quarter(15, 12, 13, 14);
  }
  const shown = added ? x.map((word, i) => word + start[i]!) : [0, 5, 10, 15, 6, 7, 8, 9].map((i) => x[i]!);
  const out = new Uint8Array(shown.length * 4);
  const view = new DataView(out.buffer);
  shown.forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  return out;
}

const PRIME = (1n << 130n) - 5n;
// Bits of r that the design keeps clear.
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

function poly1305(message: Uint8Array, key: Uint8Array): Uint8Array {
  const r = little(key.subarray(0, 16)) & CLAMP;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const part = message.subarray(at, at + 16);
    sum = ((sum + little(part) + (1n << BigInt(8 * part.length))) * r) % PRIME;
  }
  const tag = sum + little(key.subarray(16, 32));
  return Uint8Array.from({ length: TAG_BYTES }, (_, i) => Number((tag >> BigInt(8 * i)) & 0xffn));
}

function little(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}
