// `writ policy replay --last N`: decisions on record under the policy of a configuration, draft or not, and which of them would
// come out differently.

import { isJsonObject } from '@writ/core';
import { type Redecided, redecide } from '../action/analysis/redecide.ts';
import { configOf, viewOf } from './offline-plane.ts';
import { findPlane, type Plane } from './plane.ts';
import { usage } from './stop.ts';
import { table, visible } from './terminal.ts';
import { planeOptions, verb } from './verb.ts';

const lastMax = 1_000;

export default verb({
  summary: 'decide recorded calls again under another policy',
  options: {
    last: {
      type: 'string',
      valueHint: 'number',
      default: '100',
      description: `how many decisions, at most ${lastMax}`,
    },
    policy: { type: 'string', valueHint: 'folder', description: 'a draft: another folder of *.cedar files' },
    draft: { type: 'string', valueHint: 'file', description: 'a draft: another configuration' },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const last = /^[1-9][0-9]{0,3}$/.test(args.last) ? Number(args.last) : 0;
    if (last < 1 || last > lastMax) throw usage(`\`--last ${args.last}\` is no number from 1 to ${lastMax}`);
    const current = configOf({ config: args.config, env: channels.env });
    const draft = configOf({ config: args.draft ?? args.config, policy: args.policy, env: channels.env });
    const plane = await viewOf(draft, current);
    const found: Redecided[] = [];
    let passedBy = 0;
    for (const id of await decisionsOf(findPlane({ ...args, env: channels.env }), last)) {
      const redecided = redecide(plane, id);
      if (redecided) found.push(redecided);
      else passedBy++;
    }
    const changed = found.filter(({ changed }) => changed === 'wider' || changed === 'narrower');
    const open = found.filter(({ changed }) => changed === 'unknown').length;
    terminal.answer({ policy: plane.policy.version, redecided: found.length, passedBy, open, decisions: found }, () =>
      text(found, changed, { passedBy, open }),
    );
    return changed.length === 0 ? 0 : 1;
  },
});

/** Newest first, as the index gives them; each read whole. */
async function decisionsOf(plane: Plane, last: number) {
  const { decisions } = await plane.read(`decisions?limit=${last}`);
  const ids = (Array.isArray(decisions) ? decisions : [])
    .filter(isJsonObject)
    .map(({ decisionId }) => String(decisionId));
  const records = [];
  for (const id of ids) records.push(await plane.read(`decisions/${encodeURIComponent(id)}`));
  return records;
}

function text(
  found: readonly Redecided[],
  changed: readonly Redecided[],
  { passedBy, open }: { readonly passedBy: number; readonly open: number },
): string {
  const rows = changed.map(({ decisionId, time, actor, call, was, now, changed }) => [
    changed,
    time,
    `${actor} ${call}`,
    `${was} would be ${now.outcome}`,
    now.policies.join(', '),
    decisionId,
  ]);
  const sum = `${changed.length} of ${found.length} would come out differently`;
  const further = [
    ...(open > 0 ? [`${open} depend on arguments, which are not on record`] : []),
    ...(passedBy > 0 ? [`${passedBy} were not for policy to decide`] : []),
  ];
  return [...(rows.length > 0 ? [table(rows)] : []), [sum, ...further].map(visible).join('; ')].join('\n');
}
