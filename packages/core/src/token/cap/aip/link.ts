// One link of an AIP chain, whatever encoding it came in: what an authority grants, or what a delegation leaves of it. Null: the
// link does not speak of that dimension and inherits it. Source: draft-prakash-aip-01 §3.4, -02 §3.

import { type Denial, type DenialCode, type Detail, denial } from '../../../denial.ts';
import type { Budget, Detail as CallDetail, Level, Link } from '../../chain.ts';

export interface AipLink {
  /** Who grants: `identity` of the authority, `delegator` of a delegation. */
  readonly issuer: string;
  /** Who receives. Null in the authority block of a Biscuit, which its issuer holds. */
  readonly delegate: string | null;
  /** Tool names, or prefixes that end in `*`. */
  readonly tools: readonly string[] | null;
  readonly domains: readonly string[] | null;
  /** A ceiling in cents, per token. */
  readonly budgetCents: number | null;
  /** Seconds since 1970. It is over from that second on, where Datalog's own check would still hold. */
  readonly untilSeconds: number | null;
  readonly context: string | null;
  /** The accountable party, when that is not the issuer. */
  readonly principal: string | null;
  /** How many delegations may follow; authority only. */
  readonly maxDepth: number | null;
  /** Whose signature proves that the delegator made this link; null when only possession of the token does. */
  readonly signedBy: Uint8Array | null;
  /** The key that the delegate signs with, where the link names it (`cnf`). */
  readonly delegateKey: Uint8Array | null;
  readonly writ: WritDimensions;
}

/** What AIP has no word for; a plain AIP verifier refuses a token that holds any of it. Rules §2.13. */
export interface WritDimensions {
  readonly task?: string;
  readonly audience?: string;
  /** AIP id of the agent that holds the authority block. */
  readonly holder?: string;
  readonly ceiling?: Level;
  readonly details?: readonly CallDetail[];
  readonly budget?: readonly Budget[];
  readonly purpose?: string;
  readonly row?: string;
  /** Links above the authority block, root first, vouched for by the root key. */
  readonly ancestors?: readonly Link[];
}

export type AipLinks = readonly [AipLink, ...AipLink[]];

/** Steps of the draft's verification, in order (§3.3). */
export type Step = 'V1' | 'V2' | 'V3' | 'V4' | 'V5' | 'V6' | 'V7';

export interface CapFault {
  readonly denial: Denial;
  readonly step: Step;
  /** Number of the block or link, 0 for the authority; null where no single one is to blame. */
  readonly block: number | null;
}

export function capFault(code: DenialCode, step: Step, block: number | null, detail: Detail = {}): CapFault {
  const told = block === null ? detail : { ...detail, block };
  return { denial: denial(code, { ...told, step }), step, block };
}

export function isCapFault(value: object): value is CapFault {
  return 'denial' in value && 'step' in value;
}
