// The index as a reader from outside uses it: the plane's own `index.db` where it is the copy of this very log, else one
// made in memory from the published records. Nothing is written.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { catchUp, indexFile } from './index.ts';
import { type IndexReader, indexReader, indexWriter, makeTables, positionIn } from './index-rows.ts';
import type { PublishedLog } from './published.ts';

export interface QueryIndex extends IndexReader, Disposable {
  /** Where the rows came from. */
  readonly from: 'index' | 'log';
}

export interface QuerySource {
  /** Reads the checkpoint; called again while a plane is about to publish what its index has already. */
  open(): Promise<PublishedLog>;
}

/** The index and the published log under whose checkpoint its rows stand. */
export async function openQueryIndex({ open }: QuerySource): Promise<{ log: PublishedLog; index: QueryIndex }> {
  const log = await open();
  const found = log.dir === null ? null : openReadOnly(join(log.dir, indexFile));
  if (!found) return { log, index: await indexInMemory(log) };
  const published = await coveredBy(log, found.at.next, open);
  if (published && (await isOf(published, found.at))) {
    return { log: published, index: queryIndex(found.database, 'index') };
  }
  found.database.close();
  return { log, index: await indexInMemory(log) };
}

interface Found {
  readonly database: DatabaseSync;
  readonly at: { readonly next: number; readonly leaf: Uint8Array };
}

function openReadOnly(path: string): Found | null {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    const at = positionIn(database);
    if (at) return { database, at };
  } catch {
    // Not there, of another version, or not for us to read: the log itself answers.
  }
  database?.close();
  return null;
}

/** A plane publishes about a second after it indexes. */
const waitMillis = 250;
const waitsMax = 8;

async function coveredBy(log: PublishedLog, next: number, open: QuerySource['open']): Promise<PublishedLog | null> {
  // One that is behind has missed records: it is made complete when the plane starts, not by a reader.
  if (log.checkpoint.size > next) return null;
  let newest = log;
  for (let waits = 0; newest.checkpoint.size < next && waits < waitsMax; waits += 1) {
    await delay(waitMillis);
    newest = await open();
  }
  return newest.checkpoint.size >= next ? newest : null;
}

async function isOf(log: PublishedLog, { next, leaf }: Found['at']): Promise<boolean> {
  for await (const entry of log.entries(next - 1)) return Buffer.compare(entry.leaf, leaf) === 0;
  return false;
}

async function indexInMemory(log: PublishedLog): Promise<QueryIndex> {
  const database = new DatabaseSync(':memory:');
  makeTables(database);
  await catchUp(indexWriter(database), log.entries(0));
  return queryIndex(database, 'log');
}

function queryIndex(database: DatabaseSync, from: QueryIndex['from']): QueryIndex {
  return { ...indexReader(database), from, [Symbol.dispose]: () => database.close() };
}
