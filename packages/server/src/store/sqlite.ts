// `node:sqlite` behind Kysely's SQLite dialect. One connection, write-ahead log; Kysely queues on it, so a transaction is alone.

import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type Dialect, SqliteDialect } from 'kysely';

/** How long another process may hold the file before a statement fails. */
const busyMillisMax = 5_000;

const statementsMax = 256;

export interface Sqlite {
  readonly dialect: Dialect;
  /** Flushes what was committed to the disk: with synchronous=NORMAL a commit outlives the process, and this the power too. */
  flush(): void;
}

/** Opens or creates the database file, readable by its owner alone. `:memory:` is for tests. */
export function openSqlite(file: string): Sqlite {
  if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file, { timeout: busyMillisMax });
  database.exec('pragma journal_mode = wal; pragma synchronous = normal;');
  return {
    dialect: new SqliteDialect({ database: kyselyShape(database) }),
    flush: () => database.exec('pragma wal_checkpoint(passive)'),
  };
}

/** The shape Kysely expects of a driver, with each statement prepared once. */
export function kyselyShape(database: DatabaseSync) {
  const prepared = new Map<string, StatementSync>();
  const statement = (sql: string): StatementSync => {
    const held = prepared.get(sql);
    if (held) return held;
    const made = database.prepare(sql);
    if (prepared.size >= statementsMax) prepared.delete(prepared.keys().next().value!);
    prepared.set(sql, made);
    return made;
  };
  return {
    close: () => database.close(),
    prepare(sql: string) {
      const run = statement(sql);
      return {
        reader: run.columns().length > 0,
        all: (parameters: readonly unknown[]) => run.all(...scalars(parameters)).map((row) => ({ ...row })),
        run: (parameters: readonly unknown[]) => run.run(...scalars(parameters)),
        // A statement that is being stepped through is not shared: a second run of the same text would start it over.
        iterate: (parameters: readonly unknown[]) =>
          database.prepare(sql).iterate(...scalars(parameters)) as IterableIterator<unknown>,
      };
    },
  };
}

/**
 * The parameters, when every one is a scalar that both databases store alike; throws otherwise.
 * `node:sqlite` takes an object in first place for a bag of named parameters and then binds the rest one column to the left.
 */
function scalars(parameters: readonly unknown[]): SQLInputValue[] {
  for (const value of parameters) {
    if (value === null || typeof value === 'string') continue;
    if (typeof value === 'number' && Number.isFinite(value)) continue;
    if (value instanceof Uint8Array) continue;
    throw new TypeError(`a database parameter must be text, a finite number, bytes or null, not ${named(value)}`);
  }
  return parameters as SQLInputValue[];
}

function named(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? String(value) : typeof value;
  return value.constructor?.name ?? 'object';
}
