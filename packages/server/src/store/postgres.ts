// PostgreSQL behind Kysely, for planes with more than one replica.

import { type Dialect, PostgresDialect } from 'kysely';
import pg from 'pg';

/** A database that does not answer is an outage, and an outage has to be noticed while a caller is still waiting. */
const connectMillisMax = 3_000;
const statementMillisMax = 5_000;
const connectionsMax = 16;

const INT8 = 20;

export interface Postgres {
  readonly dialect: Dialect;
}

/** `url`: `postgres://…`. Nothing is dialled before the first query. */
export function openPostgres(url: string): Postgres {
  const pool = new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: connectMillisMax,
    statement_timeout: statementMillisMax,
    query_timeout: statementMillisMax,
    max: connectionsMax,
    types: { getTypeParser: typeParser },
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {});
  return { dialect: new PostgresDialect({ pool }) };
}

/** `bigint` as a number: the schema holds seconds and minor units, and a value past 2^53-1 is an error rather than a near miss. */
function typeParser(oid: number, format?: 'text' | 'binary') {
  if (oid === INT8 && format !== 'binary') return safeInteger;
  return pg.types.getTypeParser(oid, format as 'text');
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`the database holds a number past 2^53-1: ${text}`);
  return value;
}
