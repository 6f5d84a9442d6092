// Questions about what the log holds, answered from SQLite. The log is the truth and this a copy of some of its fields: it
// may be deleted at any time and is built again at the next start. Appends never wait for it; a question first takes in
// what has become durable since.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type IndexReader, type IndexWriter, indexReader, indexWriter, makeTables, positionIn } from './index-rows.ts';
import type { AuditEntry, AuditLog } from './log.ts';

export type { DecisionFilter, DecisionRow, EventRow, FoundDecision, OutcomeRow } from './index-rows.ts';

export interface AuditIndex extends IndexReader {
  /** The next sequence to take in. */
  position(): number;
  close(): void;
}

type IndexedLog = Pick<AuditLog, 'entries' | 'read' | 'onRecord' | 'head'>;

export const indexFile = 'index.db';
/** Rows per transaction while catching up: short enough that the event loop stays free. */
const catchUpStep = 512;
// While calls are served: nobody waits for these rows, and a call that is under way would wait behind them.
const restMillis = 20;
const restStep = 32;

/** Opens `<dir>/index.db` and catches up with the log; makes it anew when it is unreadable or of another log. */
export async function openAuditIndex({ dir, log }: { dir: string; log: IndexedLog }): Promise<AuditIndex> {
  const path = join(dir, indexFile);
  const database = (await openIfOf(path, log)) ?? create(path);
  const writer = indexWriter(database);
  const reader = indexReader(database);
  let waiting: AuditEntry[] = [];
  let scheduled: NodeJS.Timeout | null = null;
  let caughtUp = false;

  function takeWaiting(): void {
    clearTimeout(scheduled ?? undefined);
    scheduled = null;
    if (!caughtUp || waiting.length === 0) return;
    const entries = waiting;
    waiting = [];
    writer.take(entries);
  }

  function takeSome(): void {
    scheduled = null;
    if (!caughtUp) return;
    writer.take(waiting.splice(0, restStep));
    if (waiting.length > 0) scheduled = setTimeout(takeSome, 1).unref();
  }

  // Listening first, so that nothing falls between catching up and listening; what comes twice is skipped by sequence.
  const stop = log.onRecord((entry) => {
    waiting.push(entry);
    scheduled ??= setTimeout(takeSome, restMillis).unref();
  });
  await catchUp(writer, log.entries(writer.position()));
  caughtUp = true;
  takeWaiting();

  function asked<Ask extends readonly unknown[], Answer>(question: (...ask: Ask) => Answer): (...ask: Ask) => Answer {
    return (...ask) => {
      takeWaiting();
      return question(...ask);
    };
  }

  return {
    decision: asked(reader.decision),
    decisions: asked(reader.decisions),
    outcomeOf: asked(reader.outcomeOf),
    event: asked(reader.event),
    eventsAbout: asked(reader.eventsAbout),
    find: asked(reader.find),
    position: writer.position,
    close() {
      stop();
      takeWaiting();
      database.close();
    },
  };
}

/** Takes everything that comes, and lets others have a turn in between. */
export async function catchUp(writer: IndexWriter, entries: AsyncIterable<AuditEntry>): Promise<void> {
  let part: AuditEntry[] = [];
  for await (const entry of entries) {
    part.push(entry);
    if (part.length < catchUpStep) continue;
    writer.take(part);
    part = [];
    await new Promise((resolve) => setImmediate(resolve));
  }
  writer.take(part);
}

/** The index as it stands, when it can be read and the last record it took is the one the log has there. */
async function openIfOf(path: string, log: IndexedLog): Promise<DatabaseSync | null> {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path);
    const at = positionIn(database);
    if (at) {
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
  makeTables(database);
  return database;
}

/** No flushes: a power cut costs a rebuild, and the position is written together with the rows it stands for. */
function tuned(database: DatabaseSync): DatabaseSync {
  database.exec('pragma journal_mode = wal; pragma synchronous = off');
  return database;
}
