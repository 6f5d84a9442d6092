// Removes what no answer can depend on any more. Run now and then by main; safe to run on several replicas at once.

import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** Kept past its end, so that whoever asks about something that just ended still gets a precise answer. */
const graceSeconds = 86_400;

const rowsMax = 500;

/** Rows removed. At most a few hundred tokens a run, so that a sweep never holds the database for long. */
export async function sweep(db: Kysely<Schema>, nowSeconds: number): Promise<number> {
  const ended = nowSeconds - graceSeconds;
  const results = [
    await db.deleteFrom('oidc_payloads').where('expires', '<', nowSeconds).executeTakeFirst(),
    await db.deleteFrom('replays').where('expires', '<', nowSeconds).executeTakeFirst(),
    await db.deleteFrom('once_claims').where('until_seconds', '<', ended).executeTakeFirst(),
    await db.deleteFrom('sessions').where('expires', '<', ended).executeTakeFirst(),
    await db.deleteFrom('one_time_links').where('expires', '<', ended).executeTakeFirst(),
    await db.deleteFrom('revocations').where('until_seconds', '<', ended).executeTakeFirst(),
  ];
  const over = `limit:${String(ended).padStart(12, '0')}`;
  for (const table of ['budgets', 'budget_debits'] as const) {
    results.push(await db.deleteFrom(table).where('row', '>=', 'limit:').where('row', '<', over).executeTakeFirst());
  }
  const removed = results.reduce((sum, result) => sum + Number(result.numDeletedRows), 0);
  return removed + (await sweepTokens(db, ended));
}

/** Rows of the registry whose grant is over, with the budgets that hung on them. */
async function sweepTokens(db: Kysely<Schema>, ended: number): Promise<number> {
  const over = db.selectFrom('tokens').select('id').where('until_seconds', '<', ended).limit(rowsMax);
  const ids = (await over.execute()).map((row) => row.id);
  if (ids.length === 0) return 0;
  return db.transaction().execute(async (inside) => {
    await inside.deleteFrom('budgets').where('row', 'in', ids).execute();
    await inside.deleteFrom('budget_debits').where('row', 'in', ids).execute();
    await inside.deleteFrom('tokens').where('id', 'in', ids).execute();
    return ids.length;
  });
}
