// Tokens in hand, one per (continuation, audience, scopes, estimate): asked for once however many calls want it, renewed before
// the end, never more than a bounded number. Only tokens are kept here, no decisions (rules §2.15).

import { DeniedError } from './denied.ts';
import type { TakeRequest, Token, TokenClient } from './token.ts';

export interface TokenCache {
  /** A token that is good now and for a while. */
  obtain(request: TakeRequest): Promise<Token>;
  /** Another one for a token that was just refused as expired. */
  replace(request: TakeRequest, refused: Token): Promise<Token>;
  /** Lets go of a token that was refused for good. */
  forget(request: TakeRequest, refused: Token): void;
}

export interface TokenCacheOptions {
  readonly client: Pick<TokenClient, 'take' | 'renew'>;
  readonly clock: { nowSeconds(): number };
  readonly entriesMax?: number;
}

interface Held {
  readonly token: Token;
  readonly renewAtSeconds: number;
}

/** A token is renewed after this share of its life, so that a call begun with it ends with it. */
const lifeShare = 0.8;

export function openTokenCache({ client, clock, entriesMax = 256 }: TokenCacheOptions): TokenCache {
  // In order of use: the first is the one that has been left alone longest.
  const entries = new Map<string, Promise<Held>>();

  function keep(key: string, making: Promise<Token>): Promise<Held> {
    const startSeconds = clock.nowSeconds();
    const held = making.then((token) => ({
      token,
      renewAtSeconds: startSeconds + (token.expiresAt - startSeconds) * lifeShare,
    }));
    touch(key, held);
    if (entries.size > entriesMax) entries.delete(entries.keys().next().value!);
    held.catch(() => drop(key, held));
    return held;
  }

  function touch(key: string, held: Promise<Held>): void {
    entries.delete(key);
    entries.set(key, held);
  }

  function drop(key: string, held: Promise<Held>): void {
    if (entries.get(key) === held) entries.delete(key);
  }

  async function replace(request: TakeRequest, refused: Token): Promise<Token> {
    const key = keyOf(request);
    const held = entries.get(key);
    if (held !== undefined) {
      const { token } = await held;
      // Many calls find out at once; the first renews and the others take what it got.
      if (token.token !== refused.token) return token;
      if (entries.get(key) !== held) return replace(request, refused);
    }
    return (await keep(key, renewed(request, refused))).token;
  }

  async function renewed(request: TakeRequest, old: Token): Promise<Token> {
    try {
      return await client.renew(old, request.estimatedSeconds);
    } catch (error) {
      // The old link has come to its end; the continuation may still have time left.
      if (!(error instanceof DeniedError) || error.denial.code !== 'token.expired') throw error;
      return client.take(request);
    }
  }

  return {
    async obtain(request) {
      const key = keyOf(request);
      const held = entries.get(key);
      if (held === undefined) return (await keep(key, client.take(request))).token;
      const { token, renewAtSeconds } = await held;
      if (clock.nowSeconds() >= renewAtSeconds) return replace(request, token);
      if (entries.get(key) === held) touch(key, held);
      return token;
    },
    replace,
    forget(request, refused) {
      const key = keyOf(request);
      const held = entries.get(key);
      held?.then(({ token }) => token.token === refused.token && drop(key, held)).catch(() => {});
    },
  };
}

function keyOf({ continuation, audience, scopes, estimatedSeconds }: TakeRequest): string {
  return JSON.stringify([continuation, audience, scopes.toSorted(), estimatedSeconds ?? null]);
}
