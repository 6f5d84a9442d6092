// The limits of a capability as options of `writ cap mint` and `attenuate`, read the same way for both.

import {
  type Constraint,
  canonicalJson,
  type cap,
  DETAIL_TYPE,
  detailsFrom,
  isJsonObject,
  parseStrictJsonText,
  secondsOf,
} from '@writ/core';
import { duration, durationSeconds } from '../config/words.ts';
import { usage } from './stop.ts';

export const limitOptions = {
  tool: {
    type: 'string',
    repeat: true,
    valueHint: 'name',
    description: 'what may be called; `x*` is every name that begins so',
  },
  ttl: { type: 'string', valueHint: 'duration', description: 'how long it is good for, such as 15m' },
  until: { type: 'string', valueHint: 'time', description: 'until when, as 2026-12-31T00:00:00Z' },
  'budget-cents': { type: 'string', valueHint: 'n', description: 'a ceiling in cents' },
  domain: { type: 'string', repeat: true, valueHint: 'host', description: 'the only hosts it is good for' },
  where: {
    type: 'string',
    valueHint: 'json',
    description: 'constraints on arguments by pointer; others are not admitted',
  },
  'max-amount': {
    type: 'string',
    valueHint: 'n',
    description: 'the same as --where {"/amount":{"range":{"max":"n"}}}',
  },
  audience: { type: 'string', valueHint: 'url', description: 'the only endpoint it is good for' },
} as const;

export interface LimitArgs {
  readonly tool: readonly string[];
  readonly ttl: string | undefined;
  readonly until: string | undefined;
  readonly 'budget-cents': string | undefined;
  readonly domain: readonly string[];
  readonly where: string | undefined;
  readonly 'max-amount': string | undefined;
  readonly audience: string | undefined;
}

export type Limits = Pick<cap.AipLink, 'tools' | 'domains' | 'budgetCents' | 'untilSeconds' | 'writ'>;

/** AIP's name of a tool: `search` is `tool:search`; whatever has a colon stays as it is. */
export function toolName(text: string): string {
  return text.includes(':') || text === '*' ? text : `tool:${text}`;
}

/** The scope of a tool in a chain of the plane: `files/read_file`, as other commands name it, is `files:read_file`. */
export function scopeName(text: string): string {
  return text.includes(':') ? text : text.includes('/') ? text.replace(/\/(?=[^/]*$)/, ':') : toolName(text);
}

/** `nameOf`: how the form names a tool. `all`: whatever is held, where no tool is named. */
export function limitsOf(
  args: LimitArgs,
  nowSeconds: number,
  nameOf: (text: string) => string = toolName,
  all: readonly string[] = ['tool:*'],
): Limits {
  const tools = args.tool.length === 0 ? null : args.tool.map(nameOf);
  const details = detailsOf(args, tools ?? all);
  return {
    tools,
    domains: args.domain.length === 0 ? null : args.domain,
    budgetCents: args['budget-cents'] === undefined ? null : countOf('--budget-cents', args['budget-cents']),
    untilSeconds: untilOf(args, nowSeconds),
    writ: {
      ...(args.audience === undefined ? {} : { audience: args.audience }),
      ...(details ? { details } : {}),
    },
  };
}

export function countOf(option: string, text: string): number {
  if (!/^(0|[1-9][0-9]{0,14})$/.test(text)) throw usage(`\`${option} ${text}\` is not a whole number`);
  return Number(text);
}

export function timeOf(option: string, text: string): number {
  const seconds = secondsOf(text);
  if (seconds === null) throw usage(`\`${option} ${text}\` is not a time such as 2026-12-31T00:00:00Z`);
  return seconds;
}

function untilOf({ ttl, until }: LimitArgs, nowSeconds: number): number | null {
  if (ttl !== undefined && until !== undefined) throw usage('`--ttl` and `--until` say the same; give one');
  if (until !== undefined) return timeOf('--until', until);
  if (ttl === undefined) return null;
  const read = duration.safeParse(ttl);
  if (!read.success) throw usage(`\`--ttl ${ttl}\` is not a duration such as 15m or 1h`);
  return nowSeconds + durationSeconds(read.data);
}

/** One entry for all tools named: what must hold of their arguments. Rules §2.11. */
function detailsOf(args: LimitArgs, tools: readonly string[]): cap.WritDimensions['details'] | null {
  const amount = args['max-amount'];
  if (args.where === undefined && amount === undefined) return null;
  if (amount !== undefined && !/^[0-9]{1,15}(\.[0-9]{1,9})?$/.test(amount))
    throw usage(`\`--max-amount ${amount}\` is not an amount`);
  const given = args.where === undefined ? { ok: true as const, value: {} } : parseStrictJsonText(args.where);
  if (!given.ok || !isJsonObject(given.value))
    throw usage('`--where` is not one JSON object of pointer and constraint');
  const limit: Constraint | undefined = amount === undefined ? undefined : { range: { max: amount } };
  const entry = {
    type: DETAIL_TYPE,
    actions: tools,
    arguments: { ...given.value, ...(limit ? { '/amount': limit } : {}) },
  };
  const details = detailsFrom(JSON.parse(canonicalJson([entry as never])));
  if (!details)
    throw usage('`--where` holds a constraint that is not known, or a tool is not written as `name:action`');
  return details;
}
