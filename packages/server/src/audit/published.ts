// A log as anybody may read it: the records under its signed checkpoint, each with the proof that it stands there. Needs
// no running plane, only the files. Whether the whole log is in order is verify-audit.ts.

import {
  type Engine,
  formatProofFile,
  leafHash,
  type OpenedCheckpoint,
  openCheckpoint,
  proveInclusion,
  readRecord,
  tileWidth,
  type VerifierKey,
  verifyProofFile,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { AuditRefused } from './errors.ts';
import type { AuditEntry } from './group-commit.ts';
import { logKeys, logSource } from './log-source.ts';
import { tileReader } from './tile-reader.ts';
import { witnessedFile } from './witnessed.ts';

export interface PublishedLog {
  readonly dir: string | null;
  readonly keyFrom: 'flag' | 'log';
  readonly checkpoint: OpenedCheckpoint;
  /** The records under the checkpoint from `from` on, without their proofs. */
  entries(from: number): AsyncGenerator<AuditEntry>;
  /** A record and its `.tlog-proof` file, verified against the checkpoint. Throws `AuditRefused` when it does not hold. */
  prove(sequence: number): Promise<AuditEntry & { readonly proof: Uint8Array }>;
}

export interface PublishedOptions {
  readonly vkeys?: readonly string[];
  readonly engine?: Engine;
  readonly fetch?: typeof fetch;
}

/** Throws `AuditRefused` when there is no acceptable checkpoint, a TypeError for a key that is none, else when it cannot be reached. */
export async function openPublished(
  from: string | URL,
  { vkeys = [], engine = nodeEngine, fetch: fetcher }: PublishedOptions = {},
): Promise<PublishedLog> {
  const source = logSource(from, fetcher);
  const { keys, keyFrom } = await logKeys(engine, source, vkeys);
  const witnessed = await source.get(witnessedFile);
  const note = await source.get('checkpoint');
  if (!note) throw new AuditRefused(`\`${from}\` has no \`checkpoint\`: it is not a log`);
  const opened = openCheckpoint(engine, note, keys);
  if (!opened.ok) throw new AuditRefused(`the checkpoint of \`${from}\` is not acceptable: ${opened.says}`);
  const checkpoint = opened.value;
  const { size, origin } = checkpoint;
  const seen = witnessedIn(engine, witnessed, { keys, origin });
  const tiles = tileReader(remembering(source.get));

  async function bundle(index: number): Promise<readonly Uint8Array[]> {
    const width = Math.min(tileWidth, size - index * tileWidth);
    const entries = await tiles.entries({ level: 'entries', index, width });
    if (!entries) throw new AuditRefused(`\`${from}\` cannot be read at record ${index * tileWidth}${wayOut}`);
    return entries;
  }

  function entryOf(sequence: number, bytes: Uint8Array): AuditEntry {
    const record = readRecord(bytes);
    if (!record) throw new AuditRefused(`record ${sequence} of \`${from}\` is not canonical JSON${wayOut}`);
    return { sequence, record, bytes, leaf: leafHash(engine, bytes) };
  }

  async function* entries(first: number): AsyncGenerator<AuditEntry> {
    for (let sequence = first; sequence < size; ) {
      const read = await bundle(Math.floor(sequence / tileWidth));
      for (const bytes of read.slice(sequence % tileWidth)) yield entryOf(sequence++, bytes);
    }
  }

  async function prove(sequence: number) {
    if (!(Number.isSafeInteger(sequence) && sequence >= 0 && sequence < size)) {
      throw new RangeError(
        `record ${sequence} is not under the checkpoint of \`${origin}\`, which has ${size} records`,
      );
    }
    const entry = entryOf(sequence, (await bundle(Math.floor(sequence / tileWidth)))[sequence % tileWidth]!);
    const under =
      seen && sequence < seen.size ? { size: seen.size, checkpoint: witnessed! } : { size, checkpoint: note! };
    const hashes = await proveInclusion(engine, tiles.reader(engine, under.size), sequence, under.size);
    const proof = formatProofFile({ index: sequence, proof: hashes, checkpoint: under.checkpoint });
    const checked = verifyProofFile(engine, proof, { entry: entry.bytes, origin, keys });
    if (!checked.ok)
      throw new AuditRefused(`record ${sequence} of \`${from}\` is not proven: ${checked.says}${wayOut}`);
    return { ...entry, proof };
  }

  return { dir: source.dir, keyFrom, checkpoint, entries, prove };
}

/** The checkpoint that witnesses have cosigned, under which a proof says more; null when the log has none. */
function witnessedIn(
  engine: Engine,
  note: Uint8Array | null,
  { keys, origin }: { keys: readonly VerifierKey[]; origin: string },
): OpenedCheckpoint | null {
  const opened = note && openCheckpoint(engine, note, keys);
  return opened?.ok && opened.value.origin === origin ? opened.value : null;
}

const wayOut = '; `writ audit verify` says what else is wrong';

/** Proofs of neighbours share most of their tiles. */
function remembering(get: (name: string) => Promise<Uint8Array | null>) {
  const held = new Map<string, Promise<Uint8Array | null>>();
  return (name: string): Promise<Uint8Array | null> => {
    const known = held.get(name);
    if (known) return known;
    if (held.size >= heldMax) held.delete(held.keys().next().value!);
    const read = get(name);
    held.set(name, read);
    return read;
  };
}

const heldMax = 64;
