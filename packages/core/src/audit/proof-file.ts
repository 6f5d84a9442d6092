// The `.tlog-proof` file (C2SP tlog-proof v1): one record's place in the log, checkable offline and for good.
// Writ hands it out as the receipt of an action.

import { fromBase64, toBase64 } from '../std/base64.ts';
import { utf8, utf8Text } from '../std/bytes.ts';
import type { Engine } from '../std/engine.ts';
import { type OpenedCheckpoint, openCheckpoint } from './checkpoint.ts';
import { hashBytes, leafHash, verifyInclusion } from './merkle.ts';
import { type Checked, noteBytesMax, type VerifierKey } from './note.ts';

export interface ProofFile {
  readonly index: number;
  /** Inclusion proof, leaf's sibling first. */
  readonly proof: readonly Uint8Array[];
  /** The signed note, as it was published. */
  readonly checkpoint: Uint8Array;
  /** Unauthenticated: a hint for the reader, never a fact. */
  readonly extra?: Uint8Array;
}

const header = 'c2sp.org/tlog-proof@v1';

export function formatProofFile({ index, proof, checkpoint, extra }: ProofFile): Uint8Array {
  const lines = [header, ...(extra ? [`extra ${toBase64(extra)}`] : []), `index ${index}`, ...proof.map(toBase64)];
  return utf8(`${lines.join('\n')}\n\n${utf8Text(checkpoint)}`);
}

/** The parts of a proof file, unchecked; null when it is malformed. */
export function parseProofFile(file: Uint8Array): ProofFile | null {
  const text = file.length <= 2 * noteBytesMax ? utf8Text(file) : null;
  const blank = text?.indexOf('\n\n') ?? -1;
  if (text === null || blank < 0) return null;
  const lines = text.slice(0, blank).split('\n');
  if (lines.shift() !== header) return null;
  const extra = lines[0]?.startsWith('extra ') ? fromBase64(lines.shift()!.slice('extra '.length)) : undefined;
  const index = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? '')?.[1];
  const proof = lines.map(fromBase64);
  if (extra === null || index === undefined || proof.length > 63) return null;
  if (!proof.every((hash) => hash?.length === hashBytes)) return null;
  const parts = { index: Number(index), proof: proof as Uint8Array[], checkpoint: utf8(text.slice(blank + 2)) };
  return extra ? { ...parts, extra } : parts;
}

export interface ProofQuestion {
  /** The record's bytes as they stand in the log. */
  readonly entry: Uint8Array;
  /** The log that is acceptable, by name. */
  readonly origin: string;
  readonly keys: readonly VerifierKey[];
}

/** The checkpoint under which the entry is proven to stand at `index`, or why it is not. */
export function verifyProofFile(
  engine: Engine,
  file: Uint8Array,
  { entry, origin, keys }: ProofQuestion,
): Checked<{ readonly index: number; readonly checkpoint: OpenedCheckpoint }> {
  const parts = parseProofFile(file);
  if (!parts) return { ok: false, says: 'it is not a `.tlog-proof` file' };
  const opened = openCheckpoint(engine, parts.checkpoint, keys);
  if (!opened.ok) return { ok: false, says: `its checkpoint is not acceptable: ${opened.says}` };
  const checkpoint = opened.value;
  if (checkpoint.origin !== origin) {
    return { ok: false, says: `it is about the log \`${checkpoint.origin}\`, not about \`${origin}\`` };
  }
  const { index, proof } = parts;
  const { size, root } = checkpoint;
  if (!verifyInclusion(engine, { leaf: leafHash(engine, entry), index, size, root, proof })) {
    return { ok: false, says: `the record does not stand at ${index} of the ${size} records that were signed` };
  }
  return { ok: true, value: { index, checkpoint } };
}
