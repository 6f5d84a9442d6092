// Compact JWS, read strictly (RFC 7515 §7.1, RFC 8725). Decoded bytes stay `Unverified…` until a signature has been checked.

import { fromBase64Url } from '../std/base64.ts';
import { utf8 } from '../std/bytes.ts';
import type { Engine, PublicKey } from '../std/engine.ts';
import { isJsonObject, type JsonObject } from '../std/json.ts';
import { parseStrictJson } from '../std/strict-json.ts';

export interface JwsHeader {
  readonly alg: 'EdDSA' | 'ES256';
  readonly typ: string;
  readonly kid: string;
}

/** Decoded and unchecked: nothing here may be believed. */
export interface UnverifiedJws {
  readonly header: JwsHeader;
  readonly claims: JsonObject;
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
}

/** Bytes of a token; a chain of the default depth is about 2 KB. */
export const tokenBytesMax = 16 * 1024;
const bounds = { depthMax: 24, bytesMax: tokenBytesMax };

/**
 * Null unless it is exactly three parts of canonical base64url, with a header of `alg`, `typ` and `kid` and nothing else.
 * Keys in the header (`jwk`, `jku`, `x5u`) and `crit` are refused with the rest: keys come from the configured issuer alone.
 */
export function parseJws(text: string): UnverifiedJws | null {
  if (text.length > tokenBytesMax) return null;
  const parts = text.split('.');
  if (parts.length !== 3) return null;
  const [head, body, tail] = parts as [string, string, string];
  const headerBytes = fromBase64Url(head);
  const bodyBytes = fromBase64Url(body);
  const signature = fromBase64Url(tail);
  if (!headerBytes || !bodyBytes || !signature) return null;
  const header = parseHeader(headerBytes);
  const claims = parseStrictJson(bodyBytes, bounds);
  if (!header || !claims.ok || !isJsonObject(claims.value)) return null;
  return { header, claims: claims.value, signingInput: utf8(`${head}.${body}`), signature };
}

function parseHeader(bytes: Uint8Array): JwsHeader | null {
  const parsed = parseStrictJson(bytes, { depthMax: 2, bytesMax: 1024 });
  if (!parsed.ok || !isJsonObject(parsed.value)) return null;
  const { alg, typ, kid, ...rest } = parsed.value;
  if (Object.keys(rest).length > 0) return null;
  if ((alg !== 'EdDSA' && alg !== 'ES256') || typeof typ !== 'string' || typeof kid !== 'string') return null;
  return { alg, typ, kid };
}

/** The algorithm is the key's; a header that names another is not genuine. RFC 8725 §3.1. */
export function verifyJws(jws: UnverifiedJws, key: PublicKey, engine: Engine): boolean {
  return jws.header.alg === key.alg && engine.verify(key, jws.signingInput, jws.signature);
}

/** Every `typ` the plane issues; one never stands in for another. */
export const TYP = {
  accessToken: 'at+jwt',
  continuation: 'writ-continuation+jwt',
  context: 'writ-context+jwt',
  quote: 'writ-quote+jwt',
  labels: 'writ-labels+jwt',
} as const;
