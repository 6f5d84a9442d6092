// The gate of a replay: what a task has read, how each call of it is judged, and what is kept when a call ran. One task per case,
// one prompt of the root's own, agents with `inputs: gated` and `memory: task` (contract §9).

import {
  errorOutputs,
  judgeTrust,
  noEchoes,
  noPrompt,
  observe,
  type PlainEchoes,
  type Prompt,
  returnedBy,
  riskOfCall,
  startEvidence,
  startLevel,
  type TaskEvidence,
  THRESHOLDS,
  type ToolTrust,
  type TrustSeen,
  type TrustVerdict,
  trustFacts,
  unknownTool,
  withSent,
  withTurn,
} from '@writ/core';
import { digestOf } from '../digest.ts';
import type { Case, Step } from './cases.ts';

export interface TaskState {
  readonly evidence: TaskEvidence;
  readonly prompt: Prompt;
  /** False for an agent that was given no genuine quote of it. */
  readonly promptArrived: boolean;
  /** The plane's own memory of what left; it belongs to no agent. */
  readonly echoes: PlainEchoes;
}

export interface Judged {
  readonly outcome: 'allow' | 'approval' | 'deny';
  /** Of the first rule that spoke; null when none did. */
  readonly code: string | null;
  readonly seen: TrustSeen;
}

/** One step as the rules see it. */
export interface StepAsked {
  readonly seen: TrustSeen;
  readonly one: Case;
  readonly step: Step;
  /** Who acts. */
  readonly agent: 1 | 2;
}

/** The rules that judge, in one of their forms. */
export interface RuleForm {
  /** `sha256:<hex>` over everything they say. */
  readonly digest: string;
  judge(asked: StepAsked): TrustVerdict;
}

export const plainForm: RuleForm = {
  digest: digestOf({ rules: 'writ.trust', thresholds: THRESHOLDS }),
  judge: ({ seen }) => judgeTrust(seen.facts, seen.places),
};

export function startTask({ prompt: text }: Case): TaskState {
  const turn = { origin: 'direct', text, opensTask: true } as const;
  const { prompt, floor } = withTurn(noPrompt, turn, startLevel('gated'));
  return { evidence: startEvidence(floor), prompt, promptArrived: true, echoes: noEchoes };
}

export function judgeStep(
  state: TaskState,
  one: Case,
  step: Step,
  tool: ToolTrust | null,
  by: { readonly form: RuleForm; readonly agent: 1 | 2 },
): Judged {
  const { suite, principalName } = one;
  const ask = { server: suite, tool: tool ?? unknownTool, manifest: tool !== null, arguments: step.arguments };
  const { evidence, prompt, promptArrived, echoes } = state;
  // `memory: task`: the agent remembers nothing that this task has not read, so its residue is the floor itself.
  const known = { evidence, prompt, promptArrived, echoes, floor: evidence.floor, rootAddresses: [principalName] };
  const seen = trustFacts(ask, known);
  const { denials, questions } = by.form.judge({ seen, one, step, agent: by.agent });
  if (denials.length > 0) return { outcome: 'deny', code: denials[0]!.code, seen };
  if (questions.length > 0) return { outcome: 'approval', code: questions[0]!.code, seen };
  return { outcome: 'allow', code: null, seen };
}

/** The call was made: its arguments have left, and its result is released to the agent. */
export function afterStep(
  state: TaskState,
  { suite }: Case,
  step: Step,
  tool: ToolTrust | null,
  seen: TrustSeen,
): TaskState {
  const returned = returnedBy(state.evidence, suite, state.echoes);
  const echoes = withSent(state.echoes, suite, seen.sent, returned);
  const isError = 'error' in step.result;
  const output = 'error' in step.result ? step.result.error : step.result.output;
  const rules = isError ? errorOutputs : (tool?.outputs ?? []);
  return { ...state, echoes, evidence: observe(state.evidence, { ref: step.n, server: suite, output, rules, echoes }) };
}

/** With arguments that raise it. */
export function riskOfStep(step: Step, tool: ToolTrust | null): number {
  return tool === null ? 4 : riskOfCall(tool, step.arguments);
}
