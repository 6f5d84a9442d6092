// `writ approvals`: what waits for a person, and saying yes or no. A yes is to the digest that was seen (rules §4.1): the
// hash comes from what was shown, and another one is refused by the plane.

import { isJsonObject, type JsonObject } from '@writ/core';
import { askLine } from './ask-person.ts';
import { findPlane, type Plane } from './plane.ts';
import { type ExitCode, refused, usage } from './stop.ts';
import { type Terminal, visible } from './terminal.ts';
import { type Invocation, planeOptions, type VerbGroup, verb } from './verb.ts';

const list = verb({
  summary: 'what waits for a person',
  options: planeOptions,
  async run({ args, terminal, channels }) {
    const answer = await findPlane({ ...args, env: channels.env }).act('GET', 'approvals');
    terminal.answer(answer, () => listText(open(answer)));
    return 0;
  },
});

const verdictOptions = {
  id: { type: 'positional', description: 'approval id' },
  hash: { type: 'string', valueHint: 'digest', description: 'digest of the action as you saw it' },
  ...planeOptions,
} as const;

const approve = verb({
  summary: 'allow one action, once',
  options: {
    ...verdictOptions,
    endorse: { type: 'boolean', description: 'also trust its values, in these arguments, for the rest of the task' },
  },
  run: (invocation) => decide('approve', invocation, invocation.args.endorse ? { endorse: true } : {}),
});

const deny = verb({
  summary: 'refuse one action',
  options: verdictOptions,
  run: (invocation) => decide('deny', invocation, {}),
});

async function decide(
  verdict: 'approve' | 'deny',
  { args, terminal, channels }: Pick<Invocation<typeof verdictOptions>, 'args' | 'terminal' | 'channels'>,
  more: JsonObject,
): Promise<ExitCode> {
  const plane = findPlane({ ...args, env: channels.env });
  const hash = args.hash ?? (await seenHash(plane, args.id, verdict, terminal));
  const answer = await plane.act('POST', `approvals/${encodeURIComponent(args.id)}`, { verdict, hash, ...more });
  terminal.answer(answer, () => `${verdict === 'approve' ? 'approved' : 'denied'}: ${args.id}`);
  return 0;
}

/** Shows the action and asks; without somebody to ask, the hash has to be given. */
async function seenHash(plane: Plane, id: string, verdict: string, terminal: Terminal): Promise<string> {
  if (!terminal.interactive)
    throw usage('`--hash` is missing: the digest of the action as `writ approvals --json` shows it');
  const found = open(await plane.act('GET', 'approvals')).find((one) => one.id === id);
  if (found === undefined || typeof found.hash !== 'string')
    throw refused(`\`${id}\` does not wait for anybody; \`writ approvals\` lists what does`);
  terminal.note(visibleLines(found));
  const answer = await askLine(`type \`${verdict}\` to ${verdict} exactly this: `);
  if (answer !== verdict) throw refused('nothing was decided');
  return found.hash;
}

function open(answer: JsonObject): readonly JsonObject[] {
  return (Array.isArray(answer.approvals) ? answer.approvals : []).filter(isJsonObject);
}

/** What will happen, where each value comes from, and until when it can be answered. */
function listText(approvals: readonly JsonObject[]): string {
  if (approvals.length === 0) return 'nothing waits';
  return approvals
    .map((one) => `${visible(String(one.id))}  until ${visible(String(one.expires))}\n${inWords(one)}`)
    .join('\n');
}

function inWords(approval: JsonObject): string {
  const values = Array.isArray(approval.values) ? approval.values.filter(isJsonObject) : [];
  const lines = values.map(({ pointer, value, says }) => `    ${pointer} = ${JSON.stringify(value)}: ${says}`);
  return [`  ${approval.will ?? approval.sentence ?? ''}`, ...lines].map(visible).join('\n');
}

function visibleLines(approval: JsonObject): string {
  return `${inWords(approval)}\n\n${jsonLines(approval)}`;
}

function jsonLines(approval: JsonObject): string {
  return JSON.stringify(approval, null, 2).split('\n').map(visible).join('\n');
}

const group: VerbGroup = {
  summary: 'what waits for a person, and saying yes or no',
  usual: 'list',
  verbs: { list, approve, deny },
};
export default group;
