// What capabilities need beyond checking signatures: the public half of an Ed25519 seed, and the box in which a macaroon carries the
// key of a third party. Pure as the rest of an engine.

import type { Engine } from '../../std/engine.ts';

export const boxNonceBytes = 24;

export interface CapEngine extends Engine {
  /** The Ed25519 key that belongs to a seed of 32 bytes. RFC 8032 §5.1.5. */
  publicKeyOf(seed: Uint8Array): Uint8Array;
  /** NaCl's secretbox, XSalsa20 with Poly1305: tag and ciphertext. `nonce` (`boxNonceBytes`) is used once with a key of 32 bytes. */
  sealBox(message: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array;
  /** The message, or null when the box is not whole or not of this key and nonce, whatever their lengths. */
  openBox(sealed: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | null;
}

/** A key one may sign with: held by whoever mints or narrows, never by a judge. */
export interface Signer {
  /** Raw 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Ed25519, deterministic. RFC 8032 §5.1.6. */
  sign(message: Uint8Array): Uint8Array;
}

/** A signing key whose secret travels in the token: the next key of a Biscuit. */
export interface SeedSigner extends Signer {
  readonly seed: Uint8Array;
}
