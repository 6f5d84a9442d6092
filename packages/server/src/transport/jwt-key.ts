// A public key of a bundle, as JWK, made ready to check JWT-SVIDs. The algorithm is bound to the kind of key, so that a header
// cannot choose how it is read (RFC 8725 §3.1).

import { createPublicKey, constants as cryptoConstants, type KeyObject, verify } from 'node:crypto';
import type { JsonObject, JwtSvidAlgorithm, JwtSvidKey } from '@writ/core';

const curves: { readonly [curve: string]: JwtSvidAlgorithm } = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};
/** RFC 7518 §3.3. */
const rsaBitsMin = 2048;

/** Null for a key that none of the algorithms is for. */
export function jwtSvidKey(jwk: JsonObject): JwtSvidKey | null {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: jwk as import('node:crypto').JsonWebKey, format: 'jwk' });
  } catch {
    return null;
  }
  const fits = algorithmsOf(key);
  if (fits === null) return null;
  return {
    verify(algorithm, message, signature) {
      if (!fits(algorithm) || (jwk.alg !== undefined && jwk.alg !== algorithm)) return false;
      const digest = `sha${algorithm.slice(2)}`;
      if (algorithm.startsWith('ES')) return verify(digest, message, { key, dsaEncoding: 'ieee-p1363' }, signature);
      const pss = algorithm.startsWith('PS');
      const padding = pss ? cryptoConstants.RSA_PKCS1_PSS_PADDING : cryptoConstants.RSA_PKCS1_PADDING;
      const saltLength = cryptoConstants.RSA_PSS_SALTLEN_DIGEST; // RFC 7518 §3.5
      return verify(digest, message, { key, padding, ...(pss ? { saltLength } : {}) }, signature);
    },
  };
}

function algorithmsOf(key: KeyObject): ((algorithm: JwtSvidAlgorithm) => boolean) | null {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec') return (algorithm) => curves[namedCurve ?? ''] === algorithm;
  const rsa = key.asymmetricKeyType === 'rsa' && (modulusLength ?? 0) >= rsaBitsMin;
  return rsa ? (algorithm) => !algorithm.startsWith('ES') : null;
}
