// What a token is judged against: issuers and their keys, the callees, and what has been withdrawn.

import type { PublicKey } from '../std/engine.ts';
import type { Principal } from './chain.ts';
import type { ProvenTokens } from './proven.ts';

/** A callee as the plane knows it. */
export interface Resource {
  /** Endpoint URL: the audience. */
  readonly url: string;
  readonly kind: 'server' | 'agent' | 'upstream';
  /** Server key, agent path or upstream key. */
  readonly key: string;
  /** For an agent: the SPIFFE ID that takes what is sent here. */
  readonly owner: string | null;
}

/** What has been withdrawn, as read from the store. */
export interface Revocations {
  /** The store's sequence this view was read at. */
  readonly sequence: number;
  /** False once the view is older than 500 ms: then everything is refused. Rules §2.15. */
  readonly fresh: boolean;
  readonly rows: ReadonlySet<string>;
  readonly tasks: ReadonlySet<string>;
  /** Keys made by `userKey`. */
  readonly users: ReadonlySet<string>;
  /** SPIFFE IDs of withdrawn agents. */
  readonly agents: ReadonlySet<string>;
}

export interface TokenWorld {
  /** Trust domain of the plane: `act.iss` of its agents is `spiffe://<this>`. */
  readonly trustDomain: string;
  /** Issuer → key id → key. Only configured issuers. */
  readonly issuers: ReadonlyMap<string, ReadonlyMap<string, PublicKey>>;
  /** Audience URL → callee. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Caller key → callee keys; judged here for callers that the wire did not name. */
  readonly edges: ReadonlyMap<string, ReadonlySet<string>>;
  /** OAuth clients without an SVID; key = client_id. `bearer`: unbound tokens accepted. */
  readonly clients: ReadonlyMap<string, { readonly bearer: boolean }>;
  readonly revocations: Revocations;
  /** What was proven of tokens before; a world without it proves everything each time, with the same verdicts. */
  readonly proven?: ProvenTokens;
}

export function userKey(principal: Principal): string {
  return `${principal.iss} ${principal.sub}`;
}
