// `writ blast-radius AGENT`: everything a holder can do, alone or by delegating; with `--diff`, what another configuration changes.

import { type BlastRadius, blastRadius, type Reach } from '../action/analysis/blast-radius.ts';
import { type RadiusDiff, type ReachChange, radiusDiff } from '../action/analysis/radius-diff.ts';
import type { Config } from '../config/config.ts';
import { configOf, viewOf } from './offline-plane.ts';
import { usage } from './stop.ts';
import { table } from './terminal.ts';
import { verb } from './verb.ts';

export default verb({
  summary: 'everything an agent can do, alone or by delegating',
  options: {
    agent: { type: 'positional', description: 'agent key, or `client:<id>`' },
    config: { type: 'string', valueHint: 'file', description: 'configuration (default: writ.yaml here)' },
    policy: { type: 'string', valueHint: 'folder', description: 'a draft: another folder of *.cedar files' },
    diff: { type: 'string', valueHint: 'file', description: 'another configuration: what would change' },
  },
  async run({ args, terminal, channels }) {
    const config = configOf({ ...args, env: channels.env });
    const before = blastRadius(await viewOf(config), args.agent);
    if (args.diff === undefined) {
      if (!before) throw unknown(args.agent, config);
      const answer = { ...before, bypassable: bypassable(before, config), mandates: mandatesOf(args.agent, config) };
      terminal.answer(answer, () => radiusText(answer));
      return 0;
    }
    const other = configOf({ config: args.diff, env: channels.env });
    const after = blastRadius(await viewOf(other, config), args.agent);
    if (!before && !after) throw unknown(args.agent, config);
    const diff = radiusDiff(before, after);
    terminal.answer({ holder: args.agent, ...diff }, () => diffText(diff));
    return diff.widens ? 1 : 0;
  },
});

function unknown(holder: string, { agents, clients }: Config) {
  const keys = [...agents.keys(), ...[...clients.keys()].map((id) => `client:${id}`)];
  return usage(`\`${holder}\` is not configured; there are ${keys.join(', ') || 'no agents yet'}`);
}

/** Callees within reach that also answer to somebody who does not come through the gateway. Rules §1.4, §2.6. */
function bypassable({ reach }: BlastRadius, { servers, agents }: Config): readonly { callee: string; why: string }[] {
  const callees = [...new Set(reach.map(({ action, kind }) => calleeOf(action, kind)))].sort();
  return callees.flatMap((callee) => {
    const { mcp } = servers.get(callee) ?? {};
    if (mcp?.kind === 'url')
      return [{ callee, why: `\`${mcp.url}\` answers whoever can connect and has its credential` }];
    const a2a = agents.get(callee)?.a2a;
    return a2a?.startsWith('http:') ? [{ callee, why: `\`${a2a}\` answers whoever can connect` }] : [];
  });
}

function calleeOf(action: string, kind: Reach['kind']): string {
  return action.slice(0, kind === 'agent' ? action.lastIndexOf('/') : action.indexOf('/'));
}

/** Work that the holder begins without a person at the keyboard. */
function mandatesOf(
  holder: string,
  { mandates }: Config,
): readonly { mandate: string; owner: string; schedule: string }[] {
  return [...mandates]
    .filter(([, { agent, reviewed }]) => agent === holder && reviewed !== null)
    .map(([mandate, { owner, schedule }]) => ({ mandate, owner, schedule }));
}

const when = { always: '', maybe: 'under conditions', asks: 'once a person says yes' } as const;

function radiusText(
  answer: BlastRadius & {
    readonly bypassable: ReturnType<typeof bypassable>;
    readonly mandates: ReturnType<typeof mandatesOf>;
  },
): string {
  const { holder, reach, bypassable, mandates } = answer;
  if (reach.length === 0) return `${holder} can do nothing`;
  const rows = reach.map((one) => [
    `risk ${one.risk}`,
    one.action,
    one.through.length === 1 ? 'itself' : `by ${one.through.slice(1).join(' → ')}`,
    `for ${one.users.join(', ')}`,
    [
      when[one.when],
      ...(one.reviewed ? [] : ['after a review']),
      ...(one.policies.length > 0 ? [`(${one.policies.join(', ')})`] : []),
    ]
      .filter((part) => part !== '')
      .join(' '),
  ]);
  return [
    `${holder} can do ${reach.length === 1 ? 'one thing' : `${reach.length} things`}`,
    table(rows),
    ...mandates.map(
      ({ mandate, owner, schedule }) => `mandate ${mandate}: for ${owner}, at ${schedule}, nobody at the keyboard`,
    ),
    ...bypassable.map(({ callee, why }) => `bypassable: ${callee}: ${why}`),
  ].join('\n');
}

function diffText({ widens, changes }: RadiusDiff): string {
  if (changes.length === 0) return 'nothing changes';
  const rows = changes.map((change) => [
    change.wider.length > 0 ? 'wider' : '',
    change.action,
    `by ${change.actor}`,
    changeText(change),
  ]);
  return [table(rows), widens ? 'it widens: a reload waits for an admin (rules §7.2)' : 'it widens nothing'].join('\n');
}

function changeText({ was, is, wider }: ReachChange): string {
  if (wider.length > 0) return wider.join(', ');
  if (is === null) return 'gone';
  return was === null ? 'new' : 'narrower, or reached another way';
}
