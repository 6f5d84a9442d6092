// Questions about decisions, answered from SQLite. The log is the truth and this a copy of some of its fields: it may be
// deleted at any time and is built again at the next start. Appends never wait for it; a question first takes in what
// has become durable since.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import type { AuditEntry, AuditLog } from './log.ts';

export interface DecisionRow {
  readonly sequence: number;
  readonly decisionId: string;
  /** RFC 3339, milliseconds. */
  readonly time: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly principal: string | null;
  readonly actor: string | null;
  readonly task: string | null;
  readonly server: string | null;
  readonly name: string | null;
}

export interface OutcomeRow {
  readonly sequence: number;
  readonly state: string;
}

export interface AuditIndex {
  decision(decisionId: string): DecisionRow | null;
  /** With `since`: the decisions after that sequence, oldest first. Without: the newest, newest first. */
  decisions(ask: { readonly since?: number; readonly limit: number }): readonly DecisionRow[];
  outcomeOf(decisionId: string): OutcomeRow | null;
  /** The next sequence to take in. */
  position(): number;
  close(): void;
}

type IndexedLog = Pick<AuditLog, 'entries' | 'read' | 'onRecord' | 'head'>;

const schema = `
  create table if not exists decisions (
    sequence integer primary key, decisionId text not null unique, time text not null, outcome text not null,
    code text, principal text, actor text, task text, server text, name text
  ) strict;
  create table if not exists outcomes (decisionId text primary key, sequence integer not null, state text not null) strict;
  create table if not exists position (one integer primary key check (one = 1), next integer not null, leaf blob) strict;
`;
const schemaVersion = 1;
/** Rows per transaction while catching up: short enough that the event loop stays free. */
const catchUpStep = 512;

/** Opens `<dir>/index.db` and catches up with the log; makes it anew when it is unreadable or of another log. */
export async function openAuditIndex({ dir, log }: { dir: string; log: IndexedLog }): Promise<AuditIndex> {
  const path = join(dir, 'index.db');
  const database = (await openIfOf(path, log)) ?? create(path);
  const rows = decisionRows(database);
  let waiting: AuditEntry[] = [];
  let scheduled: NodeJS.Immediate | null = null;
  let caughtUp = false;

  function takeWaiting(): void {
    if (scheduled) clearImmediate(scheduled);
    scheduled = null;
    if (!caughtUp || waiting.length === 0) return;
    const entries = waiting;
    waiting = [];
    rows.take(entries);
  }

  // Listening first, so that nothing falls between catching up and listening; what comes twice is skipped by sequence.
  const stop = log.onRecord((entry) => {
    waiting.push(entry);
    scheduled ??= setImmediate(takeWaiting);
  });
  await catchUp(rows, log);
  caughtUp = true;
  takeWaiting();

  function asked<Ask, Answer>(question: (ask: Ask) => Answer): (ask: Ask) => Answer {
    return (ask) => {
      takeWaiting();
      return question(ask);
    };
  }

  return {
    decision: asked(rows.decision),
    decisions: asked(rows.decisions),
    outcomeOf: asked(rows.outcomeOf),
    position: rows.position,
    close() {
      stop();
      takeWaiting();
      database.close();
    },
  };
}

async function catchUp(rows: DecisionRows, log: IndexedLog): Promise<void> {
  let part: AuditEntry[] = [];
  for await (const entry of log.entries(rows.position())) {
    part.push(entry);
    if (part.length < catchUpStep) continue;
    rows.take(part);
    part = [];
    await new Promise((resolve) => setImmediate(resolve));
  }
  rows.take(part);
}

/** The index as it stands, when it can be read and the last record it took is the one the log has there. */
async function openIfOf(path: string, log: IndexedLog): Promise<DatabaseSync | null> {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path);
    const version = database.prepare('pragma user_version').get()?.user_version;
    const at = database.prepare('select next, leaf from position').get();
    if (version === schemaVersion && typeof at?.next === 'number' && at.leaf instanceof Uint8Array) {
      const last = at.next <= log.head().durable ? await log.read(at.next - 1) : null;
      if (last && Buffer.compare(last.leaf, at.leaf) === 0) return tuned(database);
    }
  } catch {
    // Not a database, or one of another version: a copy that cannot be read is made again.
  }
  database?.close();
  return null;
}

function create(path: string): DatabaseSync {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
  const database = tuned(new DatabaseSync(path));
  database.exec(schema);
  database.exec(`pragma user_version = ${schemaVersion}`);
  return database;
}

/** No flushes: a power cut costs a rebuild, and the position is written together with the rows it stands for. */
function tuned(database: DatabaseSync): DatabaseSync {
  database.exec('pragma journal_mode = wal; pragma synchronous = off');
  return database;
}

type DecisionRows = ReturnType<typeof decisionRows>;

function decisionRows(database: DatabaseSync) {
  const columns = 'sequence, decisionId, time, outcome, code, principal, actor, task, server, name';
  const addDecision = database.prepare(`insert or ignore into decisions (${columns}) values (?,?,?,?,?,?,?,?,?,?)`);
  const addOutcome = database.prepare('insert or ignore into outcomes (decisionId, sequence, state) values (?,?,?)');
  const setPosition = database.prepare('insert or replace into position (one, next, leaf) values (1, ?, ?)');
  const byId = database.prepare(`select ${columns} from decisions where decisionId = ?`);
  const after = database.prepare(`select ${columns} from decisions where sequence > ? order by sequence limit ?`);
  const newest = database.prepare(`select ${columns} from decisions order by sequence desc limit ?`);
  const outcome = database.prepare('select sequence, state from outcomes where decisionId = ?');
  let next = Number(database.prepare('select next from position').get()?.next ?? 0);

  function take(entries: readonly AuditEntry[]): void {
    const fresh = entries.filter(({ sequence }) => sequence >= next);
    const last = fresh.at(-1);
    if (!last) return;
    database.exec('begin');
    try {
      for (const { sequence, record } of fresh) add(sequence, record);
      setPosition.run(last.sequence + 1, last.leaf);
      database.exec('commit');
    } catch (error) {
      database.exec('rollback');
      throw error;
    }
    next = last.sequence + 1;
  }

  function add(sequence: number, record: JsonObject): void {
    if (record.kind === 'decision') {
      const fields = [
        record.code,
        member(record.principal, 'id'),
        member(record.act, 'sub'),
        record.task,
        member(record.target, 'server'),
        member(record.target, 'name'),
      ];
      const { decisionId, time, outcome } = record as { [name: string]: string };
      addDecision.run(sequence, decisionId!, time!, outcome!, ...fields.map(textOrNull));
    } else if (record.kind === 'outcome') {
      addOutcome.run(record.decision as string, sequence, member(record.result, 'state') as string);
    }
  }

  return {
    take,
    decision: (decisionId: string) => (byId.get(decisionId) ?? null) as DecisionRow | null,
    decisions: ({ since, limit }: { readonly since?: number; readonly limit: number }) =>
      (since === undefined ? newest.all(limit) : after.all(since, limit)) as unknown as DecisionRow[],
    outcomeOf: (decisionId: string) => (outcome.get(decisionId) ?? null) as OutcomeRow | null,
    position: () => next,
  };
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) ? value[name] : undefined;
}

function textOrNull(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
