// `writ agent`: who may call whom, as the configuration says it, the withdrawal of one agent, and the word that its memory was wiped.

import type { JsonObject } from '@writ/core';
import type { Config } from '../config/config.ts';
import { configOf } from './offline-plane.ts';
import { findPlane } from './plane.ts';
import { usage } from './stop.ts';
import { table, visible } from './terminal.ts';
import { planeOptions, type VerbGroup, verb } from './verb.ts';

const graph = verb({
  summary: 'who may call whom',
  options: {
    config: planeOptions.config,
    dot: { type: 'boolean', description: 'print it for Graphviz' },
  },
  async run({ args, terminal, channels }) {
    const edges = edgesOf(configOf({ config: args.config, env: channels.env }));
    const text = args.dot ? dotOf(edges) : table(edges.map(({ caller, callee, kind }) => [caller, '→', callee, kind]));
    terminal.answer({ edges } as unknown as JsonObject, () => (edges.length === 0 ? 'nobody may call anybody' : text));
    return 0;
  },
});

const revoke = verb({
  summary: 'withdraw an agent: no new identity, no new connection, open ones closed, its tokens dead',
  options: {
    id: { type: 'positional', description: 'agent key, such as `claude/orchestrator`, or its SPIFFE ID' },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const answer = await findPlane({ ...args, env: channels.env }).act('POST', 'revocations', { agent: args.id });
    terminal.answer(answer, () => visible(`withdrawn: ${args.id}, and ${answer.rows} of its tokens`));
    return 0;
  },
});

const forget = verb({
  summary: 'say that an agent’s memory was wiped: what it had read counts no more',
  options: {
    id: { type: 'positional', description: 'agent key, `client:<id>`, or SPIFFE ID' },
    reason: { type: 'string', valueHint: 'text', description: 'how it is known; goes on record' },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    if (args.reason === undefined) throw usage('`--reason` is missing: what was wiped, and how you know');
    const ask = { agent: args.id, reason: args.reason };
    const answer = await findPlane({ ...args, env: channels.env }).act('POST', 'agents/forget', ask);
    terminal.answer(answer, () => visible(`nothing that ${answer.agent} had read counts any more`));
    return 0;
  },
});

interface Edge {
  readonly caller: string;
  readonly callee: string;
  /** What stands at the other end. */
  readonly kind: 'agent' | 'server';
}

/** Rules §1.3. An OAuth client is a caller by the name of its edge. */
function edgesOf({ agents, clients }: Config): readonly Edge[] {
  const callers = [
    ...[...agents].map(([name, { calls }]) => [name, calls] as const),
    ...[...clients].map(([id, { calls }]) => [`client:${id}`, calls] as const),
  ];
  return callers.flatMap(([caller, calls]) =>
    calls.map((callee): Edge => ({ caller, callee, kind: agents.has(callee) ? 'agent' : 'server' })),
  );
}

function dotOf(edges: readonly Edge[]): string {
  const servers = [...new Set(edges.filter(({ kind }) => kind === 'server').map(({ callee }) => callee))];
  return [
    'digraph writ {',
    ...servers.map((server) => `  ${JSON.stringify(server)} [shape=box];`),
    ...edges.map(({ caller, callee }) => `  ${JSON.stringify(caller)} -> ${JSON.stringify(callee)};`),
    '}',
  ].join('\n');
}

const group: VerbGroup = { summary: 'agents: who may call whom, withdraw one', verbs: { graph, revoke, forget } };
export default group;
