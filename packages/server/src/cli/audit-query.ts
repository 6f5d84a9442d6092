// `writ audit query`: the decisions that match. The rows come from the index, a copy; what one of them is worth, `prove`
// and `verify` say.

import type { DecisionFilter, FoundDecision } from '../audit/index.ts';
import { duration, durationSeconds } from '../config/words.ts';
import { openIndexOf, sourceOption, vkeyOption } from './audit-source.ts';
import { partyName } from './explain-text.ts';
import { usage } from './stop.ts';
import { table } from './terminal.ts';
import { planeOptions, verb } from './verb.ts';

const outcomes: string[] = ['allow', 'deny', 'approval'];
const results: string[] = ['complete', 'error', 'cancelled', 'unknown', 'none'];

const filterOptions = {
  user: { type: 'string', valueHint: 'name', description: 'person, or mandate, it was for' },
  agent: { type: 'string', valueHint: 'agent', description: 'who asked: `type/instance`, SPIFFE ID or client' },
  through: { type: 'string', valueHint: 'party', description: 'anybody in the chain: person, agent or client' },
  tool: { type: 'string', valueHint: 'target', description: '`server`, `server/name` or an agent' },
  task: { type: 'string', valueHint: 'id', description: 'task it was part of' },
  outcome: { type: 'enum', options: outcomes, description: 'allow, deny or approval' },
  code: { type: 'string', valueHint: 'code', description: 'why it was refused' },
  result: {
    type: 'enum',
    options: results,
    description: 'what came of it: complete, error, cancelled, unknown or none',
  },
  from: { type: 'string', valueHint: 'time', description: 'RFC 3339, or how long ago, such as 2h' },
  until: { type: 'string', valueHint: 'time', description: 'RFC 3339, or how long ago; not included' },
} as const;

export const query = verb({
  summary: 'find decisions by person, agent, tool, time, outcome, or anybody in the chain',
  options: {
    ...sourceOption,
    ...vkeyOption,
    ...filterOptions,
    limit: { type: 'string', default: '100', valueHint: 'n', description: 'how many, the newest first' },
    ...planeOptions,
  },
  async run({ args, terminal, channels }) {
    const { log, index } = await openIndexOf(args, channels.env, terminal);
    using rows = index;
    const { origin, size } = log.checkpoint;
    const found = rows.find(
      filterOf(args, { trustDomain: trustDomainOf(origin), nowMillis: Date.now() }),
      limitOf(args.limit),
    );
    terminal.answer({ origin, size, from: rows.from, decisions: found }, () => rowsText(found));
    return 0;
  },
});

type FilterArgs = { readonly [Name in keyof typeof filterOptions]?: string | undefined };

/** What was typed, as the index compares it. */
function filterOf(args: FilterArgs, { trustDomain, nowMillis }: { trustDomain: string; nowMillis: number }) {
  const filter: { -readonly [Name in keyof DecisionFilter]: DecisionFilter[Name] } = {};
  if (args.user !== undefined) filter.principal = args.user;
  if (args.agent !== undefined) filter.actor = partyId(args.agent, trustDomain);
  if (args.through !== undefined) filter.through = partyId(args.through, trustDomain);
  if (args.tool !== undefined) filter.target = args.tool;
  for (const name of ['task', 'outcome', 'code', 'result'] as const) {
    if (args[name] !== undefined) filter[name] = args[name];
  }
  if (args.from !== undefined) filter.fromTime = timeOf(args.from, nowMillis);
  if (args.until !== undefined) filter.untilTime = timeOf(args.until, nowMillis);
  return filter;
}

/** `<trust domain>/writ/<replica>`. */
export function trustDomainOf(origin: string): string {
  return origin.split('/', 1)[0]!;
}

/** Agents are recorded by their SPIFFE ID; people and clients by their name. */
function partyId(text: string, trustDomain: string): string {
  return /^[A-Za-z0-9_-]+\/[A-Za-z0-9_-]+$/.test(text) ? `spiffe://${trustDomain}/${text}` : text;
}

/** RFC 3339 with a zone, a day in UTC, or a duration before now; as the log writes it. */
export function timeOf(text: string, nowMillis: number): string {
  const ago = duration.safeParse(text);
  const millis = ago.success
    ? nowMillis - durationSeconds(ago.data) * 1000
    : rfc3339.test(text)
      ? Date.parse(text)
      : NaN;
  if (Number.isNaN(millis))
    throw usage(`\`${text}\` is not a time; write one such as \`2026-11-24T12:00:00Z\`, or \`2h\` for how long ago`);
  return new Date(millis).toISOString();
}

const rfc3339 = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;
const limitMax = 100_000;

function limitOf(text: string): number {
  const limit = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > limitMax) throw usage(`\`--limit ${text}\` is not a number from 1 to ${limitMax}`);
  return limit;
}

function rowsText(found: readonly FoundDecision[]): string {
  if (found.length === 0) return 'no decision matches';
  return table(
    found.map(({ sequence, time, outcome, result, principal, actor, server, name, code, decisionId }) => [
      String(sequence),
      time,
      outcome === 'allow' ? `allow, ${result}` : outcome,
      principal ?? '-',
      actor === null ? '-' : partyName(actor),
      [server, name].filter((part) => part !== null).join('/'),
      code ?? '-',
      decisionId,
    ]),
  );
}
