// Hashing and signature checks, handed to the judges. Synchronous and without side effects.

export type PublicKey =
  /** Ed25519, raw 32 bytes (RFC 8037). */
  | { readonly alg: 'EdDSA'; readonly x: Uint8Array }
  /** P-256, affine coordinates of 32 bytes each (RFC 7518 §6.2). */
  | { readonly alg: 'ES256'; readonly x: Uint8Array; readonly y: Uint8Array }
  /** FIPS 204, 1312 bytes. Signs checkpoints, never tokens. */
  | { readonly alg: 'ML-DSA-44'; readonly x: Uint8Array };

export interface Engine {
  sha256(bytes: Uint8Array): Uint8Array;
  /** Whether this runtime can check such signatures at all. */
  knows(alg: PublicKey['alg']): boolean;
  /** False for anything but a genuine signature; never throws. Signatures are 64 bytes, of ML-DSA-44 2420. */
  verify(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean;
}
