// Compact JWS out of claims. Reading them is core's `parseJws`; the header has exactly the members that it accepts.

import { type JsonObject, toBase64Url, utf8 } from '@writ/core';
import type { SigningKey } from './keys.ts';

/** RFC 7515 §7.1. `typ` says what kind it is, so that one kind never stands in for another (RFC 8725 §3.11). */
export function signJwt(key: SigningKey, typ: string, claims: JsonObject): string {
  const head = part({ alg: key.alg, typ, kid: key.kid });
  const input = `${head}.${part(claims)}`;
  return `${input}.${toBase64Url(key.sign(utf8(input)))}`;
}

function part(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
