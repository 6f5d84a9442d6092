// One loaded set, asked: the compiled evaluator's answer made core's. Where every forbid that holds only asks for a person, the
// same set without those is asked whether the asker has its permit (rules §3.12). Each compiled answer can be watched, with a way
// to ask cedar-wasm the same again; who watches decides whether it is worth it.

import type { PolicySet } from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyAnswer, PolicyRequest } from '@writ/core';
import { answerOf } from './answer.ts';
import { isAsking } from './asking.ts';
import { type Answer, type CompiledSource, compileSource } from './compiled.ts';
import type { Parsed } from './could-permit.ts';
import { ask, type PolicySource, type Question } from './slots.ts';

/** One answer of the compiled evaluator. */
export interface Answered {
  readonly decisionId: string;
  readonly action: string;
  /** Of the policy that was asked. */
  readonly version: string;
  readonly answer: Answer;
  /** cedar-wasm's answer to the same question. Milliseconds of this thread; throws for a question it cannot read. */
  again(): Answer;
}

/** What may stand beside the evaluator, or in its place in a test of who watches. */
export interface EvaluatorParts {
  readonly compile?: (source: PolicySource) => Pick<CompiledSource, 'judge'>;
  answered?(one: Answered): void;
}

export interface Evaluator {
  /** Throws when cedar-wasm has to be asked and cannot read the question. */
  answer(question: Question, action: string, request: Pick<PolicyRequest, 'forbidsOnly' | 'decisionId'>): PolicyAnswer;
}

export function createEvaluator(
  source: PolicySource,
  parsed: readonly Parsed[],
  version: string,
  { compile = compileSource, answered }: EvaluatorParts,
): Evaluator {
  const asking: ReadonlySet<string> = new Set(parsed.filter(({ json }) => isAsking(json)).map(({ id }) => id));
  const askerOf = (one: PolicySource) => {
    const compiled = compile(one);
    return (question: Question, action: string, decisionId: string | undefined): Answer => {
      const answer = compiled.judge(question);
      if (answer === null) return ask(one, question);
      if (decisionId !== undefined) {
        answered?.({ decisionId, action, version, answer, again: () => ask(one, question) });
      }
      return answer;
    };
  };
  const asked = askerOf(source);
  const withoutAsking = asking.size === 0 ? asked : askerOf({ ...source, policies: without(asking, source.policies) });
  return {
    answer(question, action, { forbidsOnly = false, decisionId }) {
      const answering = { action, policies: parsed, asking };
      const permitted = (): boolean => {
        const answer = withoutAsking(question, action, decisionId);
        return answerOf(answer, { ...answering, permitted: () => false }).outcome === 'permit';
      };
      const answer = asked(question, action, decisionId);
      return answerOf(answer, { ...answering, permitted: () => forbidsOnly || permitted() });
    },
  };
}

function without(ids: ReadonlySet<string>, { staticPolicies = {} }: PolicySet): PolicySet {
  return { staticPolicies: Object.fromEntries(Object.entries(staticPolicies).filter(([id]) => !ids.has(id))) };
}
