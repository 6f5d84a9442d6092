// Signed notes of C2SP (signed-note v1.0.0) and the keys that open them. Log keys sign the text (type 0x01),
// witnesses sign it together with a time (type 0x04, tlog-cosignature). What the text says is checkpoint.ts.

import { fromBase64, toBase64 } from '../std/base64.ts';
import { concat, fromHex, toHex, utf8, utf8Text } from '../std/bytes.ts';
import type { Engine } from '../std/engine.ts';

/** A value, or one sentence for the operator that says why there is none. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly says: string };

/** `log`: Ed25519 over the note text, 0x01. `witness`: Ed25519 over time and text, 0x04. */
export type KeyRole = 'log' | 'witness';

export interface VerifierKey {
  readonly name: string;
  /** Eight lower-case hex digits. */
  readonly id: string;
  readonly role: KeyRole;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export interface NoteSigner {
  readonly name: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export interface NoteSignature {
  readonly key: VerifierKey;
  /** When a witness saw it; null for the log's own signature. */
  readonly timeSeconds: number | null;
}

export interface OpenedNote {
  readonly text: string;
  /** One per key, in the order of the lines; never empty. */
  readonly signatures: readonly NoteSignature[];
}

/** The standard asks for at least 16 and for some limit. */
export const signatureLinesMax = 64;
export const noteBytesMax = 1_000_000;

const typeByte = { log: 0x01, witness: 0x04 } as const;

/** `<name>+<key id>+<base64(type ‖ public key)>`. */
export function formatVkey(engine: Engine, name: string, publicKey: Uint8Array, role: KeyRole = 'log'): string {
  if (!isKeyName(name)) throw new TypeError(`\`${name}\` cannot name a key: no spaces, no plus sign`);
  const material = concat(Uint8Array.of(typeByte[role]), publicKey);
  return `${name}+${keyId(engine, name, material)}+${toBase64(material)}`;
}

/** A verifier key, or null when the text is malformed, its id is wrong, or its algorithm is not one of ours. */
export function parseVkey(engine: Engine, text: string): VerifierKey | null {
  // Base64 has plus signs of its own: only the first two separate.
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text);
  if (!match) return null;
  const [, name, id, encoded] = match as unknown as [string, string, string, string];
  const material = fromBase64(encoded);
  if (!isKeyName(name) || material?.length !== 33 || keyId(engine, name, material) !== id) return null;
  const role = material[0] === typeByte.log ? 'log' : material[0] === typeByte.witness ? 'witness' : null;
  return role && { name, id, role, publicKey: material.slice(1) };
}

/** The note: text, empty line, one signature line per signer. The text ends with a newline. */
export function signNote(engine: Engine, text: string, signers: readonly NoteSigner[]): Uint8Array {
  if (!isNoteText(text)) throw new TypeError('a note is text without control characters that ends with a newline');
  const message = utf8(text);
  const lines = signers.map(({ name, publicKey, sign }) => {
    const id = keyId(engine, name, concat(Uint8Array.of(typeByte.log), publicKey));
    return `— ${name} ${toBase64(concat(fromHex(id)!, sign(message)))}\n`;
  });
  return utf8(`${text}\n${lines.join('')}`);
}

/**
 * The text of a note signed by at least one of the keys. Lines of unknown keys are ignored;
 * a known key's line that fails refuses the whole note, because somebody tried.
 */
export function openNote(engine: Engine, note: Uint8Array, keys: readonly VerifierKey[]): Checked<OpenedNote> {
  const parts = splitNote(note);
  if (!parts) return { ok: false, says: 'it is not a signed note' };
  const signatures: NoteSignature[] = [];
  for (const line of parts.lines) {
    const read = readSignatureLine(line);
    if (!read) return { ok: false, says: 'a signature line is malformed' };
    const key = keys.find((known) => known.name === read.name && known.id === read.id);
    if (!key) continue;
    const checked = checkSignature(engine, key, parts.text, read.signature);
    if (!checked) return { ok: false, says: `the signature of \`${key.name}\` (key ${key.id}) is not genuine` };
    if (!signatures.some((seen) => seen.key === key)) signatures.push(checked);
  }
  if (signatures.length === 0) return { ok: false, says: 'no known key has signed it' };
  return { ok: true, value: { text: parts.text, signatures } };
}

function splitNote(note: Uint8Array): { text: string; lines: string[] } | null {
  const whole = note.length <= noteBytesMax ? utf8Text(note) : null;
  if (whole === null || !isNoteText(whole)) return null;
  const blank = whole.lastIndexOf('\n\n');
  if (blank < 0) return null;
  const lines = whole.slice(blank + 2, -1).split('\n');
  return lines.length <= signatureLinesMax ? { text: whole.slice(0, blank + 1), lines } : null;
}

function readSignatureLine(line: string): { name: string; id: string; signature: Uint8Array } | null {
  const [dash, name, encoded, ...more] = line.split(' ');
  if (dash !== '—' || name === undefined || encoded === undefined || more.length > 0 || !isKeyName(name)) return null;
  const bytes = fromBase64(encoded);
  return bytes && bytes.length > 4 ? { name, id: toHex(bytes.subarray(0, 4)), signature: bytes.subarray(4) } : null;
}

function checkSignature(engine: Engine, key: VerifierKey, text: string, signature: Uint8Array): NoteSignature | null {
  const publicKey = { alg: 'EdDSA', x: key.publicKey } as const;
  if (key.role === 'log') return engine.verify(publicKey, utf8(text), signature) ? { key, timeSeconds: null } : null;
  // tlog-cosignature v1: eight bytes of POSIX seconds before the signature.
  if (signature.length !== 72) return null;
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  const genuine = engine.verify(publicKey, utf8(`cosignature/v1\ntime ${time}\n${text}`), signature.subarray(8));
  return genuine && time <= BigInt(Number.MAX_SAFE_INTEGER) ? { key, timeSeconds: Number(time) } : null;
}

function keyId(engine: Engine, name: string, material: Uint8Array): string {
  return toHex(engine.sha256(concat(utf8(`${name}\n`), material)).subarray(0, 4));
}

function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s\u0085+]/u.test(name);
}

function isNoteText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the standard forbids exactly these.
  return text.endsWith('\n') && text.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/.test(text);
}
