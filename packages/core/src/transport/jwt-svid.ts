// JWT-SVIDs (JWT-SVID §2–5): what a genuine one says, and the text that is signed to make one. A bearer token: whoever
// holds it is believed, so mutual TLS comes first. Keys come from the bundle of the trust domain named in `sub`, never from `iss`.

import { fromBase64Url, toBase64Url } from '../std/base64.ts';
import { utf8 } from '../std/bytes.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../std/json.ts';
import { parseStrictJson } from '../std/strict-json.ts';
import { deny, pass, type Verdict } from '../verdict.ts';
import { parseSpiffeId, pathOf, type SpiffeId, trustDomainOf } from './spiffe-id.ts';

/** JWT-SVID §3.1. Neither `none`, nor a shared secret, nor EdDSA. */
export const JWT_SVID_ALGORITHMS = [
  ...(['RS256', 'RS384', 'RS512'] as const),
  ...(['ES256', 'ES384', 'ES512'] as const),
  ...(['PS256', 'PS384', 'PS512'] as const),
] as const;
export type JwtSvidAlgorithm = (typeof JWT_SVID_ALGORITHMS)[number];

/** A public key of a bundle. False for a signature that is not its own, and for an algorithm that is not for its kind. */
export interface JwtSvidKey {
  verify(algorithm: JwtSvidAlgorithm, message: Uint8Array, signature: Uint8Array): boolean;
}

/** Keys by `kid` of each trust domain whose bundle is held. */
export type JwtSvidKeys = ReadonlyMap<string, ReadonlyMap<string, JwtSvidKey>>;

export interface JwtSvidFacts {
  readonly spiffeId: SpiffeId;
  readonly audience: readonly string[];
  readonly expiresSeconds: number;
  readonly claims: JsonObject;
}

export interface JwtSvidAsk {
  /** The name of whoever was given the token; it must be one of `aud`. */
  readonly audience: string;
  readonly nowSeconds: number;
}

/** Bytes of a token. */
const tokenBytesMax = 16 * 1024;
const bounds = { depthMax: 16, bytesMax: tokenBytesMax };
const algorithms: ReadonlySet<unknown> = new Set(JWT_SVID_ALGORITHMS);

/** The workload a token names, when its trust domain signed it for this audience and it is valid now. No leeway. */
export function judgeJwtSvid(
  token: string,
  keys: JwtSvidKeys,
  { audience, nowSeconds }: JwtSvidAsk,
): Verdict<JwtSvidFacts> {
  const read = readToken(token);
  if (typeof read === 'string') return deny('token.malformed', { says: read });
  const { header, claims } = read;
  const spiffeId = typeof claims.sub === 'string' ? parseSpiffeId(claims.sub) : null;
  if (spiffeId === null || pathOf(spiffeId) === '') return deny('transport.identity_invalid', { says: 'sub' });
  const domain = keys.get(trustDomainOf(spiffeId));
  if (domain === undefined) return deny('transport.trust_domain_unknown', { peer: spiffeId });
  const key = domain.get(header.kid);
  // A key that was withdrawn and one that never was look the same, and so does the answer.
  if (!key?.verify(header.alg, read.signingInput, read.signature))
    return deny('token.signature_invalid', { peer: spiffeId, kid: header.kid });
  const { exp, nbf } = claims;
  if (typeof exp !== 'number') return deny('token.malformed', { says: 'exp' });
  if (nowSeconds >= exp) return deny('token.expired', { peer: spiffeId, exp, nowSeconds });
  if (nbf !== undefined && (typeof nbf !== 'number' || nowSeconds < nbf))
    return deny('token.not_yet_valid', { peer: spiffeId, nowSeconds });
  const named = audienceOf(claims.aud);
  if (named === null) return deny('token.malformed', { says: 'aud' });
  if (!named.includes(audience)) return deny('token.wrong_audience', { peer: spiffeId, aud: named });
  return pass({ spiffeId, audience: named, expiresSeconds: exp, claims });
}

/**
 * What is signed for a JWT-SVID: header and claims, base64url, with the dot between. `kid` is always set because go-spiffe and
 * SPIRE refuse a token without it.
 */
export function jwtSvidInput(
  header: { readonly alg: JwtSvidAlgorithm; readonly kid: string },
  claims: JsonObject,
): string {
  const part = (value: JsonObject) => toBase64Url(utf8(JSON.stringify(value)));
  return `${part({ alg: header.alg, kid: header.kid, typ: 'JWT' })}.${part(claims)}`;
}

interface UnverifiedJwtSvid {
  readonly header: { readonly alg: JwtSvidAlgorithm; readonly kid: string };
  readonly claims: JsonObject;
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
}

/** The parts of a compact token, or the part that is wrong. */
function readToken(token: string): UnverifiedJwtSvid | string {
  const parts = token.length <= tokenBytesMax ? token.split('.') : [];
  if (parts.length !== 3) return 'form';
  const [head, body, signature] = parts.map(fromBase64Url);
  if (!head || !body || !signature) return 'base64url';
  const header = objectOf(head);
  const claims = objectOf(body);
  if (header === null || claims === null) return 'JSON';
  const { alg, kid, typ, ...rest } = header;
  // `crit`, `jwk`, `jku`, `x5u` and the rest: nothing beside these three is to be set (JWT-SVID §2), so nothing else is read.
  if (Object.keys(rest).length > 0) return 'header';
  if (!algorithms.has(alg)) return 'alg';
  if (typeof kid !== 'string' || kid === '') return 'kid';
  if (typ !== undefined && typ !== 'JWT' && typ !== 'JOSE') return 'typ';
  return {
    header: { alg: alg as JwtSvidAlgorithm, kid },
    claims,
    signingInput: utf8(`${parts[0]}.${parts[1]}`),
    signature,
  };
}

function objectOf(bytes: Uint8Array): JsonObject | null {
  const parsed = parseStrictJson(bytes, bounds);
  return parsed.ok && isJsonObject(parsed.value) ? parsed.value : null;
}

function audienceOf(aud: JsonValue | undefined): readonly string[] | null {
  const all = Array.isArray(aud) ? aud : [aud];
  const texts = all.filter((one) => typeof one === 'string' && one !== '') as string[];
  return texts.length === all.length && texts.length > 0 ? texts : null;
}
