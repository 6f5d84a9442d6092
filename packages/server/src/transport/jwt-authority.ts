// The keys that sign JWT-SVIDs: EC P-256, one file each beside the roots, with the same life (ca-life.ts). Their names are RFC 7638
// thumbprints.

import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto';
import { type JsonObject, jwtSvidInput, toBase64Url, utf8 } from '@writ/core';
import type { KeyFile } from './ca-files.ts';
import type { Generation } from './ca-life.ts';

export interface JwtSigner extends Generation {
  readonly kid: string;
  /** With `kid`, without `use`. */
  readonly publicJwk: JsonObject;
  /** The compact token. */
  sign(claims: JsonObject): string;
}

const untilLine = /^until: (\d{1,12})$/m;

export function newJwtKey(notAfterSeconds: number): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  return `${pem}until: ${notAfterSeconds}\n`;
}

/** Throws a sentence for the operator. */
export function readJwtKey({ number, path, text, signsFromSeconds }: KeyFile): JwtSigner {
  const until = untilLine.exec(text);
  let secret: KeyObject;
  try {
    secret = createPrivateKey(text);
  } catch (cause) {
    throw new Error(`\`${path}\` does not hold a private key: restore it from a backup, or move it away`, { cause });
  }
  if (secret.asymmetricKeyDetails?.namedCurve !== 'prime256v1' || until === null || signsFromSeconds === null) {
    throw new Error(`\`${path}\` does not hold a P-256 key and its times: restore it from a backup, or move it away`);
  }
  const { crv, kty, x, y } = createPublicKey(secret).export({ format: 'jwk' });
  const members = { crv, kty, x, y } as JsonObject;
  const kid = hash('sha256', JSON.stringify(members), 'base64url');
  return {
    number,
    signsFromSeconds,
    notAfterSeconds: Number(until[1]),
    kid,
    publicJwk: { ...members, kid },
    sign(claims) {
      const input = jwtSvidInput({ alg: 'ES256', kid }, claims);
      const signature = sign('sha256', utf8(input), { key: secret, dsaEncoding: 'ieee-p1363' });
      return `${input}.${toBase64Url(signature)}`;
    },
  };
}
