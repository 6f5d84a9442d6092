// Ceilings on what is used up: those of the chain, at every link up to the root, and the operator's own per task, root, agent and tool
// (rules §2.12). Here they become claims; the store takes all of them or none.

import { type Denial, denial } from '../denial.ts';
import { CALLS } from '../token/budget.ts';
import type { Chain } from '../token/chain.ts';
import type { Claim, TokenFacts } from '../token/facts.ts';
import { userKey } from '../token/token-world.ts';
import type { Call } from './call.ts';
import type { Spend } from './spend.ts';

/** A ceiling of the operator's. */
export interface Limit {
  /** Names it in records and denials. */
  readonly id: string;
  /** `calls`, or a currency (ISO 4217). */
  readonly unit: string;
  /** Calls, or minor units. */
  readonly max: number;
  readonly per: 'task' | 'root' | 'agent';
  /** `server/tool`, or a server; null for everything. */
  readonly of: string | null;
  /** Length of the window in seconds; null counts for the whole task. */
  readonly windowSeconds: number | null;
}

/** Debits of money at every link that has a ceiling for it. Calls are counted with the token. */
export function moneyClaims({ links }: Chain, spend: Spend): readonly Claim[] | Denial {
  const claims: Claim[] = [];
  for (const { row, actor, budget } of links) {
    for (const { unit, max } of budget) {
      if (unit === CALLS || spend === 'nothing') continue;
      // A ceiling nobody can count against is a no, and so is money that the ceiling does not speak of.
      if (spend === 'unknown' || !budget.some((one) => one.unit === spend.unit)) {
        return denial('token.restriction_unknown', { unit, actor: actor.sub });
      }
      if (spend.unit !== unit) continue;
      if (spend.amount > max)
        return denial('token.budget_exceeded', { unit, amount: spend.amount, max, actor: actor.sub });
      claims.push({ kind: 'budget', row, unit, amount: spend.amount, max });
    }
  }
  return claims;
}

export function limitClaims(
  limits: readonly Limit[],
  call: Call,
  token: TokenFacts,
  spend: Spend,
  nowSeconds: number,
): readonly Claim[] | Denial {
  const claims: Claim[] = [];
  for (const limit of limits) {
    const { id, unit, max, of } = limit;
    if (of !== null && of !== call.target.server && of !== `${call.target.server}/${call.target.name}`) continue;
    if (unit !== CALLS) {
      if (spend === 'nothing') continue;
      if (spend === 'unknown')
        return denial('action.limit_exceeded', { limit: id, unit, why: 'the amount cannot be read' }, id);
      if (spend.unit !== unit) continue;
    }
    const amount = unit === CALLS || typeof spend === 'string' ? 1 : spend.amount;
    if (amount > max) return denial('action.limit_exceeded', { limit: id, unit, amount, max }, id);
    const window = windowOf(limit, token, nowSeconds);
    claims.push({
      kind: 'limit',
      id,
      key: `${keyOf(limit, token)} ${window.key}`,
      unit,
      amount,
      max,
      untilSeconds: window.untilSeconds,
    });
  }
  return claims;
}

function keyOf({ id, per }: Limit, { chain, root, actorKey }: TokenFacts): string {
  const whose = per === 'task' ? chain.task : per === 'root' ? userKey(root) : actorKey;
  return JSON.stringify([id, per, whose]);
}

/** Fixed windows from 1970 on, so that every replica counts in the same one. A task's own ends with its grant. */
function windowOf(
  { windowSeconds }: Limit,
  { chain }: TokenFacts,
  nowSeconds: number,
): { readonly key: string; readonly untilSeconds: number } {
  if (windowSeconds === null) return { key: 'whole', untilSeconds: chain.links[0].untilSeconds };
  const index = Math.floor(nowSeconds / windowSeconds);
  return { key: String(index), untilSeconds: (index + 1) * windowSeconds };
}
