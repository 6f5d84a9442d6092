// `@outcome("approval")` on a forbid: it asks for a person instead of refusing (rules §3.12). One reading of the annotation for
// live calls, lists and analysis, so that none of them can disagree.

import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';

export const OUTCOME = 'outcome';
const APPROVAL = 'approval';

export function isAsking({ effect, annotations }: PolicyJson): boolean {
  return effect === 'forbid' && annotations?.[OUTCOME] === APPROVAL;
}

/** What is wrong with the annotation, and what may stand there; null for one that means what it says, or none. */
export function outcomeFault(json: PolicyJson): { readonly says: string; readonly expected: string } | null {
  const { effect, annotations = {} } = json;
  if (!Object.hasOwn(annotations, OUTCOME) || isAsking(json)) return null;
  // On a permit it would read as a condition, and the call would go through unasked.
  if (effect === 'permit') {
    return {
      says: `\`@outcome\` stands on a permit, where it would change nothing`,
      expected: 'a `forbid` with `@outcome("approval")` beside the permit',
    };
  }
  const said = annotations[OUTCOME] === null ? '@outcome' : `@outcome("${annotations[OUTCOME]}")`;
  return {
    says: `\`${said}\` is no outcome of a forbid`,
    expected: '`@outcome("approval")`, or no `@outcome`: it refuses',
  };
}
