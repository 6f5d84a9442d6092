// Reading the plane's own tokens at the issuer: as subject of an exchange, for introspection, and at the first-party API.
// Bytes are checked here; whether the registry still stands behind them is asked separately.

import {
  type Engine,
  type GenuineToken,
  type JsonObject,
  parseJws,
  readToken,
  TYP,
  type Verdict,
  verifyJws,
} from '@writ/core';
import { type Keys, keysById } from './keys.ts';

export interface OwnTokenWorld {
  readonly issuer: string;
  readonly trustDomain: string;
  readonly keys: Keys;
  readonly engine: Engine;
}

/** A token with a chain, genuine; `exp` is left to the caller, because renewal may come later (rules §2.7). */
export function readOwnChain(
  text: string,
  isContinuation: boolean,
  world: OwnTokenWorld,
  nowSeconds: number,
): Verdict<GenuineToken> {
  const issuers = new Map([[world.issuer, keysById(world.keys.token, world.keys.tokenEs256)]]);
  const typ = isContinuation ? TYP.continuation : TYP.accessToken;
  return readToken(text, { issuers, trustDomain: world.trustDomain }, world.engine, nowSeconds, {
    typ,
    ignoreExpiry: true,
  });
}

/** Claims of any access token or continuation that this issuer signed, or null. Says nothing about time or withdrawal. */
export function readOwnClaims(text: string, world: OwnTokenWorld, typs: readonly string[]): JsonObject | null {
  const jws = parseJws(text);
  if (!jws || !typs.includes(jws.header.typ)) return null;
  const key = keysById(world.keys.token, world.keys.tokenEs256).get(jws.header.kid);
  if (!key || !verifyJws(jws, key, world.engine)) return null;
  return jws.claims.iss === world.issuer ? jws.claims : null;
}
