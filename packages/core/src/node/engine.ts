// The one file of core that imports from Node: hashing and signature checks as pure functions of their arguments.
// Judges receive it as an argument, so that a browser or a test can hand in its own.

import { createPrivateKey, createPublicKey, hash, type JsonWebKey, type KeyObject, sign, verify } from 'node:crypto';
import { toBase64Url } from '../std/base64.ts';
import type { Engine, PublicKey } from '../std/engine.ts';

// Importing a key costs as much as a third of a verification; the bound keeps a hostile stream of keys from growing it.
const importedMax = 1024;
const imported = new Map<string, KeyObject>();
// Configured keys are the same objects at every call and are found without spelling them out.
const importedByObject = new WeakMap<PublicKey, KeyObject>();

function keyObject(key: PublicKey): KeyObject {
  const known = importedByObject.get(key);
  if (known) return known;
  const made = importedByBytes(key);
  importedByObject.set(key, made);
  return made;
}

function importedByBytes(key: PublicKey): KeyObject {
  const name = `${key.alg}:${toBase64Url(key.x)}${key.alg === 'ES256' ? toBase64Url(key.y) : ''}`;
  const held = imported.get(name);
  if (held) return held;
  const made = createPublicKey({ key: jwkOf(key), format: 'jwk' });
  if (imported.size >= importedMax) imported.delete(imported.keys().next().value!);
  imported.set(name, made);
  return made;
}

function jwkOf(key: PublicKey): JsonWebKey {
  const x = toBase64Url(key.x);
  if (key.alg === 'EdDSA') return { kty: 'OKP', crv: 'Ed25519', x };
  if (key.alg === 'ES256') return { kty: 'EC', crv: 'P-256', x, y: toBase64Url(key.y) };
  return { kty: 'AKP', alg: key.alg, pub: x };
}

const signatureBytes = { EdDSA: 64, ES256: 64, 'ML-DSA-44': 2420 } as const;
let knowsMlDsa: boolean | null = null;

/** Node 24 has ML-DSA where its OpenSSL is 3.5 or newer; any 1312 bytes are a key. */
function canImportMlDsa(): boolean {
  try {
    createPublicKey({ key: jwkOf({ alg: 'ML-DSA-44', x: new Uint8Array(1312) }), format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}

/** Checks one Ed25519 signature of 64 bytes with a key of 32. */
export type Ed25519Check = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

export const nodeEngine: Engine = engineWith(null);

/** The same engine with somebody else's Ed25519, null for Node's own. Whoever hands one in has compared the two. */
export function engineWith(ed25519: Ed25519Check | null): Engine {
  return {
    sha256: (bytes) => hash('sha256', bytes, 'buffer'),
    knows(alg) {
      if (alg !== 'ML-DSA-44') return true;
      knowsMlDsa ??= canImportMlDsa();
      return knowsMlDsa;
    },
    verify: (key, message, signature) => isGenuine(key, message, signature, ed25519),
  };
}

function isGenuine(key: PublicKey, message: Uint8Array, signature: Uint8Array, ed25519: Ed25519Check | null): boolean {
  if (signature.length !== signatureBytes[key.alg]) return false;
  try {
    if (ed25519 && key.alg === 'EdDSA') return key.x.length === 32 && ed25519(key.x, message, signature);
    const object = keyObject(key);
    if (key.alg !== 'ES256') return verify(null, message, object, signature);
    // RFC 7518 §3.4: R and S side by side, not DER.
    return verify('sha256', message, { key: object, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    return false; // a point that is not on the curve, say: not genuine, and not an outage
  }
}

// RFC 8410 §7: PKCS #8 of an Ed25519 key is these bytes and its seed.
const ED25519_PKCS8 = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);

/** The Ed25519 key of a 32-byte seed (RFC 8032 §5.1.5): its public half, and a signer. Throws on another length. */
export function ed25519KeyOf(seed: Uint8Array) {
  if (seed.length !== 32) throw new RangeError(`an Ed25519 seed has 32 bytes, not ${seed.length}`);
  const key = createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32));
  return { seed, publicKey, sign: (message: Uint8Array): Uint8Array => new Uint8Array(sign(null, message, key)) };
}
