// For tests of this folder: a task that a person opened, the outputs it has read, and one call in it.

import type { JsonObject, JsonValue } from '../../std/json.ts';
import { noEchoes, type PlainEchoes, withSent } from './echo.ts';
import { observe, returnedBy, startEvidence, type TaskEvidence } from './evidence.ts';
import { judgeTrust } from './judge-trust.ts';
import { type OutputRule, type ToolTrust, unknownTool } from './manifest.ts';
import { noPrompt, type Prompt, type PromptTurn, withTurn } from './prompt.ts';
import { type TaskKnowledge, type TrustSeen, trustFacts } from './trust-facts.ts';

export interface Task {
  readonly evidence: TaskEvidence;
  readonly prompt: Prompt;
  readonly echoes: PlainEchoes;
  readonly rootAddresses: readonly string[];
  readonly promptArrived: boolean;
}

export function openTask(text: string | null, more: Partial<PromptTurn> = {}): Task {
  const turn: PromptTurn = { origin: 'direct', opensTask: true, text: text ?? '', ...more };
  const { prompt, floor } = text === null ? { prompt: noPrompt, floor: 3 as const } : withTurn(noPrompt, turn, 3);
  return { evidence: startEvidence(floor), prompt, echoes: noEchoes, rootAddresses: [], promptArrived: true };
}

export function reads(task: Task, server: string, output: JsonValue, rules: readonly OutputRule[] = []): Task {
  const ref = task.evidence.fields.length;
  return { ...task, evidence: observe(task.evidence, { ref, server, output, rules, echoes: task.echoes }) };
}

export function see(task: Task, tool: ToolTrust | null, args: JsonObject, server = 's'): TrustSeen {
  const known: TaskKnowledge = { ...task, floor: task.evidence.floor };
  return trustFacts({ server, tool: tool ?? unknownTool, manifest: tool !== null, arguments: args }, known);
}

/** `allow`, or the codes of every rule that spoke, each with `deny` or `ask`. */
export function judge(task: Task, tool: ToolTrust | null, args: JsonObject, server = 's'): string {
  const { facts, places } = see(task, tool, args, server);
  const { denials, questions } = judgeTrust(facts, places);
  const spoken = [...denials.map(({ code }) => `deny ${code}`), ...questions.map(({ code }) => `ask ${code}`)];
  return spoken.join(', ').replaceAll('action.', '') || 'allow';
}

/** The call is made, and the tool answers. */
export function calls(
  task: Task,
  tool: ToolTrust,
  args: JsonObject,
  answer: { readonly output: JsonValue; readonly rules: readonly OutputRule[] } | null = null,
  server = 's',
): Task {
  const { sent } = see(task, tool, args, server);
  const returned = returnedBy(task.evidence, server, task.echoes);
  const echoes = withSent(task.echoes, server, sent, returned);
  return answer === null ? { ...task, echoes } : reads({ ...task, echoes }, server, answer.output, answer.rules);
}
