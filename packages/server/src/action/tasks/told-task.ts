// A task that somebody describes instead of one that was watched, for `writ decide` (contract §2). What is not told is the worst:
// no prompt, and text from outside.

import {
  type Definition,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Level,
  lower,
  noEchoes,
  noPrompt,
  observe,
  startEvidence,
  type TaskWorld,
  withTurn,
} from '@writ/core';
import { judgeInTask, type TrustRule } from './judge-in-task.ts';

export interface Telling {
  /** `{"prompt","origin","floor","observed":[{"server","tool","output"}]}` or nothing. */
  readonly task: JsonValue | undefined;
  definitionOf(server: string, tool: string): Definition | undefined;
  readonly rule: TrustRule;
}

const ORIGINS = ['direct', 'relayed', 'mandate'] as const;

/** Throws a sentence for a task that cannot be read. */
export function toldTask({ task, definitionOf, rule }: Telling): TaskWorld {
  const { prompt, origin, floor: told, observed } = isJsonObject(task) ? task : ({} as JsonObject);
  const known = ORIGINS.find((one) => one === origin);
  if (origin !== undefined && origin !== 'none' && !known) throw new Error('`task.origin` is unknown');
  const start = told === undefined ? (known ? 3 : 1) : levelOf(told);
  const begun =
    typeof prompt === 'string' && known
      ? withTurn(noPrompt, { origin: known, text: prompt, opensTask: true }, start)
      : { prompt: noPrompt, floor: start };
  const outputs = Array.isArray(observed) ? (observed as readonly JsonValue[]) : [];
  const evidence = outputs.reduce((so, one, i) => {
    if (!isJsonObject(one) || typeof one.server !== 'string' || typeof one.tool !== 'string')
      throw new Error('`task.observed` has to be a list of `{ server, tool, output }`');
    const rules = definitionOf(one.server, one.tool)?.trust.outputs ?? [];
    return observe(so, { ref: i, server: one.server, output: one.output ?? null, rules, echoes: noEchoes });
  }, startEvidence(begun.floor));
  const used = lower(begun.floor, evidence.floor);
  const facts = { evidence, prompt: begun.prompt, promptArrived: true, echoes: noEchoes, rootAddresses: [] };
  return {
    judge: (call, _, definition) => judgeInTask(call, definition, facts, { task: used, residue: 4, used }, rule).answer,
  };
}

function levelOf(value: JsonValue): Level {
  const level = [0, 1, 2, 3].find((one) => one === value);
  if (level === undefined) throw new Error('`task.floor` has to be a level from 0 to 3');
  return level as Level;
}
