// How check 3 is meant, for the plane, each server and each allow line (rules §7.3). `observe` and `off` end: on the day that stands in the file,
// and no later than 14 days after a start first saw them, whatever the file says by then.

import { type Mode, scopeCovers, type Target } from '@writ/core';
import type { AllowLine, Config, Mode as Wanted } from '../config/config.ts';
import type { Store } from '../store/store.ts';

export interface Modes {
  /** From now on as this configuration says. */
  adopt(config: ModesDeps['config']): Promise<void>;
  /** Of an allow line for this caller and tool, else of the server. */
  of(target: Pick<Target, 'server' | 'name'>, actorKey: string): Mode;
  /** The loosest that is in force anywhere, and what it is in force for until when; for `/readyz`. */
  overview(): { readonly mode: Mode; readonly loose: { readonly [what: string]: string } };
}

const daySeconds = 86_400;
const longestSeconds = 14 * daySeconds;

export interface ModesDeps {
  readonly config: Pick<Config, 'mode' | 'servers' | 'allow'>;
  readonly store: Pick<Store, 'db'>;
  readonly clock: { nowSeconds(): number };
}

interface Standing {
  readonly mode: Mode;
  readonly untilSeconds: number;
}

export async function openModes({ config, store, clock }: ModesDeps): Promise<Modes> {
  let lines: readonly AllowLine[] = [];
  let standing: ReadonlyMap<string, Standing> = new Map();
  async function adopt({ mode: usual, servers, allow }: ModesDeps['config']): Promise<void> {
    const moded = allow.filter(({ mode }) => mode !== null);
    const wanted = [
      ...[...servers].map(([key, { mode }]) => [key, mode ?? usual] as const),
      ...moded.map((line) => [lineName(line), line.mode!] as const),
    ];
    const next = new Map<string, Standing>();
    for (const [name, mode] of wanted) next.set(name, await standingOf(`mode ${name}`, mode, store, clock));
    [lines, standing] = [moded, next];
  }
  await adopt(config);
  const now = ({ mode, untilSeconds }: Standing): Mode => (clock.nowSeconds() < untilSeconds ? mode : 'enforce');
  return {
    adopt,
    of({ server, name }, actorKey) {
      const line = lines.find((one) => one.agent === actorKey && scopeCovers(scopeOf(one), `${server}:${name}`));
      const found = standing.get(line ? lineName(line) : server);
      return found ? now(found) : 'enforce';
    },
    overview() {
      const loose = [...standing].filter(([, one]) => now(one) !== 'enforce');
      const all = loose.map(([, { mode }]) => mode);
      return {
        mode: all.includes('off') ? 'off' : all.includes('observe') ? 'observe' : 'enforce',
        loose: Object.fromEntries(
          loose.map(([name, { mode, untilSeconds }]) => [name, `${mode} until ${isoOf(untilSeconds)}`]),
        ),
      };
    },
  };
}

type Line = Pick<AllowLine, 'agent' | 'server' | 'tool'>;

function lineName({ agent, server, tool }: Line): string {
  return `${agent} ${server}/${tool}`;
}

function scopeOf({ server, tool }: Line): string {
  return `${server}:${tool}`;
}

async function standingOf(
  name: string,
  { kind, until }: Wanted,
  { db }: ModesDeps['store'],
  clock: ModesDeps['clock'],
): Promise<Standing> {
  if (kind === 'enforce') {
    await db.deleteFrom('counters').where('name', '=', name).execute();
    return { mode: 'enforce', untilSeconds: 0 };
  }
  const first = { name, value: clock.nowSeconds() };
  await db
    .insertInto('counters')
    .values(first)
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  const row = await db.selectFrom('counters').select('value').where('name', '=', name).executeTakeFirstOrThrow();
  const longest = Number(row.value) + longestSeconds;
  // The whole of its last day, in UTC.
  const asked = until === null ? longest : Date.parse(`${until}T00:00:00Z`) / 1000 + daySeconds;
  return { mode: kind, untilSeconds: Math.min(longest, asked) };
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
}
