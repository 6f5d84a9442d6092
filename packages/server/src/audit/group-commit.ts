// Sequence now, safety soon: a record gets its place when it is appended, and all records that arrive while one flush is
// under way share the next. No timer: an idle log flushes at once, a busy one in large steps. After a failed write nobody
// knows what the file holds, so everything that waits and everything that comes is refused, for good.

import { crc32 } from 'node:zlib';
import {
  canonicalJson,
  type Engine,
  encodeFrame,
  entryBytesMax,
  type JsonObject,
  leafHash,
  missingMember,
  utf8,
} from '@writ/core';
import { AuditUnavailable } from './errors.ts';

export interface Receipt {
  readonly sequence: number;
  readonly leaf: Uint8Array;
  /** Resolves when the record is safe; rejects with `AuditUnavailable` when nobody can say so any more. */
  readonly durable: Promise<void>;
}

export interface AuditEntry {
  readonly sequence: number;
  readonly record: JsonObject;
  /** The record as it stands in the log. */
  readonly bytes: Uint8Array;
  readonly leaf: Uint8Array;
}

/** `soon`: nobody waits for this record, so it goes along with the next flush, or has its own after `lingerMillis`. */
export type When = 'now' | 'soon';

export interface GroupCommit {
  append(record: JsonObject, when?: When): Receipt;
  /** The next sequence. */
  size(): number;
  durable(): number;
  /** Ends the log; the first reason stays. */
  fail(error: AuditUnavailable): void;
  failure(): AuditUnavailable | null;
  /** Resolves when nothing waits any more, written or refused. */
  idle(): Promise<void>;
}

export interface GroupCommitOptions {
  readonly engine: Engine;
  /** The first sequence to give out; all before it are durable. */
  readonly from: number;
  /** Writes frames so that they are safe when it resolves. Called once at a time. */
  readonly write: (frames: readonly Uint8Array[]) => Promise<void>;
  /** Told of every flush, in order, before its receipts resolve. Must not throw. */
  readonly onDurable: (entries: readonly AuditEntry[]) => void;
  readonly queuedBytesMax: number;
}

/** How long a record that nobody waits for may wait for company. A crash in between loses it, as one just before it would. */
const lingerMillis = 3;

interface Batch {
  readonly first: number;
  readonly frames: Uint8Array[];
  readonly entries: AuditEntry[];
  /** One promise for all receipts of the flush. */
  readonly done: PromiseWithResolvers<void>;
  bytes: number;
}

export function groupCommit({ engine, from, write, onDurable, queuedBytesMax }: GroupCommitOptions): GroupCommit {
  let next = from;
  let durable = from;
  let waiting = newBatch(from);
  let underWay: Batch | null = null;
  let flushing: Promise<void> | null = null;
  let failure: AuditUnavailable | null = null;
  let lingering: NodeJS.Timeout | null = null;

  function append(record: JsonObject, when: When = 'now'): Receipt {
    if (failure) throw failure;
    const bytes = entryOf(record);
    if (waiting.bytes + bytes.length > queuedBytesMax) {
      throw new AuditUnavailable(`the audit log is behind: more than ${queuedBytesMax} bytes wait for the disk`);
    }
    const sequence = next;
    const leaf = leafHash(engine, bytes);
    waiting.frames.push(encodeFrame(crc32, { sequence, flush: waiting.first, leaf, entry: bytes }));
    waiting.entries.push({ sequence, record, bytes, leaf });
    waiting.bytes += bytes.length;
    next += 1;
    if (when === 'now') startFlush();
    else lingering ??= setTimeout(startFlush, lingerMillis);
    return { sequence, leaf, durable: waiting.done.promise };
  }

  function startFlush(): void {
    clearTimeout(lingering ?? undefined);
    lingering = null;
    // One turn later, so that callers released by the same flush meet again in the next.
    flushing ??= Promise.resolve().then(flushAll);
  }

  async function flushAll(): Promise<void> {
    while (waiting.frames.length > 0 && !failure) {
      const batch = waiting;
      underWay = batch;
      waiting = newBatch(next);
      try {
        await write(batch.frames);
      } catch (error) {
        fail(new AuditUnavailable('the audit log could not be written and takes no more records', { cause: error }));
        break;
      }
      underWay = null;
      if (failure) break;
      durable = batch.first + batch.frames.length;
      onDurable(batch.entries);
      batch.done.resolve();
    }
    flushing = null;
  }

  function fail(error: AuditUnavailable): void {
    failure ??= error;
    underWay?.done.reject(failure);
    waiting.done.reject(failure);
  }

  return {
    append,
    size: () => next,
    durable: () => durable,
    fail,
    failure: () => failure,
    idle: async () => {
      if (lingering) startFlush();
      while (flushing) await flushing;
    },
  };
}

function newBatch(first: number): Batch {
  const done = Promise.withResolvers<void>();
  done.promise.catch(() => {}); // a record nobody waits for must not end the process; `failure` tells
  return { first, frames: [], entries: [], done, bytes: 0 };
}

function entryOf(record: JsonObject): Uint8Array {
  const missing = missingMember(record);
  if (missing) throw new TypeError(`this is not an audit record: ${missing}`);
  const bytes = utf8(canonicalJson(record));
  if (bytes.length <= entryBytesMax) return bytes;
  throw new AuditUnavailable(
    `a record of ${bytes.length} bytes does not fit the audit log (${entryBytesMax} at most): put its largest member in by digest`,
  );
}
