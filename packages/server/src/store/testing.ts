// Test support: the same test against each database. PostgreSQL joins when WRIT_TEST_POSTGRES names one (a URL).

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { KyselyPlugin } from 'kysely';
import pg from 'pg';
import { createClaims } from './claims.ts';
import { createRevocationLog } from './revocations.ts';
import { openStore, type Store } from './store.ts';
import type { Clock } from './time.ts';

const postgresUrl = process.env.WRIT_TEST_POSTGRES;

/** Registers a test once per database. */
export function testOnEachStore(title: string, run: (store: Store, t: TestContext) => Promise<void>): void {
  test(`${title} [sqlite]`, async (t) => run(await openSqliteForTest(t), t));
  const skip = postgresUrl === undefined ? 'WRIT_TEST_POSTGRES is not set, so nothing ran on PostgreSQL' : false;
  test(`${title} [postgres]`, { skip }, async (t) => run(await openPostgresForTest(t, postgresUrl!), t));
}

/** A store in a file of its own that is gone with the test. */
export async function openSqliteForTest(t: TestContext): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'writ-store-'));
  const store = await openStore({ file: join(folder, 'writ.db'), clock: systemClock });
  t.after(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  return store;
}

/** A store in a schema of its own that is gone with the test. */
async function openPostgresForTest(t: TestContext, url: string): Promise<Store> {
  const name = `writ_test_${randomBytes(6).toString('hex')}`;
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`create schema ${name}`);
  const own = new URL(url);
  own.searchParams.set('options', `-c search_path=${name}`);
  let store: Store | null = null;
  t.after(async () => {
    await store?.close();
    await admin.query(`drop schema ${name} cascade`);
    await admin.end();
  });
  store = await openStore({ url: own.href, clock: systemClock });
  return store;
}

export const systemClock: Clock = { nowSeconds: () => Math.floor(Date.now() / 1000), nowMillis: () => Date.now() };

/** The same store with a pause after every statement, so that requests overlap as they do over a network. */
export function slowed(store: Store, millis = 2): Store {
  const pause: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      await delay(millis);
      return result;
    },
  };
  const db = store.db.withPlugin(pause);
  return {
    ...store,
    db,
    claims: createClaims(db, store.time),
    revocations: createRevocationLog(db, store.time, () => store.revocations.settled()),
  };
}
