// Reading the plane's own tokens at the issuer: as subject of an exchange, for introspection, and at the first-party API.
// Bytes are checked here; whether the registry still stands behind them is asked separately, each time.

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
export type ReadOwnChain = (text: string, isContinuation: boolean, nowSeconds: number) => Verdict<GenuineToken>;

const rememberedMax = 512;

export function createReadOwnChain({ issuer, trustDomain, keys, engine }: OwnTokenWorld): ReadOwnChain {
  const world = { issuers: new Map([[issuer, keysById(keys.token, keys.tokenEs256)]]), trustDomain };
  // An agent takes many tokens from one continuation. What is remembered is that bytes are genuine and what they say, no decision:
  // a genuine token stays genuine, and nothing remembered here depends on the time.
  const genuine = new Map<string, Verdict<GenuineToken>>();
  return (text, isContinuation, nowSeconds) => {
    const typ = isContinuation ? TYP.continuation : TYP.accessToken;
    const name = `${typ} ${text}`;
    const held = genuine.get(name);
    if (held) return held;
    const read = readToken(text, world, engine, nowSeconds, { typ, ignoreExpiry: true });
    if (read.outcome !== 'pass') return read;
    if (genuine.size >= rememberedMax) genuine.delete(genuine.keys().next().value!);
    genuine.set(name, read);
    return read;
  };
}

/** Claims of any access token or continuation that this issuer signed, or null. Says nothing about time or withdrawal. */
export function readOwnClaims(text: string, world: OwnTokenWorld, typs: readonly string[]): JsonObject | null {
  const jws = parseJws(text);
  if (!jws || !typs.includes(jws.header.typ)) return null;
  const key = keysById(world.keys.token, world.keys.tokenEs256).get(jws.header.kid);
  if (!key || !verifyJws(jws, key, world.engine)) return null;
  return jws.claims.iss === world.issuer ? jws.claims : null;
}
