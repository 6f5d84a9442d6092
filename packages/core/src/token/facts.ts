// What is proven once a token has been judged against the peer that carries it.

import type { Chain, Principal } from './chain.ts';

/** Something a call uses up: taken by one conditional statement in the store, before the record. Rules §6. */
export type Claim =
  /** A one-time id; the second taker loses. */
  | { readonly kind: 'once'; readonly key: string; readonly untilSeconds: number }
  /** A state that a caller was given to go on with, used once. Rules §4.4. */
  | { readonly kind: 'state'; readonly id: string; readonly untilSeconds: number }
  /** A person's yes, used once and for nothing else. Rules §4.1. */
  | { readonly kind: 'approval'; readonly id: string; readonly digest: string }
  /** A debit against a ceiling of the operator's, in one window of it. */
  | {
      readonly kind: 'limit';
      readonly id: string;
      readonly key: string;
      readonly unit: string;
      readonly amount: number;
      readonly max: number;
      /** After this the window is over. */
      readonly untilSeconds: number;
    }
  /** A debit against a ceiling, at one link. */
  | {
      readonly kind: 'budget';
      readonly row: string;
      readonly unit: string;
      readonly amount: number;
      readonly max: number;
    };

declare const proven: unique symbol;

/** Made only by `judgeToken`. */
export interface TokenFacts {
  readonly [proven]: true;
  readonly encoding: 'jwt';
  /** `jti`, also the registry row of the token itself. */
  readonly tokenId: string;
  readonly clientId: string;
  readonly chain: Chain;
  readonly root: Principal;
  readonly actor: Principal;
  /** Agent path, or `client:<id>`: the caller's key in the edges. */
  readonly actorKey: string;
  /** Good for whoever holds it: neither a certificate nor a key proves the caller. Rules §1.2. */
  readonly unbound: boolean;
  /** Earliest end: of the token's bytes and of the leaf's grant. */
  readonly untilSeconds: number;
  /** Somewhere in the chain the scope is held only by a wildcard, which covers reviewed tools and never risk 5. Rules §2.10. */
  readonly wildcard: boolean;
  readonly claims: readonly Claim[];
}
