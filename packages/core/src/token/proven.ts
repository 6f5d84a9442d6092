// What is proven once of exact token bytes and can never change: that this key signed them, and what they say. No decision: times,
// audience, binding, withdrawal and every link are judged at each call. Rules §2.15.

import { equalBytes } from '../std/bytes.ts';
import type { Engine, PublicKey } from '../std/engine.ts';
import type { JsonObject } from '../std/json.ts';
import { deny, pass, type Verdict } from '../verdict.ts';
import type { Chain } from './chain.ts';
import { type JwsHeader, parseJws, type UnverifiedJws, verifyJws } from './jws.ts';
import type { TokenWorld } from './token-world.ts';
import { type ChainFault, chainFromClaims } from './wc.ts';

export interface Proven {
  readonly header: JwsHeader;
  readonly claims: JsonObject;
  /** The key that signed the bytes. It may have been withdrawn since. */
  readonly key: PublicKey;
  /** The chain as read; null where the token has none. */
  readonly chain: Chain | ChainFault | null;
}

/** Remembers proofs by the exact text of a token. Forgetting costs time and nothing else. */
export interface ProvenTokens {
  recall(text: string): Proven | null;
  /** Told only of tokens whose signature held. */
  keep(text: string, proven: Proven): void;
}

/** Signature and kind of a token: by a key of an issuer that is configured now, over exactly this text. */
export function prove(
  text: string,
  typ: string,
  { issuers, proven }: Pick<TokenWorld, 'issuers' | 'proven'>,
  engine: Engine,
): Verdict<Proven> {
  const known = proven?.recall(text) ?? null;
  const read = known ?? parseJws(text);
  if (!read || read.header.typ !== typ) return deny('token.malformed');
  const { iss } = read.claims;
  const { kid } = read.header;
  const keys = typeof iss === 'string' ? issuers.get(iss) : undefined;
  if (!keys) return deny('token.issuer_unknown', { iss: typeof iss === 'string' ? iss.slice(0, 200) : null });
  const key = keys.get(kid);
  // What was proven with another key of that name is proven anew: a name is no key.
  if (known && key && sameKey(known.key, key)) return pass(known);
  const jws = known ? parseJws(text) : (read as UnverifiedJws);
  if (!jws || !key || !verifyJws(jws, key, engine)) return deny('token.signature_invalid', { kid: kid.slice(0, 100) });
  const { header, claims } = jws;
  const made = { header, claims, key, chain: claims.wc === undefined ? null : chainFromClaims(claims) };
  proven?.keep(text, made);
  return pass(made);
}

function sameKey(a: PublicKey, b: PublicKey): boolean {
  if (a === b) return true;
  if (a.alg !== b.alg || !equalBytes(a.x, b.x)) return false;
  return a.alg !== 'ES256' || (b.alg === 'ES256' && equalBytes(a.y, b.y));
}
