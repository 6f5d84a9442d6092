// Checkpoints (C2SP tlog-checkpoint v1.0.0): what a log says it holds, in three lines of a signed note.

import { fromBase64, toBase64 } from '../std/base64.ts';
import type { Engine } from '../std/engine.ts';
import { hashBytes } from './merkle.ts';
import { type Checked, type NoteSignature, type NoteSigner, openNote, signNote, type VerifierKey } from './note.ts';

export interface Checkpoint {
  /** The log's name for life; equals the name of its keys. */
  readonly origin: string;
  /** How many records. */
  readonly size: number;
  /** RFC 6962 root hash, 32 bytes. */
  readonly root: Uint8Array;
}

export interface OpenedCheckpoint extends Checkpoint {
  /** The log's own and those of known witnesses. */
  readonly signatures: readonly NoteSignature[];
}

export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** The checkpoint a note text holds, or null. Extension lines are accepted and mean nothing to Writ. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const lines = text.split('\n');
  const [origin, size, root] = lines;
  if (lines.length < 4 || lines.pop() !== '' || lines.includes('')) return null;
  const hash = fromBase64(root!);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size!) || !Number.isSafeInteger(Number(size)) || hash?.length !== hashBytes) {
    return null;
  }
  return { origin: origin!, size: Number(size), root: hash };
}

export function signCheckpoint(engine: Engine, checkpoint: Checkpoint, signer: NoteSigner): Uint8Array {
  return signNote(engine, formatCheckpoint(checkpoint), [signer]);
}

/** A checkpoint signed by its own log. A witness's signature alone is not enough: it says "seen", not "mine". */
export function openCheckpoint(
  engine: Engine,
  note: Uint8Array,
  keys: readonly VerifierKey[],
): Checked<OpenedCheckpoint> {
  const opened = openNote(engine, note, keys);
  if (!opened.ok) return opened;
  const checkpoint = parseCheckpoint(opened.value.text);
  if (!checkpoint) return { ok: false, says: 'the note is not a checkpoint' };
  const { signatures } = opened.value;
  if (!signatures.some(({ key }) => key.role === 'log' && key.name === checkpoint.origin)) {
    return { ok: false, says: `no key of the log \`${checkpoint.origin}\` has signed it` };
  }
  return { ok: true, value: { ...checkpoint, signatures } };
}
