// What agents may still have in mind from other tasks (rules §3.4). An agent whose memory ends with the task has none: what it
// reads in a task lowers that task's own floor.

import { type Level, lower, type Memory } from '@writ/core';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../store/schema.ts';

export interface Residues {
  /** 4: nothing has reached it. */
  of(actorKey: string): Level;
  /** Counts at once; resolves when it is stored. Null where nothing changes. */
  received(actorKey: string, level: Level): Promise<void> | null;
  /** An admin has wiped the agent's memory and says so. */
  forget(actorKey: string): Promise<void>;
  refresh(): Promise<void>;
}

export interface ResidueDeps {
  readonly db: Kysely<Schema>;
  readonly clock: { nowSeconds(): number };
  /** Null where nobody said: then it counts as `persistent`. */
  memoryOf(actorKey: string): Memory | null;
}

export async function openResidues({ db, clock, memoryOf }: ResidueDeps): Promise<Residues> {
  let levels = new Map<string, Level>();
  async function refresh(): Promise<void> {
    const rows = await db.selectFrom('residues').selectAll().execute();
    levels = new Map(rows.map(({ actor, level }) => [actor, Number(level) as Level]));
  }
  await refresh();
  const of = (actorKey: string): Level => (memoryOf(actorKey) === 'task' ? 4 : (levels.get(actorKey) ?? 4));
  return {
    of,
    received(actorKey, level) {
      if (memoryOf(actorKey) === 'task' || level >= of(actorKey)) return null;
      levels.set(actorKey, lower(level, of(actorKey)));
      const lowest = sql<number>`case when excluded.level < residues.level then excluded.level else residues.level end`;
      return db
        .insertInto('residues')
        .values({ actor: actorKey, level, since: clock.nowSeconds() })
        .onConflict((conflict) => conflict.column('actor').doUpdateSet({ level: lowest }))
        .execute()
        .then(() => {});
    },
    async forget(actorKey) {
      await db.deleteFrom('residues').where('actor', '=', actorKey).execute();
      levels.delete(actorKey);
    },
    refresh,
  };
}
