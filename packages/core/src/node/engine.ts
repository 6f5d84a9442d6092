// The one file of core that imports from Node: hashing and signature checks as pure functions of their arguments.
// Judges receive it as an argument, so that a browser or a test can hand in its own.

import { createPublicKey, hash, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { toBase64Url } from '../std/base64.ts';
import type { Engine, PublicKey } from '../std/engine.ts';

// Importing a key costs as much as a third of a verification; the bound keeps a hostile stream of keys from growing it.
const importedMax = 1024;
const imported = new Map<string, KeyObject>();

function keyObject(key: PublicKey): KeyObject {
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

export const nodeEngine: Engine = {
  sha256: (bytes) => hash('sha256', bytes, 'buffer'),
  knows(alg) {
    if (alg !== 'ML-DSA-44') return true;
    knowsMlDsa ??= canImportMlDsa();
    return knowsMlDsa;
  },
  verify(key, message, signature) {
    if (signature.length !== signatureBytes[key.alg]) return false;
    try {
      const object = keyObject(key);
      if (key.alg !== 'ES256') return verify(null, message, object, signature);
      // RFC 7518 §3.4: R and S side by side, not DER.
      return verify('sha256', message, { key: object, dsaEncoding: 'ieee-p1363' }, signature);
    } catch {
      return false; // a point that is not on the curve, say: not genuine, and not an outage
    }
  },
};
