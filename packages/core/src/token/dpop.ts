// Proof of possession: the caller holds the key its token is bound to, for this method, this URL and this token, now and once.
// RFC 9449 §4.3. The one place where a key comes from a header: it counts only if its thumbprint is the token's.

import { fromBase64Url, toBase64Url } from '../std/base64.ts';
import { utf8 } from '../std/bytes.ts';
import type { Engine, PublicKey } from '../std/engine.ts';
import { isJsonObject, type JsonObject } from '../std/json.ts';
import { parseStrictJson } from '../std/strict-json.ts';
import { deny, pass, type Verdict } from '../verdict.ts';
import type { Claim } from './facts.ts';

/** What came with the token. */
export interface Presented {
  /** The one `DPoP` header; null when there was none, or several. */
  readonly proof: string | null;
  /** HTTP method of the request. */
  readonly method: string;
}

/** What a proof may be signed with here. */
type ProofKey = Exclude<PublicKey, { alg: 'ML-DSA-44' }>;

export interface ProofAsk extends Presented {
  /** The access token as it was sent. */
  readonly token: string;
  /** `cnf.jkt` of the token. */
  readonly thumbprint: string;
  /** External URL of the request, without query (RFC 9449 §4.2 `htu`); never made from Host. */
  readonly url: string;
}

const proofCharsMax = 4096;
/** How old a proof may be, and how far a caller's clock may run ahead. */
const windowSeconds = 60;
const bounds = { depthMax: 4, bytesMax: proofCharsMax };

/** The claim makes the proof's id usable once, for as long as the proof itself. */
export function judgeProof(ask: ProofAsk, engine: Engine, nowSeconds: number): Verdict<Claim> {
  const invalid = (why: string) => deny('token.proof_invalid', { why });
  if (ask.proof === null || ask.proof.length > proofCharsMax) return invalid('one proof is needed');
  const [head, body, tail, more] = ask.proof.split('.');
  const header = head === undefined ? null : jsonPart(head);
  const claims = body === undefined ? null : jsonPart(body);
  const signature = tail === undefined ? null : fromBase64Url(tail);
  if (!header || !claims || !signature || more !== undefined) return invalid('the proof cannot be read');
  if (header.typ !== 'dpop+jwt' || header.crit !== undefined) return invalid('the proof is of another kind');
  const key = keyOf(header.jwk);
  if (!key || header.alg !== key.alg) return invalid('the proof names no key that is understood');
  if (thumbprintOf(key, engine) !== ask.thumbprint) return deny('token.bound_to_other_key', { scheme: 'DPoP' });
  if (!engine.verify(key, utf8(`${head}.${body}`), signature)) return invalid('the proof is not genuine');
  const { jti, htm, htu, iat, ath } = claims;
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) return invalid('the proof has no id');
  if (htm !== ask.method || typeof htu !== 'string' || !sameUrl(htu, ask.url)) return invalid('another request');
  if (typeof iat !== 'number' || Math.abs(nowSeconds - iat) > windowSeconds) return invalid('another time');
  if (ath !== toBase64Url(engine.sha256(utf8(ask.token)))) return invalid('another token');
  return pass({
    kind: 'once',
    key: `dpop ${ask.thumbprint} ${jti}`,
    untilSeconds: Math.ceil(iat) + 2 * windowSeconds,
  });
}

function jsonPart(part: string): JsonObject | null {
  const bytes = fromBase64Url(part);
  const parsed = bytes && parseStrictJson(bytes, bounds);
  return parsed?.ok && isJsonObject(parsed.value) ? parsed.value : null;
}

/** A public key of an understood kind. One with a private member was meant for nobody's eyes. RFC 9449 §4.3. */
function keyOf(jwk: unknown): ProofKey | null {
  if (!isJsonObject(jwk as JsonObject)) return null;
  const { kty, crv, x, y, d } = jwk as JsonObject;
  const left = typeof x === 'string' ? fromBase64Url(x) : null;
  if (d !== undefined || left?.length !== 32) return null;
  if (kty === 'OKP' && crv === 'Ed25519') return { alg: 'EdDSA', x: left };
  const right = typeof y === 'string' ? fromBase64Url(y) : null;
  return kty === 'EC' && crv === 'P-256' && right?.length === 32 ? { alg: 'ES256', x: left, y: right } : null;
}

/** RFC 7638 §3.2: required members only, in lexical order. */
function thumbprintOf(key: ProofKey, engine: Engine): string {
  const x = toBase64Url(key.x);
  const text =
    key.alg === 'EdDSA'
      ? `{"crv":"Ed25519","kty":"OKP","x":"${x}"}`
      : `{"crv":"P-256","kty":"EC","x":"${x}","y":"${toBase64Url(key.y)}"}`;
  return toBase64Url(engine.sha256(utf8(text)));
}

/** Compared after normalisation, query and fragment aside. RFC 9449 §4.3 (9). */
function sameUrl(htu: string, url: string): boolean {
  if (!URL.canParse(htu)) return false;
  const told = new URL(htu);
  const own = new URL(url);
  return told.username === '' && told.origin === own.origin && told.pathname === own.pathname;
}
