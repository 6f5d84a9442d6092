// The shipped trust rules over facts: what is refused, and what a person is asked about (rules §3.10–3.12, §3.14). The same rules
// are Cedar policies in the plane; this is the plain form, to read, to replay with, and to test the other one against.

import type { Question } from '../task-world.ts';
import type { TrustFacts, TrustPlaces } from './trust-facts.ts';

/** Thresholds of rules §3.10. */
export const THRESHOLDS = {
  /** By risk 0–5; 0 asks for nothing. */
  target: [0, 2, 2, 2, 3, 3],
  /** For risk 5 once the task is tainted. */
  targetTainted5: 4,
  value: 2,
  /** Below this an active token in a payload asks, from `payloadRisk` on. */
  activeToken: 2,
  payloadRisk: 3,
  /** A task without a prompt asks from here on; without the prompt it has, it is refused. */
  promptRisk: 2,
  /** Dates are compared for tools that are themselves of this risk. */
  dateRisk: 2,
} as const;

export interface TrustVerdict {
  readonly denials: readonly Question[];
  readonly questions: readonly Question[];
}

/** deny > approval > allow. Every rule that speaks is named, the most telling first. */
export function judgeTrust(facts: TrustFacts, places: TrustPlaces): TrustVerdict {
  const denials: Question[] = [];
  const questions: Question[] = [];
  const ask = (rule: string, code: Question['code'], argument: string | null = null): void => {
    questions.push({ rule: `writ.trust.${rule}`, code, argument });
  };
  const refuse = (rule: string, code: Question['code'], argument: string | null = null): void => {
    denials.push({ rule: `writ.trust.${rule}`, code, argument });
  };
  /** What a person may still decide in a clean task is too late in a tainted one. */
  const askOrRefuse = facts.tainted ? refuse : ask;

  if (facts.prompt === 'missing' && facts.risk >= THRESHOLDS.promptRisk) refuse('prompt_missing', 'action.out_of_task');
  if (facts.secret === 'leaves') askOrRefuse('secret', 'action.secret_in_arguments', places.secret);
  if (facts.secret === 'unknown') ask('secret_unknown', 'action.secret_in_arguments');
  if (hasPrompt(facts) && !facts.inTask) askOrRefuse('out_of_task', 'action.out_of_task');

  if (facts.target !== null && facts.target < targetThreshold(facts))
    ask('target', 'action.target_untrusted', places.target);
  // Whoever named every target also decided what goes there; without a target nobody has.
  const isValueMissed = facts.risk >= 1 && facts.value !== null && facts.value < THRESHOLDS.value && facts.target !== 4;
  if (isValueMissed) ask('value', 'action.value_untrusted', places.value);
  if (facts.tainted && facts.baseRisk === THRESHOLDS.dateRisk && !facts.datesGiven) {
    ask('date', 'action.date_untrusted', places.date);
  }
  const isActive = facts.activeToken !== null && facts.activeToken < THRESHOLDS.activeToken;
  if (isActive && facts.risk >= THRESHOLDS.payloadRisk) ask('payload', 'action.payload_active', places.activeToken);
  if (facts.prompt === 'none' && facts.risk >= THRESHOLDS.promptRisk) ask('no_prompt', 'action.approval_required');
  return { denials, questions };
}

function hasPrompt({ prompt }: TrustFacts): boolean {
  return prompt !== 'none' && prompt !== 'missing';
}

function targetThreshold({ risk, tainted }: TrustFacts): number {
  return risk === 5 && tainted ? THRESHOLDS.targetTainted5 : (THRESHOLDS.target[risk] ?? 4);
}

/** The plain rule, for who chooses it (`trust.rule: floor`): nothing runs whose risk is above the floor. Rules §3.14. */
export function judgeFloorRule({ floor, risk }: Pick<TrustFacts, 'floor' | 'risk'>): TrustVerdict {
  const isAbove = floor < risk;
  const denial: Question = { rule: 'writ.trust.floor', code: 'action.policy_forbids', argument: null };
  return { denials: isAbove ? [denial] : [], questions: [] };
}
