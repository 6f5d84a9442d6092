// One answer: the three verdicts, in order, and the first no.

import type { ApprovalAsk } from '../action/approval.ts';
import type { ActionFacts } from '../action/judge-action.ts';
import type { Denial } from '../denial.ts';
import type { Claim, TokenFacts } from '../token/facts.ts';
import type { GenuineToken } from '../token/judge-token.ts';
import type { PeerFacts } from '../transport/peer.ts';

export type Outcome = 'allow' | 'deny' | 'approval';

/** How far the call came. `not_reached`: an earlier check said no. */
export type CheckVerdict = 'pass' | 'deny' | 'approval' | 'not_reached';

export interface OpenedApproval {
  readonly id: string;
  readonly url: string;
}

export interface Decision {
  readonly id: string;
  readonly outcome: Outcome;
  /** Null exactly when the outcome is allow. */
  readonly denial: Denial | null;
  readonly transport: { readonly verdict: CheckVerdict; readonly facts: PeerFacts | null };
  readonly token: {
    readonly verdict: CheckVerdict;
    readonly facts: TokenFacts | null;
    /** The token as read when its signature was genuine, refused or not: for the record and the sentence only. */
    readonly seen: GenuineToken | null;
  };
  readonly action: { readonly verdict: CheckVerdict; readonly facts: ActionFacts | null };
  /** What a person has to say yes to; null unless the outcome is approval. */
  readonly ask: ApprovalAsk | null;
  /** Where a person can say it, once the plane has asked. */
  readonly opened: OpenedApproval | null;
  /** What this call uses up; empty unless allowed. */
  readonly claims: readonly Claim[];
  /** True only for risk 0 by reviewed manifest, without claims: record and call may run side by side. Rules §6. */
  readonly overlaps: boolean;
}
