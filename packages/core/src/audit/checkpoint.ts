// Signed checkpoints: a log's word for what it holds, as a note. Witnesses add that they have seen it.

import { toBase64 } from '../std/base64.ts';
import { concat, fromHex, utf8, utf8Text } from '../std/bytes.ts';
import type { Engine } from '../std/engine.ts';
import { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint-text.ts';
import { type Cosigner, cosignedMessage, uint64 } from './cosign.ts';
import {
  type Checked,
  keyId,
  type NoteSignature,
  type NoteSigner,
  openNote,
  signNote,
  type VerifierKey,
} from './note.ts';

export interface OpenedCheckpoint extends Checkpoint {
  /** The log's own and those of known witnesses. */
  readonly signatures: readonly NoteSignature[];
}

/** The log's second key: the same statement under ML-DSA-44, with the time at which it was made. */
export interface SecondSignature {
  readonly key: Cosigner;
  readonly timeSeconds: number;
}

export function signCheckpoint(
  engine: Engine,
  checkpoint: Checkpoint,
  signer: NoteSigner,
  second: SecondSignature | null = null,
): Uint8Array {
  const text = formatCheckpoint(checkpoint);
  const note = signNote(engine, text, [signer]);
  return second ? withSignatures(note, [cosign(engine, second.key, text, second.timeSeconds)]) : note;
}

/** The signature line for a checkpoint's text. Throws when the text is no checkpoint. */
export function cosign(
  engine: Engine,
  { name, role, publicKey, sign }: Cosigner,
  text: string,
  timeSeconds: number,
): string {
  const message = cosignedMessage({ name, role, timeSeconds: BigInt(timeSeconds), text });
  if (!message) throw new TypeError(`\`${name}\` cannot sign a text that is no checkpoint`);
  const id = fromHex(keyId(engine, name, role, publicKey))!;
  return `— ${name} ${toBase64(concat(id, uint64(BigInt(timeSeconds)), sign(message)))}\n`;
}

/** The note with further signature lines, each as `cosign` writes it; a line that stands there already is not added. */
export function withSignatures(note: Uint8Array, lines: readonly string[]): Uint8Array {
  const text = utf8Text(note)!;
  const held = new Set(text.split('\n'));
  return utf8(text + lines.filter((line) => !held.has(line.trimEnd())).join(''));
}

/** The note with the lines of that name alone, as its owner published it. */
export function onlySignaturesOf(note: Uint8Array, name: string): Uint8Array {
  const whole = utf8Text(note)!;
  const text = whole.slice(0, whole.lastIndexOf('\n\n') + 2);
  const lines = whole.slice(text.length, -1).split('\n');
  return utf8(
    text +
      lines
        .filter((line) => line.startsWith(`— ${name} `))
        .map((line) => `${line}\n`)
        .join(''),
  );
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
