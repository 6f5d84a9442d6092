// What the spine asks of whoever keeps approvals. Rules §4.

import type { Call, Decision, DenialCode, GrantedApproval, OpenedApproval } from '@writ/core';

export interface ApprovalsPort {
  /** Unused yeses to this very action. Rejects when the store is down. */
  granted(requestKey: string): Promise<readonly GrantedApproval[]>;
  /**
   * Asks, or names the question that is open already. Refused: a person said no to this action a moment ago, or too much has been
   * asked of them this hour.
   */
  open(decision: Decision, call: Call): Promise<OpenedApproval | { readonly refused: DenialCode }>;
}
