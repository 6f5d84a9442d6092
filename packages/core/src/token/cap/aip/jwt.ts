// The JWS that AIP's JSON encodings are made of: a header of `alg` and `typ` and nothing else, no key id. Strict as jws.ts, which
// wants a `kid`: here the key is the root's, or the one that the link before it names.

import { fromBase64Url, toBase64Url } from '../../../std/base64.ts';
import { utf8 } from '../../../std/bytes.ts';
import type { Engine } from '../../../std/engine.ts';
import { isJsonObject, type JsonObject } from '../../../std/json.ts';
import { parseStrictJson } from '../../../std/strict-json.ts';
import type { Signer } from '../engine.ts';

export interface UnverifiedAipJwt {
  readonly typ: string;
  readonly claims: JsonObject;
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
}

const bounds = { depthMax: 12, bytesMax: 12 * 1024 };

/** Null unless it is three parts of canonical base64url, EdDSA, without unknown header members. */
export function parseAipJwt(text: string): UnverifiedAipJwt | null {
  const [head, body, tail, ...more] = text.split('.');
  if (head === undefined || body === undefined || tail === undefined || more.length > 0) return null;
  const header = objectOf(head);
  const claims = objectOf(body);
  const signature = fromBase64Url(tail);
  if (!header || !claims || signature?.length !== 64) return null;
  const { alg, typ, ...rest } = header;
  if (alg !== 'EdDSA' || typeof typ !== 'string' || Object.keys(rest).length > 0) return null;
  return { typ, claims, signingInput: utf8(`${head}.${body}`), signature };
}

function objectOf(part: string): JsonObject | null {
  const bytes = fromBase64Url(part);
  const parsed = bytes && parseStrictJson(bytes, bounds);
  return parsed?.ok && isJsonObject(parsed.value) ? parsed.value : null;
}

export function verifyAipJwt(jwt: UnverifiedAipJwt, key: Uint8Array, engine: Engine): boolean {
  return engine.verify({ alg: 'EdDSA', x: key }, jwt.signingInput, jwt.signature);
}

export function signAipJwt(typ: string, claims: JsonObject, signer: Signer): string {
  const part = (value: JsonObject) => toBase64Url(utf8(JSON.stringify(value)));
  const input = `${part({ alg: 'EdDSA', typ })}.${part(claims)}`;
  return `${input}.${toBase64Url(signer.sign(utf8(input)))}`;
}
