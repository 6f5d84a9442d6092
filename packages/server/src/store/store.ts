// The database as the rooms see it: one query builder, and the few operations that must be atomic or quick.

import { Kysely } from 'kysely';
import { type Claims, createClaims } from './claims.ts';
import { migrate } from './migrations.ts';
import { openPostgres } from './postgres.ts';
import { createRevocationLog, type RevocationLog } from './revocations.ts';
import type { Schema } from './schema.ts';
import { openSqlite } from './sqlite.ts';
import { sweep } from './sweep.ts';
import { type Clock, ownTime, type StoreTime, serverTime } from './time.ts';

export interface Store {
  readonly kind: 'sqlite' | 'postgres';
  readonly db: Kysely<Schema>;
  readonly time: StoreTime;
  readonly claims: Claims;
  readonly revocations: RevocationLog;
  /** Never rejects. A replica whose skew is more than a second is not ready (rules §6). */
  health(): Promise<Health>;
  /** Removes what has ended; the number of rows. */
  sweep(): Promise<number>;
  close(): Promise<void>;
}

export type Health =
  /** This process's clock minus the store's. */
  { readonly reachable: true; readonly skewMillis: number } | { readonly reachable: false; readonly cause: string };

export type StoreAddress =
  /** `postgres://…` */
  | { readonly url: string }
  /** A file for `node:sqlite`, made if missing. */
  | { readonly file: string };

/** Opens the database and brings its schema up to date. Rejects when it cannot be reached. */
export async function openStore(options: StoreAddress & { readonly clock: Clock }): Promise<Store> {
  const opened = 'url' in options ? openUrl(options.url) : { kind: 'sqlite' as const, ...openSqlite(options.file) };
  const db = new Kysely<Schema>({ dialect: opened.dialect });
  try {
    await migrate(db);
  } catch (cause) {
    await db.destroy();
    throw cause;
  }
  const time = opened.kind === 'postgres' ? serverTime(db) : ownTime(options.clock);
  return {
    kind: opened.kind,
    db,
    time,
    claims: createClaims(db, time),
    revocations: createRevocationLog(db, time, opened.flush),
    health: () => health(db, time, options.clock),
    sweep: async () => sweep(db, await time.nowSeconds()),
    close: () => db.destroy(),
  };
}

function openUrl(url: string) {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new Error('the store address must begin with `postgres://`; for an embedded database leave `store.url` out');
  }
  // A commit is on the server's disk when it returns, so there is nothing left to flush.
  return { kind: 'postgres' as const, ...openPostgres(url), flush: () => {} };
}

async function health(db: Kysely<Schema>, time: StoreTime, clock: Clock): Promise<Health> {
  try {
    await db.selectFrom('counters').select('value').limit(1).execute();
    return { reachable: true, skewMillis: clock.nowMillis() - (await time.nowMillis()) };
  } catch (outage) {
    return { reachable: false, cause: outage instanceof Error ? outage.message : String(outage) };
  }
}
