// The one file of core that imports from Node: hashing and signature checks as pure functions of their arguments.
// Judges receive it as an argument, so that a browser or a test can hand in its own.

import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import { toBase64Url } from '../std/base64.ts';
import type { Engine, PublicKey } from '../std/engine.ts';

// Importing a key costs as much as a third of a verification; the bound keeps a hostile stream of keys from growing it.
const importedMax = 1024;
const imported = new Map<string, KeyObject>();

function keyObject(key: PublicKey): KeyObject {
  const name = `${key.alg}:${toBase64Url(key.x)}${key.alg === 'ES256' ? toBase64Url(key.y) : ''}`;
  const held = imported.get(name);
  if (held) return held;
  const jwk =
    key.alg === 'EdDSA'
      ? { kty: 'OKP', crv: 'Ed25519', x: toBase64Url(key.x) }
      : { kty: 'EC', crv: 'P-256', x: toBase64Url(key.x), y: toBase64Url(key.y) };
  const made = createPublicKey({ key: jwk, format: 'jwk' });
  if (imported.size >= importedMax) imported.delete(imported.keys().next().value!);
  imported.set(name, made);
  return made;
}

export const nodeEngine: Engine = {
  sha256: (bytes) => hash('sha256', bytes, 'buffer'),
  verify(key, message, signature) {
    if (signature.length !== 64) return false;
    try {
      const object = keyObject(key);
      if (key.alg === 'EdDSA') return verify(null, message, object, signature);
      // RFC 7518 §3.4: R and S side by side, not DER.
      return verify('sha256', message, { key: object, dsaEncoding: 'ieee-p1363' }, signature);
    } catch {
      return false; // a point that is not on the curve, say: not genuine, and not an outage
    }
  },
};
