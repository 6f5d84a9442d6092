// `writ audit merge DIR…`: the logs of several replicas, or of several planes, as one timeline.

import type { JsonObject } from '@writ/core';
import { type TimelineEntry, timeline } from '../audit/timeline.ts';
import { timeOf } from './audit-query.ts';
import { logStop, openLogOf, sourceOf, vkeyOption, vkeysOf } from './audit-source.ts';
import { usage } from './stop.ts';
import { visible } from './terminal.ts';
import { verb } from './verb.ts';

export const merge = verb({
  summary: 'read several logs as one timeline; with --json one record a line',
  options: {
    sources: { type: 'positional', repeat: true, description: 'folders or URLs of logs' },
    ...vkeyOption,
    task: { type: 'string', valueHint: 'id', description: 'only records of this task' },
    from: { type: 'string', valueHint: 'time', description: 'RFC 3339, or how long ago, such as 2h' },
    until: { type: 'string', valueHint: 'time', description: 'RFC 3339, or how long ago; not included' },
  },
  async run({ args, terminal, channels }) {
    if (args.sources.length < 2) throw usage('name two logs or more; `writ audit query` reads one');
    const from = args.from === undefined ? '' : timeOf(args.from, Date.now());
    const until = args.until === undefined ? '~' : timeOf(args.until, Date.now());
    const vkeys = vkeysOf(args);
    const logs = [];
    for (const source of args.sources)
      logs.push(await openLogOf(sourceOf({ ...args, source }, channels.env), vkeys, terminal));
    const decided = new Set<string>();
    try {
      for await (const entry of timeline(logs)) {
        if (entry.time < from || entry.time >= until) continue;
        if (args.task !== undefined && !isOfTask(entry.record, args.task, decided)) continue;
        const { origin, sequence, record } = entry;
        terminal.answer({ origin, sequence, record }, () => lineOf(entry));
      }
    } catch (error) {
      throw error instanceof TypeError ? usage(error.message) : logStop('one of these logs', error);
    }
    return 0;
  },
});

/** An outcome names only its decision. */
function isOfTask(
  { kind, task, value, decision, decisionId }: JsonObject,
  asked: string,
  decided: Set<string>,
): boolean {
  if (kind === 'outcome') return decided.has(decision as string);
  const is = task === asked || value === asked;
  if (is && kind === 'decision') decided.add(decisionId as string);
  return is;
}

function lineOf({ time, origin, sequence, record }: TimelineEntry): string {
  return visible(`${time}  ${origin}:${sequence}  ${told(record)}`);
}

function told({ kind, outcome, sentence, code, event, decision, result, kind: _, ...members }: JsonObject): string {
  if (kind === 'decision') return `${outcome}  ${sentence ?? code ?? members.decisionId}`;
  if (kind === 'outcome') return `${(result as JsonObject).state}  of ${decision}`;
  const { id: _id, time: _time, ...rest } = members;
  return `${event ?? 'event'}  ${JSON.stringify(rest)}`;
}
