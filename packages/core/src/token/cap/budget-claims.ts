// What a call uses up at each link of a chain that has a ceiling for it, as claims for the store. Rules §2.12.

import { type Denial, denial } from '../../denial.ts';
import type { Chain } from '../chain.ts';
import type { Claim } from '../facts.ts';

const countedUnit = 'calls';
/** ISO 4217: counted where the amount is read from the arguments, in check 3. */
const CURRENCY = /^[A-Z]{3}$/;

/** The denial is of a ceiling that is too low for this call, or that nobody can count against. */
export function budgetClaims({ links }: Chain, scopes: readonly string[]): readonly Claim[] | Denial {
  const claims: Claim[] = [];
  for (const { budget, row, actor } of links) {
    for (const { unit, max } of budget) {
      if (CURRENCY.test(unit)) continue;
      if (unit !== countedUnit) return denial('token.restriction_unknown', { unit, actor: actor.sub });
      if (scopes.length === 0) continue;
      if (max < 1) return denial('token.budget_exceeded', { unit, max, actor: actor.sub });
      claims.push({ kind: 'budget', row, unit, amount: 1, max });
    }
  }
  return claims;
}
