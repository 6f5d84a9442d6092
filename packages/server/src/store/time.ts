// The store's own time: the database server's, where there is one, so that replicas agree about approvals and claims (rules §6).

import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';

export interface Clock {
  /** Seconds since 1970, rounded down. */
  nowSeconds(): number;
  nowMillis(): number;
}

export interface StoreTime {
  nowSeconds(): Promise<number>;
  nowMillis(): Promise<number>;
}

/** An embedded store lives in this process and has no other time than its clock. */
export function ownTime(clock: Clock): StoreTime {
  return { nowSeconds: async () => clock.nowSeconds(), nowMillis: async () => clock.nowMillis() };
}

export function serverTime(db: Kysely<Schema>): StoreTime {
  const nowMillis = async (): Promise<number> => {
    const { rows } = await sql<{ millis: number }>`
      select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as millis
    `.execute(db);
    return rows[0]!.millis;
  };
  return { nowMillis, nowSeconds: async () => Math.floor((await nowMillis()) / 1000) };
}
