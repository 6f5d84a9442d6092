// `writ policy prove`: guards (`*.guards.yaml` beside the policy) weighed against every request there can be.

import { type GuardResult, type OpenRequest, proveGuard, readGuards } from '../action/analysis/guards.ts';
import { dataFiles, entriesOf } from './data-files.ts';
import { configOf, viewOf } from './offline-plane.ts';
import { type Terminal, visible } from './terminal.ts';
import { verb } from './verb.ts';

const openShownMax = 20;

export default verb({
  summary: 'prove what the policy never allows, and list what it leaves open',
  options: {
    guards: {
      type: 'positional',
      repeat: true,
      required: false,
      description: 'files of guards (default: *.guards.yaml beside the policy)',
    },
    config: { type: 'string', valueHint: 'file', description: 'configuration (default: writ.yaml here)' },
    policy: { type: 'string', valueHint: 'folder', description: 'a draft: another folder of *.cedar files' },
  },
  async run({ args, terminal, channels }) {
    const config = configOf({ ...args, env: channels.env });
    const guards = entriesOf(dataFiles(args.guards, config, '.guards.yaml'), readGuards);
    const plane = await viewOf(config);
    const results = guards.map((guard) => proveGuard(plane, guard));
    const ok = results.every(({ proven }) => proven);
    terminal.answer({ ok, policy: plane.policy.version, guards: results }, () =>
      results.flatMap((one) => linesOf(one, terminal)).join('\n'),
    );
    return ok ? 0 : 1;
  },
});

function linesOf({ name, proven, weighed, open, unknown }: GuardResult, terminal: Terminal): readonly string[] {
  if (proven) return [visible(`proven ${name} (${weighed} pairs of caller and operation)`)];
  const mark = terminal.paint('red', 'OPEN  ');
  if (unknown.length > 0)
    return [visible(`${name}: nothing here is called ${unknown.map((one) => `\`${one}\``).join(', ')}`)].map(
      (one) => `${mark} ${one}`,
    );
  if (weighed === 0)
    return [`${mark} ${visible(name)}: it speaks of no caller or operation here, which proves nothing`];
  const more = open.length - openShownMax;
  return [
    `${mark} ${visible(name)}: ${open.length} of what ${weighed} pairs could ask is not certainly refused`,
    ...open.slice(0, openShownMax).map((one) => visible(`         ${requestText(one)}`)),
    ...(more > 0 ? [`         and ${more} more; \`--json\` has all of them`] : []),
  ];
}

const weights = { always: 'permitted', maybe: 'may be permitted', asks: 'permitted once a person says yes' } as const;

function requestText({ caller, user, action, weight, policies }: OpenRequest): string {
  const decides = policies.length > 0 ? ` (${policies.join(', ')})` : '';
  return `${caller} for ${user ?? 'a person nobody lists'} calls ${action}: ${weights[weight]}${decides}`;
}
