// How check 3 is meant, for the plane and for each server (rules §7.3). `observe` and `off` end: on the day that stands in the file,
// and no later than 14 days after a start first saw them, whatever the file says by then.

import type { Mode } from '@writ/core';
import type { Config, Mode as Wanted } from '../config/config.ts';
import type { Store } from '../store/store.ts';

export interface Modes {
  of(server: string): Mode;
  /** The loosest that is in force anywhere, with its end; for `/readyz` and `status`. */
  overview(): { readonly mode: Mode; readonly servers: { readonly [server: string]: string } };
}

const daySeconds = 86_400;
const longestSeconds = 14 * daySeconds;

export interface ModesDeps {
  readonly config: Pick<Config, 'mode' | 'servers'>;
  readonly store: Pick<Store, 'db'>;
  readonly clock: { nowSeconds(): number };
}

interface Standing {
  readonly mode: Mode;
  readonly untilSeconds: number;
}

export async function openModes({ config, store, clock }: ModesDeps): Promise<Modes> {
  const wanted = new Map([...config.servers].map(([key, { mode }]) => [key, mode ?? config.mode]));
  const standing = new Map<string, Standing>();
  for (const [server, mode] of wanted) standing.set(server, await standingOf(`mode ${server}`, mode, store, clock));
  const of = (server: string): Mode => {
    const found = standing.get(server);
    return found && clock.nowSeconds() < found.untilSeconds ? found.mode : 'enforce';
  };
  return {
    of,
    overview() {
      const loose = [...standing].filter(([server]) => of(server) !== 'enforce');
      const named = loose.map(([server, { mode, untilSeconds }]) => [server, `${mode} until ${isoOf(untilSeconds)}`]);
      const all = loose.map(([, { mode }]) => mode);
      const mode = all.includes('off') ? 'off' : all.includes('observe') ? 'observe' : 'enforce';
      return { mode, servers: Object.fromEntries(named) };
    },
  };
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
