// The append-only log, put together: group commit into segments, then tiles and a checkpoint about once a second, and
// reading back. Opening it decides whether the folder may be continued at all (recover.ts).

import { join } from 'node:path';
import {
  type Cosigner,
  type Engine,
  equalBytes,
  formatProofFile,
  formatVkey,
  type JsonObject,
  leafHash,
  type NoteSigner,
  parseVkey,
  proveInclusion,
  readRecord,
  tileWidth,
  utf8,
  utf8Text,
  type VerifierKey,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { checkpointer } from './checkpointer.ts';
import { makeDirectory, readIfThere, writeDurably } from './disk.ts';
import { AuditUnavailable } from './errors.ts';
import { type AuditEntry, groupCommit, type Receipt, type When } from './group-commit.ts';
import { lockForWriting, type WriterLock } from './lock.ts';
import type { DurableEntry } from './publisher.ts';
import { type Recovered, recover } from './recover.ts';
import {
  type Level,
  openSegmentWriter,
  type SegmentWriter,
  segmentBytesDefault,
  type WriteAt,
  writeAt,
} from './segments.ts';
import { type TileFiles, tileFiles } from './tile-files.ts';
import { openWitnessed, type Witnessed, type WitnessSettings } from './witnessed.ts';
import type { WitnessStatus } from './witnesses.ts';

export type { AuditEntry, Receipt } from './group-commit.ts';

export interface AuditLogOptions {
  readonly dir: string;
  /** `<trust domain>/writ/<replica>`, fixed for the life of the log. */
  readonly origin: string;
  /** The checkpoint key; its name is the origin. */
  readonly key: NoteSigner;
  /** ML-DSA-44 key of the log, of the same name, for a second line under each checkpoint; where the runtime has it. */
  readonly secondKey?: Cosigner | null;
  /** Whom to ask for cosignatures. Nothing ever waits for them. */
  readonly witnesses?: WitnessSettings | null;
  readonly clock: { nowMillis(): number };
  readonly level?: Level;
  readonly segmentBytes?: number;
  /** Time between two checkpoints, at least. */
  readonly checkpointMillis?: number;
  /** Records waiting for a flush, and records not yet in bundles; past either the log refuses rather than grow. */
  readonly queuedBytesMax?: number;
  readonly heldBytesMax?: number;
  readonly engine?: Engine;
  readonly write?: WriteAt;
}

export interface AuditHead {
  /** Sequences given out. */
  readonly size: number;
  /** Records that are safe. */
  readonly durable: number;
  /** Records under the newest checkpoint. */
  readonly published: number;
}

export interface AuditLog {
  /** Throws `AuditUnavailable`: what cannot be recorded does not happen. The record has `kind`, `id` and `time`. */
  append(record: JsonObject, when?: When): Receipt;
  /** A durable record, or null when there is none of that sequence. */
  read(sequence: number): Promise<AuditEntry | null>;
  /** The durable records from `from` on, as far as they go at the moment of reading. */
  entries(from: number): AsyncGenerator<AuditEntry>;
  head(): AuditHead;
  /** The newest signed checkpoint, at most about a second behind. */
  checkpoint(): Uint8Array;
  /** The `.tlog-proof` file of a record; waits for the checkpoint that covers it, and is under a witnessed one where that does. */
  prove(sequence: number): Promise<Uint8Array>;
  /** Calls back with every record once it is durable, in order. Answers how to stop. */
  onRecord(listener: (entry: AuditEntry) => void): () => void;
  /** Why nothing can be appended any more; null while it can. */
  failure(): AuditUnavailable | null;
  /** The torn tail that the start wiped, for a record of its own; null after a clean stop. */
  readonly wiped: Recovered['wiped'];
  readonly vkey: string;
  /** Of the second key; null without. */
  readonly secondVkey: string | null;
  witnesses(): readonly WitnessStatus[];
  /** Writes what waits, publishes, and lets the next writer in. */
  close(): Promise<void>;
}

/** Throws `AuditRefused` when the folder must not be continued, with the reason and the way out. */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const { dir, key, origin, clock, engine = nodeEngine, secondKey = null } = options;
  for (const { name } of [key, ...(secondKey ? [secondKey] : [])]) {
    if (name !== origin) throw new TypeError(`the key \`${name}\` cannot sign for the log \`${origin}\``);
  }
  const segmentBytes = options.segmentBytes ?? segmentBytesDefault;
  await makeDirectory(join(dir, 'segments'));
  const lock = lockForWriting(dir, new Date(clock.nowMillis()).toISOString());
  try {
    const vkey = formatVkey(engine, origin, key.publicKey);
    const secondVkey = secondKey && formatVkey(engine, origin, secondKey.publicKey, secondKey.role);
    const keys = await keepVkeys(dir, engine, secondVkey ? [vkey, secondVkey] : [vkey]);
    const tiles = tileFiles(dir);
    const recovered = await recover({ dir, engine, key, secondKey, clock, keys, tiles, segmentBytes });
    const level = options.level ?? 'flushed';
    const writer = await openSegmentWriter(
      { dir, segmentBytes, level, write: options.write ?? writeAt },
      recovered.end,
    );
    const onError = (error: unknown) => process.emitWarning(error instanceof Error ? error : String(error));
    const witnessed = await openWitnessed(
      { dir, engine, origin, keys, clock, tiles, publisher: recovered.publisher, onError },
      options.witnesses ?? null,
    );
    return runLog(options, { engine, vkey, secondVkey, tiles, recovered, writer, lock, witnessed });
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Puts these keys first in `log.vkey` and answers all of them: a checkpoint before a change of keys must still open. */
async function keepVkeys(dir: string, engine: Engine, vkeys: readonly string[]): Promise<VerifierKey[]> {
  const path = join(dir, 'log.vkey');
  const text = utf8Text((await readIfThere(path)) ?? new Uint8Array(0)) ?? '';
  const older = text.split('\n').filter((line) => line !== '' && !vkeys.includes(line));
  const wanted = `${[...vkeys, ...older].join('\n')}\n`;
  if (wanted !== text) await writeDurably(path, utf8(wanted));
  return [...vkeys, ...older].map((line) => parseVkey(engine, line)).filter((known) => known !== null);
}

interface Parts {
  readonly engine: Engine;
  readonly vkey: string;
  readonly secondVkey: string | null;
  readonly tiles: TileFiles;
  readonly recovered: Recovered;
  readonly writer: SegmentWriter;
  readonly lock: WriterLock;
  readonly witnessed: Witnessed;
}

function runLog(options: AuditLogOptions, parts: Parts): AuditLog {
  const { engine, vkey, secondVkey, tiles, recovered, writer, lock, witnessed } = parts;
  const { publisher } = recovered;
  const heldBytesMax = options.heldBytesMax ?? 256 * 2 ** 20;
  const listeners = new Set<(entry: AuditEntry) => void>();
  let closing: Promise<void> | null = null;

  const commit = groupCommit({
    engine,
    from: publisher.size(),
    write: (frames) => writer.write(frames),
    onDurable(entries) {
      for (const { bytes, leaf } of entries) publisher.add({ entry: bytes, leaf });
      schedule.wake();
      for (const entry of entries) for (const listener of listeners) tell(listener, entry);
    },
    queuedBytesMax: options.queuedBytesMax ?? 32 * 2 ** 20,
  });

  const schedule = checkpointer({
    clock: options.clock,
    intervalMillis: options.checkpointMillis ?? 1000,
    newest: recovered.published,
    async publish() {
      await writer.sync();
      const published = await publisher.publish();
      witnessed.offer(published);
      return published;
    },
    onError(error) {
      const failure = new AuditUnavailable('the audit log could not publish and takes no more records', {
        cause: error,
      });
      commit.fail(failure);
      void schedule.stop(failure);
    },
  });
  if (publisher.size() > recovered.published.size) schedule.wake();
  witnessed.offer(recovered.published);

  function append(record: JsonObject, when?: When): Receipt {
    if (closing) throw new AuditUnavailable('the audit log is closed');
    if (publisher.heldBytes() > heldBytesMax) {
      throw new AuditUnavailable(`the audit log is behind: more than ${heldBytesMax} bytes wait for their tiles`);
    }
    return commit.append(record, when);
  }

  async function* entries(from: number): AsyncGenerator<AuditEntry> {
    for (let sequence = from; sequence < commit.durable(); ) {
      const recent = publisher.recent(sequence);
      const found = recent ? [recent] : (await bundleAt(sequence)).slice(sequence % tileWidth);
      for (const entry of found) yield auditEntry(sequence++, entry, engine);
    }
  }

  async function bundleAt(sequence: number): Promise<DurableEntry[]> {
    const index = Math.floor(sequence / tileWidth);
    const [bundle, hashes] = await Promise.all([
      tiles.entries({ level: 'entries', index, width: tileWidth }),
      tiles.hashes({ level: 0, index, width: tileWidth }),
    ]);
    if (!bundle || !hashes) throw new Error(`the audit log cannot read the bundle of record ${sequence}`);
    return bundle.map((entry, i) => ({ entry, leaf: hashes[i]! }));
  }

  async function read(sequence: number): Promise<AuditEntry | null> {
    if (!(Number.isSafeInteger(sequence) && sequence >= 0)) return null;
    for await (const entry of entries(sequence)) return entry;
    return null;
  }

  async function prove(sequence: number): Promise<Uint8Array> {
    if (!(sequence >= 0 && sequence < commit.size())) throw new RangeError(`the audit log has no record ${sequence}`);
    const covering = await schedule.covering(sequence);
    const { size, note } =
      [witnessed.newest(), publisher.published()].find((one) => one && sequence < one.size) ?? covering;
    const proof = await proveInclusion(engine, tiles.reader(engine, size), sequence, size);
    return formatProofFile({ index: sequence, proof, checkpoint: note });
  }

  async function close(): Promise<void> {
    await commit.idle();
    await schedule.stop(new AuditUnavailable('the audit log is closed'));
    try {
      if (!commit.failure() && publisher.size() > schedule.newest().size) {
        await writer.sync();
        await publisher.publish();
      }
    } finally {
      await witnessed.close();
      await writer.close();
      lock.release();
    }
  }

  return {
    append,
    read,
    entries,
    head: () => ({ size: commit.size(), durable: commit.durable(), published: schedule.newest().size }),
    checkpoint: () => (publisher.published() ?? schedule.newest()).note,
    prove,
    onRecord(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    failure: commit.failure,
    wiped: recovered.wiped,
    vkey,
    secondVkey,
    witnesses: witnessed.status,
    close: () => (closing ??= close()),
  };
}

function auditEntry(sequence: number, { entry, leaf }: DurableEntry, engine: Engine): AuditEntry {
  const record = readRecord(entry);
  if (!record || !equalBytes(leafHash(engine, entry), leaf)) {
    throw new Error(`record ${sequence} of the audit log is damaged: \`writ audit verify\` says where`);
  }
  return { sequence, record, bytes: entry, leaf };
}

/** A listener that throws is a bug of its own and must not take the log with it. */
function tell(listener: (entry: AuditEntry) => void, entry: AuditEntry): void {
  try {
    listener(entry);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}
