// What a token of one's own says, read without checking it. Fit for choosing which scopes to ask for and for showing;
// nothing is allowed because of it: the gateway and the authorization server judge the same bytes with their keys.

import { type Chain, chainFromClaims, isJsonObject, type JsonObject, leafOf, parseJws } from '@writ/core';

/** Claims of a compact JWS whose signature nobody here has checked, or null. */
function unverifiedClaims(token: string): JsonObject | null {
  return parseJws(token)?.claims ?? null;
}

/** The chain that a token tells of, or null. */
export function unverifiedChain(token: string): Chain | null {
  const claims = unverifiedClaims(token);
  const chain = isJsonObject(claims) ? chainFromClaims(claims) : null;
  return chain === null || typeof chain === 'string' ? null : chain;
}

/** What the last link of the chain may ask for. */
export function unverifiedScopes(token: string): readonly string[] {
  const chain = unverifiedChain(token);
  return chain ? leafOf(chain).scopes : [];
}
