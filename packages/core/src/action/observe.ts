// Where the operator only watches check 3 (rules §7.3): what it would have refused goes through and is written down as such. Never
// what is of risk 5, what nobody defined, or what carries a secret of the broker; and checks 1 and 2 are not asked about it at all.

import type { Denial } from '../denial.ts';
import type { Definition } from './policy.ts';

export type Mode = 'enforce' | 'observe' | 'off';

/** What would have become of a call that was only watched. */
export interface Observed {
  readonly outcome: 'deny' | 'approval';
  readonly denial: Denial;
}

/** What the broker gave out as a secret leaves in no argument, whatever else is only watched. Rules §3.11. */
export const BROKER_SECRET_RULE = 'writ.secret.broker';

/** The most that goes through without being judged. */
const riskMax = 4;

export function goesThrough(mode: Mode, { code, rule }: Denial, definition: Definition | undefined): boolean {
  if (mode === 'enforce' || !definition || definition.risk > riskMax) return false;
  return code.startsWith('action.') && rule !== BROKER_SECRET_RULE;
}
