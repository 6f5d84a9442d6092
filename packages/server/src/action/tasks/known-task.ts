// One task as its gate knows it: the prompt, what was read, how far its text may be trusted. The row survives a restart, the
// evidence does not: then every value that is not in the prompt counts as composed (rules §3.5).

import {
  type Level,
  lower,
  noPrompt,
  type Prompt,
  startEvidence,
  startLevel,
  type TaskEvidence,
  withTurn,
} from '@writ/core';
import type { Kysely, Selectable } from 'kysely';
import type { Schema, TasksTable } from '../../store/schema.ts';

export interface KnownTask {
  readonly prompt: Prompt;
  evidence: TaskEvidence;
  /** Actors whose take has lowered the floor already. */
  readonly takers: Set<string>;
  secretsRead: boolean;
  /** Names of what a person has vouched for. */
  endorsed: ReadonlySet<string>;
  /** What the row has by now. */
  stored: { readonly floor: Level; readonly secretsRead: boolean };
  /** What is on its way into the store; whoever releases an output waits for it. */
  storing: Promise<void>;
}

/** Null for a task that is not there. */
export async function readTask(db: Kysely<Schema>, id: string): Promise<KnownTask | null> {
  const row = await db.selectFrom('tasks').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) return null;
  const { prompt, floor } = promptOf(row);
  const stored = { floor: Number(row.floor) as Level, secretsRead: Number(row.secrets_read) === 1 };
  const evidence = startEvidence(lower(floor, stored.floor));
  return {
    prompt,
    // A secret was read and is not at hand any more: it could not be recognised.
    evidence: stored.secretsRead ? { ...evidence, evicted: true, secretsEvicted: true } : evidence,
    takers: new Set(),
    secretsRead: stored.secretsRead,
    endorsed: new Set(),
    stored,
    storing: Promise.resolve(),
  };
}

/** What was pasted or quoted in the prompt lowers the floor like anything else that is read (rules §3.2). */
function promptOf({ prompt, origin }: Selectable<TasksTable>): { readonly prompt: Prompt; readonly floor: Level } {
  if (prompt === null || origin === 'none') return { prompt: noPrompt, floor: startLevel('gated') };
  return withTurn(noPrompt, { origin, text: prompt, opensTask: true }, startLevel('gated'));
}

/** The floor as other replicas have it by now. */
export async function storedFloor(db: Kysely<Schema>, id: string): Promise<Level> {
  const row = await db.selectFrom('tasks').select('floor').where('id', '=', id).executeTakeFirst();
  return row ? (Number(row.floor) as Level) : 0;
}

/** Only ever down, whoever writes last. */
export async function storeFloor(db: Kysely<Schema>, id: string, floor: Level, secretsRead: boolean): Promise<void> {
  await db
    .updateTable('tasks')
    .set({ floor, ...(secretsRead ? { secrets_read: 1 } : {}) })
    .where('id', '=', id)
    .where('floor', '>=', floor)
    .execute();
  if (secretsRead) await db.updateTable('tasks').set({ secrets_read: 1 }).where('id', '=', id).execute();
}
