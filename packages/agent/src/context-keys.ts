// The plane's context keys as a key set (RFC 7517), read and kept. An unknown key id asks again, but not more often than the
// pause allows, so that invented key ids cannot make this agent hammer the issuer.

import { fromBase64Url, isJsonObject, type JsonValue, type PublicKey } from '@writ/core';
import { boundedJson, type FetchLike } from './fetch.ts';

export type KeySet = ReadonlyMap<string, PublicKey>;

export interface ContextKeys {
  /** The key set, read anew when it lacks `kid` and the pause is over. Throws when it was never read and cannot be. */
  forKey(kid: string): Promise<KeySet>;
}

export interface ContextKeysOptions {
  readonly issuer: string;
  readonly fetch: FetchLike;
  readonly clock: { nowSeconds(): number };
  readonly pauseSeconds?: number;
}

const keySetBytesMax = 64 * 1024;
const answerMillisMax = 5_000;

export function openContextKeys({ issuer, fetch, clock, pauseSeconds = 10 }: ContextKeysOptions): ContextKeys {
  const url = `${issuer}/.well-known/writ-context-jwks.json`;
  let keys: KeySet = new Map();
  let readAtSeconds = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;

  async function read(): Promise<void> {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(answerMillisMax) });
    if (!response.ok) throw new Error(`the issuer answered ${response.status} to \`${url}\``);
    keys = keysOf(await boundedJson(response, keySetBytesMax));
    readAtSeconds = clock.nowSeconds();
  }

  return {
    async forKey(kid) {
      if (keys.has(kid) || clock.nowSeconds() - readAtSeconds < pauseSeconds) return keys;
      reading ??= read().finally(() => {
        reading = null;
      });
      await reading;
      return keys;
    },
  };
}

/** Ed25519 keys of a JWK set; others are passed over, because a context is signed by no other (contract §7). */
export function keysOf(set: JsonValue | undefined): KeySet {
  const keys = new Map<string, PublicKey>();
  const listed = isJsonObject(set) && Array.isArray(set.keys) ? (set.keys as readonly JsonValue[]) : [];
  for (const jwk of listed) {
    if (!isJsonObject(jwk) || jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || typeof jwk.kid !== 'string') continue;
    const x = typeof jwk.x === 'string' ? fromBase64Url(jwk.x) : null;
    if (x?.length === 32) keys.set(jwk.kid, { alg: 'EdDSA', x });
  }
  return keys;
}
