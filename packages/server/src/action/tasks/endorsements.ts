// What people vouched for, one value in one role at one server in one task at a time (rules §4.3). Kept under keyed digests, like what
// left: whoever reads the database learns no value. It ends with its task.

import { hash } from 'node:crypto';
import { endorsementKey } from '@writ/core';
import type { Kysely } from 'kysely';
import type { Schema } from '../../store/schema.ts';

/** A person's word, given with the answer to a question. */
export interface Endorsement {
  readonly task: string;
  readonly server: string;
  /** Id of the question. */
  readonly approval: string;
  readonly leaves: readonly Parameters<typeof endorsementKey>[1][];
}

export interface Endorsements {
  /** Names of everything that was vouched for in a task. */
  of(task: string): Promise<ReadonlySet<string>>;
  nameOf(task: string, key: string): string;
  /** Resolves with the names once they are stored. */
  add(endorsement: Endorsement): Promise<readonly string[]>;
}

/** A task is over by then. */
const keptSeconds = 90 * 86_400;

export async function openEndorsements(deps: {
  readonly db: Kysely<Schema>;
  readonly clock: { nowSeconds(): number };
  /** Secret of this plane alone. */
  readonly key: string;
}): Promise<Endorsements> {
  const { db, clock, key } = deps;
  const nameOf = (task: string, value: string) => hash('sha256', `${key}\0endorsed\0${task}\0${value}`, 'base64url');
  await db
    .deleteFrom('endorsements')
    .where('at', '<', clock.nowSeconds() - keptSeconds)
    .execute();
  return {
    nameOf,
    async of(task) {
      const rows = await db.selectFrom('endorsements').select('name').where('task', '=', task).execute();
      return new Set(rows.map(({ name }) => name));
    },
    async add({ task, server, approval, leaves }) {
      const names = [...new Set(leaves.map((leaf) => nameOf(task, endorsementKey(server, leaf))))];
      if (names.length === 0) return names;
      const at = clock.nowSeconds();
      await db
        .insertInto('endorsements')
        .values(names.map((name) => ({ task, name, approval, at })))
        .onConflict((conflict) => conflict.columns(['task', 'name']).doNothing())
        .execute();
      return names;
    },
  };
}
