// `writ replay`: recorded runs of agents put before the gate, step by step (contract §9). Needs no plane, keeps nothing.

import { readFileSync } from 'node:fs';
import type { JsonObject } from '@writ/core';
import { type ReadResult, readCases, readTools } from '../action/replay/cases.ts';
import { HOPS } from '../action/replay/hop.ts';
import { noticesOf, readManifests } from '../action/replay/manifests.ts';
import { type ReplayMode, runReplay } from '../action/replay/run-replay.ts';
import { Stop, usage } from './stop.ts';
import { table } from './terminal.ts';
import { problemText } from './validate.ts';
import { verb } from './verb.ts';

export default verb({
  summary: 'what the trust rules say to recorded calls of agents, step by step',
  options: {
    cases: { type: 'string', required: true, valueHint: 'file', description: 'recorded runs, as JSON' },
    tools: { type: 'string', required: true, valueHint: 'file', description: 'definitions of the tools they call' },
    manifest: {
      type: 'string',
      repeat: true,
      valueHint: 'file',
      description: 'what is known of the tools; several times',
    },
    approvals: {
      type: 'enum',
      options: ['refuse', 'grant'],
      default: 'refuse',
      description: 'whether a step that needs approval runs (default: refuse)',
    },
    hop: {
      type: 'enum',
      options: [...HOPS],
      default: 'off',
      description: 'let a second agent take over, and with what its gate is told (default: off)',
    },
    cut: { type: 'string', valueHint: 'step', description: 'where it takes over: `effect` (default) or a step number' },
  },
  async run({ args, terminal }) {
    const cases = read(args.cases, readCases);
    const tools = read(args.tools, readTools);
    const found = readManifests(args.manifest.map((path) => ({ path, text: bytesOf(path).toString('utf8') })));
    if ('problems' in found) {
      const told = found.problems.map((problem) => problemText(problem, (_, text) => text)).join('\n  ');
      throw new Stop(`a manifest is not in order\n  ${told}`, 2);
    }
    for (const notice of noticesOf(found.manifests, tools.value)) terminal.note(`writ: ${notice}`);
    const mode: ReplayMode = {
      approvals: args.approvals as ReplayMode['approvals'],
      hop: args.hop as ReplayMode['hop'],
      cut: cutOf(args.cut, args.hop),
    };
    for (const line of runReplay({ cases, tools, manifests: found.manifests, mode })) {
      terminal.answer(line, () => textOf(line));
    }
    return 0;
  },
});

function read<T>(path: string, reader: (file: { path: string; bytes: Uint8Array }) => ReadResult<T>) {
  const result = reader({ path, bytes: bytesOf(path) });
  if ('says' in result) throw usage(result.says);
  return result;
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw usage(`\`${path}\` does not exist`);
    throw error;
  }
}

function cutOf(text: string | undefined, hop: string): ReplayMode['cut'] {
  if (text !== undefined && hop === 'off') throw usage('`--cut` says where a hop is; choose one with `--hop`');
  if (text === undefined || text === 'effect') return 'effect';
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw usage(`\`${text}\` does not fit \`--cut\`; it takes \`effect\` or a step number`);
  return Number(text);
}

function textOf(line: JsonObject): string {
  if (line.summary === true) {
    const { cases, steps, allow, approval, deny } = line;
    return `${cases} cases, ${steps} steps: ${allow} allowed, ${approval} asked about, ${deny} refused`;
  }
  const { case: id, step, tool, outcome, code, floor } = line;
  return table([[String(id), String(step), String(tool), String(outcome), `floor ${floor}`, String(code ?? '')]]);
}
