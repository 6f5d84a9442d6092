// A judge answers with a verdict: proven facts, or a denial. Nothing else comes out of a judge,
// and facts can be had in no other way. Exceptions are for bugs and outages.

import type { Denial } from './denial.ts';

/** Proven facts. */
export interface Pass<Facts> {
  readonly outcome: 'pass';
  readonly facts: Facts;
}

/** A named refusal. */
export interface Deny {
  readonly outcome: 'deny';
  readonly denial: Denial;
}

export type Verdict<Facts> = Pass<Facts> | Deny;

export function pass<Facts>(facts: Facts): Pass<Facts> {
  return { outcome: 'pass', facts };
}

export { deny } from './denial.ts';
