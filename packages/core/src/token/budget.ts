// What a call uses up at each link of a chain that has a ceiling for it, as claims for the store, whatever the encoding of the chain.
// Calls are counted with the token; money is counted where the amount is read from the arguments, in check 3. Rules §2.12.

import { type Denial, denial } from '../denial.ts';
import type { Chain } from './chain.ts';
import type { Claim } from './facts.ts';

/** The unit of a ceiling on the number of calls. */
export const CALLS = 'calls';

/** Unit of a ceiling on money: a currency (ISO 4217). */
export const CURRENCY: RegExp = /^[A-Z]{3}$/;

/** The denial is of a ceiling that allows nothing, or that nobody can count against. */
export function callClaims({ links }: Chain, scopes: readonly string[]): readonly Claim[] | Denial {
  const claims: Claim[] = [];
  for (const { budget, row, actor } of links) {
    for (const { unit, max } of budget) {
      if (CURRENCY.test(unit)) continue;
      if (unit !== CALLS) return denial('token.restriction_unknown', { unit, actor: actor.sub });
      if (scopes.length === 0) continue;
      if (max < 1) return denial('token.budget_exceeded', { unit, max, actor: actor.sub });
      claims.push({ kind: 'budget', row, unit, amount: 1, max });
    }
  }
  return claims;
}
