// The policies in force as single statements, with what a question about all requests needs to know of each. Read from the text
// that `writ policy show` prints, so that nothing in force can be overlooked here.

import { type PolicyJson, policySetTextToParts, policyToJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isAsking } from '../cedar/asking.ts';
import { canFail } from './can-fail.ts';

export interface StatedPolicy {
  /** The author's own (`@id`), else its place in `writ policy show`: `#3`. */
  readonly id: string;
  readonly text: string;
  readonly json: PolicyJson;
  /** `permit`, `forbid`, or a forbid that only asks for a person (`@outcome("approval")`, rules §3.12). */
  readonly effect: 'permit' | 'forbid' | 'ask';
  /** Its evaluation may end in an error, which refuses whatever it was evaluated for. */
  readonly canFail: boolean;
}

/** Throws for a text that is none of a loaded policy. */
export function policiesIn(text: string): readonly StatedPolicy[] {
  const parts = policySetTextToParts(text);
  if (parts.type === 'failure') throw new Error(`the policy in force does not parse: ${parts.errors[0]?.message}`);
  // Cedar gives the parts in an order of its own.
  const inOrder = [...parts.policies].sort((a, b) => text.indexOf(a) - text.indexOf(b));
  return inOrder.map((part, i) => {
    const parsed = policyToJson(part);
    if (parsed.type === 'failure') throw new Error(`policy #${i + 1} does not parse: ${parsed.errors[0]?.message}`);
    const { json } = parsed;
    return {
      id: json.annotations?.id ?? `#${i + 1}`,
      text: part,
      json,
      effect: isAsking(json) ? 'ask' : json.effect,
      canFail: canFail(json),
    };
  });
}
