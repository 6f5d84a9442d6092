// The chain: from the accountable principal through every delegation to the agent that is calling.
// One shape for all encodings (JWT with nested act, AIP, Biscuit, Macaroon). Rules §2.1.

import type { JsonValue } from '../std/json.ts';

/** A party is the pair of who vouches for it and what it is called there. Rules §2.2. */
export interface Principal {
  readonly iss: string;
  readonly sub: string;
}

/** How much text that reaches this party may be trusted at most: 4 principal … 0 unlabelled. Rules §3.3. */
export type Level = 0 | 1 | 2 | 3 | 4;

/** A ceiling on what is used up; debited at every link up to the root. Rules §2.12. */
export interface Budget {
  /** `calls`, or a currency such as `EUR`. */
  readonly unit: string;
  /** Whole units (calls) or minor units (money), a safe integer ≥ 0. */
  readonly max: number;
}

/** What must hold of every leaf at a JSON pointer. Exactly one member. Rules §2.11. */
export type Constraint =
  | { readonly any: true }
  | { readonly oneOf: readonly JsonValue[] }
  | { readonly subpath: { readonly root: string; readonly separator: '/' | '\\' } }
  | { readonly urlHost: readonly string[] }
  | { readonly cidr: readonly string[] }
  | { readonly range: { readonly min?: string; readonly max?: string } }
  | { readonly matches: string };

/** One alternative of `authorization_details`: some actions, with constraints on their arguments. RFC 9396. */
export interface Detail {
  readonly type: typeof DETAIL_TYPE;
  /** Scopes this entry speaks of. */
  readonly actions: readonly string[];
  /** JSON pointer → constraint. Absent: arguments are free. Present: an argument no pointer covers is not admitted. */
  readonly arguments?: { readonly [pointer: string]: Constraint };
}

export const DETAIL_TYPE = 'urn:writ:params:oauth:authorization-details:call';

/** One party's share of the authority, with everything that limits it. Link 0 is the root's. */
export interface Link {
  readonly actor: Principal;
  /** The endpoint URL where this share may be used. */
  readonly audience: string;
  /** What may be asked. Empty: nothing. */
  readonly scopes: readonly string[];
  /** Absent: no constraint of its own. Empty: nothing is admitted. An OR of entries, each an AND. */
  readonly details?: readonly Detail[];
  /** Ceilings; all of them hold. */
  readonly budget: readonly Budget[];
  /** How many further takes this share allows. */
  readonly depth: number;
  /** End of the grant, seconds since 1970. Rules §2.7: the expiry dimension of the chain. */
  readonly untilSeconds: number;
  readonly ceiling: Level;
  readonly purpose?: string;
  /** Proof that the delegator made it: the registry row written by the authorization server. */
  readonly row: string;
}

/** Links of a chain, its root among them: whoever reads one reads no more. */
export const linksMax = 16;

export interface Chain {
  /** Id of the task; copied unchanged by every exchange. Rules §3.1. */
  readonly task: string;
  /** Root first, the agent acting now last. */
  readonly links: readonly [Link, ...Link[]];
}

export function rootOf(chain: Chain): Link {
  return chain.links[0];
}

export function leafOf(chain: Chain): Link {
  return chain.links[chain.links.length - 1]!;
}

export function samePrincipal(a: Principal, b: Principal): boolean {
  return a.iss === b.iss && a.sub === b.sub;
}
