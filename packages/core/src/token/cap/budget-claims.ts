// What a call uses up at each link of a chain that has a ceiling for it, as claims for the store. Rules §2.12.

import { type Denial, denial } from '../../denial.ts';
import type { Chain, Link } from '../chain.ts';
import type { Claim } from '../facts.ts';
import type { CapAsk } from './world.ts';

const countedUnit = 'calls';

/** The denial is of a ceiling that is too low for this call, or that nobody can count against. */
export function budgetClaims({ links }: Chain, { scopes, spends }: CapAsk): readonly Claim[] | Denial {
  const claims: Claim[] = [];
  const debit = ({ row }: Link, unit: string, amount: number, max: number) => {
    if (amount > max) return denial('token.budget_exceeded', { unit, amount, max });
    claims.push({ kind: 'budget', row, unit, amount, max });
    return null;
  };
  for (const link of links) {
    for (const { unit, max } of link.budget) {
      if (unit === countedUnit ? scopes.length === 0 : spends === 'nothing') continue;
      if (unit !== countedUnit && (spends === 'nothing' || spends === 'unknown' || spends.unit !== unit))
        return denial('token.restriction_unknown', { unit, actor: link.actor.sub });
      const amount = unit === countedUnit || typeof spends === 'string' ? 1 : spends.amount;
      const over = debit(link, unit, amount, max);
      if (over) return over;
    }
  }
  return claims;
}
