// Feeds each case to the gate step by step and writes down what it answers. No clock and no randomness reach the lines, so two
// runs give the same bytes; what was judged is named by digests (contract §9).

import type { JsonObject, JsonValue } from '@writ/core';
import { digestOf } from '../digest.ts';
import type { Case, Step, Tools } from './cases.ts';
import { afterStep, type Judged, judgeStep, type RuleForm, riskOfStep, startTask, type TaskState } from './gate.ts';
import { type Hop, hopTo } from './hop.ts';
import type { Manifests } from './manifests.ts';

export interface ReplayMode {
  /** `refuse`: what was not allowed did not run. `grant`: a person said yes, and it ran. */
  readonly approvals: 'refuse' | 'grant';
  readonly hop: Hop;
  /** Where the second agent takes over: the first call of risk 2 and more, or the step of this number. */
  readonly cut: 'effect' | number;
}

export interface ReplayInput {
  readonly cases: { readonly value: readonly Case[]; readonly content: JsonValue };
  readonly tools: { readonly value: Tools; readonly content: JsonValue };
  readonly manifests: Manifests;
  readonly mode: ReplayMode;
  readonly form: RuleForm;
}

export interface ReplayLine extends JsonObject {
  readonly case: string;
  readonly step: number;
  readonly tool: string;
  readonly outcome: 'allow' | 'approval' | 'deny';
  readonly code: string | null;
  readonly floor: number;
  readonly provenance: JsonObject;
}

/** The lines of every step, then the summary. */
export function* runReplay(input: ReplayInput): Generator<JsonObject> {
  const { cases, tools, manifests, mode, form } = input;
  const counts = { allow: 0, approval: 0, deny: 0 };
  let steps = 0;
  for (const one of cases.value) {
    for (const line of runCase(one, input)) {
      steps++;
      counts[line.outcome]++;
      yield line;
    }
  }
  yield {
    summary: true,
    cases: cases.value.length,
    steps,
    ...counts,
    mode: { approvals: mode.approvals, hop: mode.hop, cut: mode.hop === 'off' ? null : mode.cut },
    digests: {
      cases: digestOf(cases.content),
      tools: digestOf(tools.content),
      manifest: digestOf(manifests.servers),
      policy: form.digest,
    },
  };
}

function* runCase(one: Case, { tools, manifests, mode, form }: ReplayInput): Generator<ReplayLine> {
  const defined = tools.value.get(one.suite);
  const ran: Step[] = [];
  const cutStep = mode.hop === 'off' ? null : cutOf(one, manifests, mode.cut);
  let state: TaskState = startTask(one);
  let agent: 1 | 2 = 1;
  for (const step of one.steps) {
    if (step === cutStep && mode.hop !== 'off') {
      state = hopTo(state, one, ran, mode.hop);
      agent = 2;
    }
    const tool = manifests.tool(one.suite, step.tool);
    const judged = judgeStep(state, one, step, tool, { form, agent });
    // Pins are given as reviewed here, so a tool is known exactly when the suite defines it.
    const isKnown = defined?.has(step.tool) === true;
    const answer = isKnown ? judged : { ...judged, outcome: 'deny' as const, code: 'action.unknown' };
    yield lineOf(one, step, answer, mode.hop === 'off' ? null : agent);
    if (answer.outcome === 'allow' || (answer.outcome === 'approval' && mode.approvals === 'grant')) {
      state = afterStep(state, one, step, tool, judged.seen);
      ran.push(step);
    }
  }
}

function cutOf({ suite, steps }: Case, manifests: Manifests, cut: ReplayMode['cut']): Step | null {
  const isCut = (step: Step): boolean =>
    cut === 'effect' ? riskOfStep(step, manifests.tool(suite, step.tool)) >= 2 : step.n >= cut;
  return steps.find(isCut) ?? null;
}

function lineOf({ id }: Case, { n, tool }: Step, { outcome, code, seen }: Judged, agent: number | null): ReplayLine {
  const provenance = Object.entries(seen.provenance).map(([pointer, { role, level, from, active }]) => {
    const places = from.map((origin) =>
      'ref' in origin ? { step: origin.ref, pointer: origin.pointer } : ({ ...origin } as JsonObject),
    );
    const levels: JsonObject = active === undefined ? { level } : { level, active };
    return [pointer, { role, ...levels, from: places }] as const;
  });
  const line = {
    case: id,
    step: n,
    tool,
    outcome,
    code,
    floor: seen.facts.floor as number,
    provenance: Object.fromEntries(provenance),
  };
  return agent === null ? line : { ...line, agent };
}
