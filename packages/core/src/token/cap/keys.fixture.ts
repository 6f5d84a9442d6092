// Keys for tests: everything from one number, so that a failure can be repeated.

import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { ed25519KeyOf, nodeEngine } from '../../node/engine.ts';
import { utf8 } from '../../std/bytes.ts';
import type { CapEngine, SeedSigner } from './engine.ts';

export const capEngine: CapEngine = {
  ...nodeEngine,
  publicKeyOf: (seed) => ed25519KeyOf(seed).publicKey,
  sealBox: (message, nonce, key) => xsalsa20poly1305(key, nonce).encrypt(message),
  openBox(sealed, nonce, key) {
    try {
      return xsalsa20poly1305(key, nonce).decrypt(sealed);
    } catch {
      return null; // its one way of saying no
    }
  },
};

const made = new Map<string, SeedSigner>();

/** The key of a name; the same every time. */
export function keyNamed(name: string): SeedSigner {
  const held = made.get(name) ?? ed25519KeyOf(capEngine.sha256(utf8(`writ test key ${name}`)));
  made.set(name, held);
  return held;
}
