// Keys and signatures for tests: what a gateway or an authorization server does, in a few lines.

import { generateKeyPairSync, sign } from 'node:crypto';
import { fromBase64Url, type JsonObject, type PublicKey, toBase64Url, utf8 } from '@writ/core';

export interface TestKey {
  readonly kid: string;
  readonly publicKey: PublicKey;
  readonly jwk: JsonObject;
  /** Compact JWS with the header that the plane writes. */
  sign(typ: string, claims: JsonObject): string;
}

export function makeKey(kid: string): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' });
  return {
    kid,
    publicKey: { alg: 'EdDSA', x: fromBase64Url(x!)! },
    jwk: { kty: 'OKP', crv: 'Ed25519', x: x!, kid },
    sign(typ, claims) {
      const head = toBase64Url(utf8(JSON.stringify({ alg: 'EdDSA', typ, kid })));
      const input = `${head}.${toBase64Url(utf8(JSON.stringify(claims)))}`;
      return `${input}.${toBase64Url(sign(null, utf8(input), privateKey))}`;
    },
  };
}
