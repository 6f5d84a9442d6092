// `writ replay`: recorded runs of agents put before the gate, step by step (contract §9). Needs no plane, keeps nothing.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '@writ/core';
import { type ReadResult, readCases, readTools } from '../action/replay/cases.ts';
import { plainForm, type RuleForm } from '../action/replay/gate.ts';
import { HOPS } from '../action/replay/hop.ts';
import { noticesOf, readManifests } from '../action/replay/manifests.ts';
import { loadPolicyForm } from '../action/replay/policy-form.ts';
import { type ReplayInput, type ReplayMode, runReplay } from '../action/replay/run-replay.ts';
import { Stop, usage } from './stop.ts';
import { type Terminal, table } from './terminal.ts';
import { problemText } from './validate.ts';
import { verb } from './verb.ts';

interface FormParts extends Pick<ReplayInput, 'cases' | 'tools' | 'manifests'> {
  readonly terminal: Pick<Terminal, 'note'>;
}

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
    policy: {
      type: 'string',
      valueHint: 'folder',
      description: 'a folder of *.cedar files that judge together with the shipped rules, over `context.trust`',
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
    const { manifests } = found;
    const form = args.policy === undefined ? plainForm : formOf(args.policy, { cases, tools, manifests, terminal });
    for (const line of runReplay({ cases, tools, manifests, mode, form })) {
      terminal.answer(line, () => textOf(line));
    }
    return 0;
  },
});

function formOf(folder: string, { cases, tools, manifests, terminal }: FormParts): RuleForm {
  if (!existsSync(folder)) throw usage(`\`${folder}\` does not exist; name a folder of *.cedar files`);
  const names = readdirSync(folder).filter((name) => name.endsWith('.cedar'));
  if (names.length === 0) terminal.note(`writ: \`${folder}\` holds no *.cedar file; the shipped rules judge alone`);
  const cedarFiles = names.sort().map((name) => {
    const path = join(folder, name);
    return { path, text: bytesOf(path).toString('utf8') };
  });
  const principals = cases.value.map(({ principalName }) => principalName);
  const loaded = loadPolicyForm({ cedarFiles, tools: tools.content, manifests, principals });
  if ('problems' in loaded) {
    const told = loaded.problems.map((problem) => problemText(problem, (_, text) => text)).join('\n  ');
    throw new Stop(`the policy is not in order\n  ${told}`, 2);
  }
  for (const notice of loaded.notices) terminal.note(`writ: ${notice}`);
  return loaded.form;
}

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
