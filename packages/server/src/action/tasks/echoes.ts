// What has left to each tool server, so that nothing is believed because a server said it back (rules §3.9). Kept for 90 days under
// keyed digests: whoever reads the database learns no value.

import { hash } from 'node:crypto';
import { type Echo, type EchoMemory, type Level, lower } from '@writ/core';
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Schema } from '../../store/schema.ts';

export interface Echoes extends EchoMemory {
  /** Counts at once; resolves when it would be remembered after a crash, too. */
  remember(server: string, echoes: readonly Echo[]): Promise<void>;
  /** Values kept, of all servers. */
  size(): number;
  /** Takes over what other replicas have let out since. */
  refresh(): Promise<void>;
}

export interface EchoDeps {
  readonly db: Kysely<Schema>;
  readonly clock: { nowSeconds(): number };
  /** Secret of this plane alone. */
  readonly key: string;
  /** What a memory holds before it stops telling values of a server apart. */
  readonly valuesMax?: number;
}

const keptSeconds = 90 * 86_400;
const rowsAtOnce = 500;
const againSeconds = 86_400;
/** The name under which a server stands for all its values: too many to keep one by one. */
const EVERYTHING = '*';

interface Kept {
  readonly level: Level;
  readonly seen: number;
}

export async function openEchoes({ db, clock, key, valuesMax = 1_000_000 }: EchoDeps): Promise<Echoes> {
  const servers = new Map<string, Map<string, Kept>>();
  /** What this process has put into the store. */
  const stored = new Map<string, Kept>();
  let total = 0;
  let lastSeen = 0;

  function take(server: string, name: string, level: Level, seen: number): void {
    const names = servers.get(server) ?? new Map<string, Kept>();
    servers.set(server, names);
    const known = names.get(name);
    if (!known) total++;
    names.set(name, known ? { level: lower(level, known.level), seen: Math.max(seen, known.seen) } : { level, seen });
  }

  function isStored(server: string, name: string, level: Level, seen: number): boolean {
    const found = stored.get(`${server} ${name}`);
    return found !== undefined && found.level <= level && found.seen > seen - againSeconds;
  }

  /** Whatever this server says from now on is no better than the worst it was told: forgetting one value would be worse. */
  function fold(server: string, seen: number): Level {
    const names = servers.get(server)!;
    const worst = [...names.values()].reduce<Level>((low, { level }) => lower(low, level), 4);
    total -= names.size;
    servers.set(server, new Map());
    take(server, EVERYTHING, worst, seen);
    return worst;
  }

  async function refresh(): Promise<void> {
    const since = Math.max(lastSeen, clock.nowSeconds() - keptSeconds);
    const rows = await db.selectFrom('echoes').selectAll().where('seen', '>=', since).execute();
    for (const { server, name, level, seen } of rows) {
      take(server, name, Number(level) as Level, Number(seen));
      lastSeen = Math.max(lastSeen, Number(seen));
    }
  }

  await db
    .deleteFrom('echoes')
    .where('seen', '<', clock.nowSeconds() - keptSeconds)
    .execute();
  await refresh();
  return {
    isEmpty: (server) => !servers.has(server),
    levelOf(server, value) {
      const names = servers.get(server);
      if (!names) return null;
      const since = clock.nowSeconds() - keptSeconds;
      const found = [names.get(EVERYTHING), names.get(nameOf(key, server, value))].filter(
        (kept) => kept !== undefined && kept.seen >= since,
      ) as readonly Kept[];
      return found.reduce<Level | null>((low, { level }) => (low === null ? level : lower(low, level)), null);
    },
    async remember(server, echoes) {
      if (echoes.length === 0) return;
      const seen = clock.nowSeconds();
      const all = echoes.map(({ key: value, level }) => ({ server, name: nameOf(key, server, value), level, seen }));
      // Said again within a day, and the store has it: nothing that has to be remembered is new.
      const rows = all.filter(({ name, level }) => !isStored(server, name, level, seen));
      for (const { name, level } of rows) take(server, name, level, seen);
      if (total > valuesMax) rows.splice(0, rows.length, { server, name: EVERYTHING, level: fold(server, seen), seen });
      for (let at = 0; at < rows.length; at += rowsAtOnce) await put(db, rows.slice(at, at + rowsAtOnce));
      for (const { name, level } of rows) stored.set(`${server} ${name}`, { level, seen });
      if (stored.size > valuesMax) stored.clear();
    },
    size: () => total,
    refresh,
  };
}

type Row = { readonly server: string; readonly name: string; readonly level: Level; readonly seen: number };

async function put(db: Kysely<Schema>, rows: readonly Row[]): Promise<void> {
  const lowest = sql<number>`case when excluded.level < echoes.level then excluded.level else echoes.level end`;
  await db
    .insertInto('echoes')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['server', 'name']).doUpdateSet({ level: lowest, seen: sql<number>`excluded.seen` }),
    )
    .execute();
}

/** 128 bits: values cannot be tried out without the key. */
function nameOf(key: string, server: string, value: string): string {
  return hash('sha256', `${key}\0${server}\0${value}`, 'base64url').slice(0, 22);
}
