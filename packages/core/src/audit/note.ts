// Signed notes of C2SP (signed-note v1.0.0) and the keys that open them. Log keys sign the text (type 0x01); cosigners sign
// what it says together with a time (types 0x04 and 0x06, cosign.ts). What the text says is checkpoint-text.ts.

import { fromBase64, toBase64 } from '../std/base64.ts';
import { concat, fromHex, toHex, utf8, utf8Text } from '../std/bytes.ts';
import type { Engine, PublicKey } from '../std/engine.ts';
import { cosignedMessage } from './cosign.ts';

/** A value, or one sentence for the operator that says why there is none. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly says: string };

/**
 * `log`: Ed25519 over the note text, 0x01. `witness`: Ed25519 over time and text, 0x04.
 * `cosigner`: ML-DSA-44 over time and checkpoint, 0x06: the log's own second key where it bears the log's name, else a witness's.
 */
export type KeyRole = 'log' | 'witness' | 'cosigner';

export interface VerifierKey {
  readonly name: string;
  /** Eight lower-case hex digits. */
  readonly id: string;
  readonly role: KeyRole;
  /** Ed25519, 32 bytes; ML-DSA-44, 1312 bytes. */
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
  /** When a cosigner saw it; null for a signature over the text alone. */
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

const algorithms = {
  log: { typeByte: 0x01, alg: 'EdDSA', keyBytes: 32, signatureBytes: 64 },
  witness: { typeByte: 0x04, alg: 'EdDSA', keyBytes: 32, signatureBytes: 64 },
  cosigner: { typeByte: 0x06, alg: 'ML-DSA-44', keyBytes: 1312, signatureBytes: 2420 },
} as const;

/** `<name>+<key id>+<base64(type ‖ public key)>`. */
export function formatVkey(engine: Engine, name: string, publicKey: Uint8Array, role: KeyRole = 'log'): string {
  if (!isKeyName(name)) throw new TypeError(`\`${name}\` cannot name a key: no spaces, no plus sign`);
  return `${name}+${keyId(engine, name, role, publicKey)}+${toBase64(material(role, publicKey))}`;
}

/** A verifier key, or null when the text is malformed, its id is wrong, or its algorithm is not one the engine knows. */
export function parseVkey(engine: Engine, text: string): VerifierKey | null {
  // Base64 has plus signs of its own: only the first two separate.
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text);
  if (!match) return null;
  const [, name, id, encoded] = match as unknown as [string, string, string, string];
  const bytes = fromBase64(encoded);
  const role = keyRoles.find((one) => algorithms[one].typeByte === bytes?.[0]);
  if (!bytes || !role || !isKeyName(name)) return null;
  const { keyBytes, alg } = algorithms[role];
  const publicKey = bytes.slice(1);
  if (publicKey.length !== keyBytes || keyId(engine, name, role, publicKey) !== id || !engine.knows(alg)) return null;
  return { name, id, role, publicKey };
}

const keyRoles = Object.keys(algorithms) as KeyRole[];

/** The note: text, empty line, one signature line per signer. The text ends with a newline. */
export function signNote(engine: Engine, text: string, signers: readonly NoteSigner[]): Uint8Array {
  if (!isNoteText(text)) throw new TypeError('a note is text without control characters that ends with a newline');
  const message = utf8(text);
  const lines = signers.map(({ name, publicKey, sign }) => {
    return `— ${name} ${toBase64(concat(fromHex(keyId(engine, name, 'log', publicKey))!, sign(message)))}\n`;
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
  const checked = checkLines(engine, parts.text, parts.lines, keys);
  if (!checked.ok) return checked;
  const signatures = checked.value.map(({ signature }) => signature);
  return { ok: true, value: { text: parts.text, signatures } };
}

export interface SignatureLine {
  /** As it stands in a note, with its newline. */
  readonly line: string;
  readonly signature: NoteSignature;
}

/** The signature lines over a note's text that somebody else sent, of these keys; the same rules as for a whole note. */
export function checkSignatureLines(
  engine: Engine,
  text: string,
  sent: Uint8Array,
  keys: readonly VerifierKey[],
): Checked<readonly SignatureLine[]> {
  const whole = sent.length <= noteBytesMax ? utf8Text(sent) : null;
  const lines = whole?.endsWith('\n') ? whole.slice(0, -1).split('\n') : [];
  if (lines.length < 1 || lines.length > signatureLinesMax)
    return { ok: false, says: 'it is not a list of signatures' };
  return checkLines(engine, text, lines, keys);
}

function checkLines(
  engine: Engine,
  text: string,
  lines: readonly string[],
  keys: readonly VerifierKey[],
): Checked<readonly SignatureLine[]> {
  const found: SignatureLine[] = [];
  for (const line of lines) {
    const read = readSignatureLine(line);
    if (!read) return { ok: false, says: 'a signature line is malformed' };
    const key = keys.find((known) => known.name === read.name && known.id === read.id);
    if (!key) continue;
    const signature = checkSignature(engine, key, text, read.signature);
    if (!signature) return { ok: false, says: `the signature of \`${key.name}\` (key ${key.id}) is not genuine` };
    if (!found.some((seen) => seen.signature.key === key)) found.push({ line: `${line}\n`, signature });
  }
  if (found.length === 0) return { ok: false, says: 'no known key has signed it' };
  return { ok: true, value: found };
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
  const { alg, signatureBytes } = algorithms[key.role];
  const publicKey: PublicKey = { alg, x: key.publicKey };
  if (key.role === 'log') return engine.verify(publicKey, utf8(text), signature) ? { key, timeSeconds: null } : null;
  // tlog-cosignature: eight bytes of POSIX seconds before the signature.
  if (signature.length !== 8 + signatureBytes) return null;
  const timeSeconds = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  const message = cosignedMessage({ name: key.name, role: key.role, timeSeconds, text });
  const genuine = message !== null && engine.verify(publicKey, message, signature.subarray(8));
  return genuine && timeSeconds <= BigInt(Number.MAX_SAFE_INTEGER) ? { key, timeSeconds: Number(timeSeconds) } : null;
}

/** The first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key), in hex. */
export function keyId(engine: Engine, name: string, role: KeyRole, publicKey: Uint8Array): string {
  return toHex(engine.sha256(concat(utf8(`${name}\n`), material(role, publicKey))).subarray(0, 4));
}

function material(role: KeyRole, publicKey: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(algorithms[role].typeByte), publicKey);
}

function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s\u0085+]/u.test(name);
}

function isNoteText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the standard forbids exactly these.
  return text.endsWith('\n') && text.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/.test(text);
}
