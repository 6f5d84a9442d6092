// What the spine asks of whoever keeps approvals. Rules §4.

import type { Call, Decision, DenialCode, GrantedApproval, JsonObject, OpenedApproval, Principal } from '@writ/core';

export interface ApprovalsPort {
  /** Unused yeses to this very action, or to one question about it. Rejects when the store is down. */
  granted(requestKey: string, resumes?: string | null): Promise<readonly GrantedApproval[]>;
  /**
   * Asks, or names the question that is open already. Refused: a person said no to this action a moment ago, too much has been
   * asked of them this hour, or the question that the caller comes back to stands no more.
   */
  open(
    decision: Decision,
    call: Call,
    resumes?: string | null,
  ): Promise<OpenedApproval | { readonly refused: DenialCode }>;
}

/** One question to a person, for whoever asks how it stands. */
export interface Question {
  readonly id: string;
  readonly url: string;
  readonly state: 'open' | 'approved' | 'denied' | 'used' | 'expired';
  readonly server: string;
  readonly arguments: JsonObject;
  readonly task: string | null;
  readonly root: Principal;
  /** From the first agent to the one acting then. */
  readonly actors: readonly string[];
}

export interface QuestionsPort {
  /** Rejects when the store is down. */
  find(id: string): Promise<Question | null>;
}
