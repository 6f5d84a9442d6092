// `writ whoami`: who a process is to the plane, and when it is nobody, which registration came nearest and what to do.

import { isJsonObject, type JsonObject } from '@writ/core';
import { findPlane } from './plane.ts';
import { usage } from './stop.ts';
import { table, visible } from './terminal.ts';
import { planeOptions, verb } from './verb.ts';

export default verb({
  summary: 'who a process is to the plane',
  options: {
    pid: { type: 'string', valueHint: 'n', description: 'process to ask about (default: this one)' },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const pid = args.pid ?? String(process.pid);
    if (!/^[1-9][0-9]{0,9}$/.test(pid)) throw usage(`\`${pid}\` is not a process id`);
    const answer = await findPlane({ ...args, env: channels.env }).act('GET', `whoami?pid=${pid}`);
    terminal.answer(answer, () => whoamiText(answer));
    return answer.identity === null ? 1 : 0;
  },
});

function whoamiText(answer: JsonObject): string {
  const selectors = (Array.isArray(answer.selectors) ? answer.selectors : []).filter(isJsonObject);
  const seen = table(selectors.map(({ kind, value }) => [`  ${kind}`, String(value)]));
  if (typeof answer.identity === 'string') {
    const until = typeof answer.expires === 'string' ? `, until ${answer.expires}` : '';
    return visible(`${answer.identity}${until}`) + (seen === '' ? '' : `\n${seen}`);
  }
  const why = typeof answer.reason === 'string' ? visible(`: ${answer.reason}`) : '';
  return [`pid ${answer.pid} is nobody to this plane${why}`, seen, ...nearestText(answer.nearest)]
    .filter((line) => line !== '')
    .join('\n');
}

function nearestText(nearest: unknown): string[] {
  if (!isJsonObject(nearest)) return [];
  const missing = (Array.isArray(nearest.missing) ? nearest.missing : []).filter(isJsonObject);
  return [
    visible(`nearest: ${nearest.agent}`),
    ...missing.map(({ kind, wanted, seen }) => visible(`  ${kind}: wanted ${wanted}, seen ${seen ?? 'nothing'}`)),
    ...(typeof nearest.fix === 'string' ? [visible(nearest.fix)] : []),
  ];
}
