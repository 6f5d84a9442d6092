// Does something secret leave in an argument? As it is, in a piece of twelve characters or more, or written as base64, hex or
// percent (rules §3.11). Rewriting it in other words is beyond string matching, and docs/threat-model.md says so.

import { fromBase64Url } from '../../std/base64.ts';
import { fromHex } from '../../std/bytes.ts';
import { normal } from './typed-value.ts';

export const pieceCharsMin = 12;
/** A shorter secret stands in every text; it leaves only as a whole argument. */
const searchedCharsMin = 4;
/** Encodings inside encodings are undone this often. */
const decodeRounds = 2;

/** Prepared once per argument. */
export interface Carrier {
  readonly whole: string;
  /** The text and everything it could stand for. */
  readonly readings: readonly string[];
}

export function carrierOf(argument: string): Carrier {
  const readings = new Set([argument]);
  let fresh: readonly string[] = [argument];
  for (let round = 0; round < decodeRounds; round++) {
    fresh = fresh.flatMap(decodings).filter((text) => !readings.has(text));
    for (const text of fresh) readings.add(text);
  }
  return { whole: folded(argument), readings: [...readings].map(folded) };
}

/** Is the secret, or enough of it, in there? */
export function carries(carrier: Carrier, secret: string): boolean {
  const wanted = folded(secret);
  if (wanted === '') return false;
  if (wanted.length < searchedCharsMin) return carrier.whole === wanted;
  return carrier.readings.some((reading) => reading.includes(wanted) || sharesPiece(reading, wanted));
}

function sharesPiece(reading: string, wanted: string): boolean {
  if (wanted.length <= pieceCharsMin || reading.length < pieceCharsMin) return false;
  const [shorter, longer] = reading.length < wanted.length ? [reading, wanted] : [wanted, reading];
  const pieces = new Set<string>();
  for (let at = 0; at + pieceCharsMin <= shorter.length; at++) pieces.add(shorter.slice(at, at + pieceCharsMin));
  for (let at = 0; at + pieceCharsMin <= longer.length; at++) {
    if (pieces.has(longer.slice(at, at + pieceCharsMin))) return true;
  }
  return false;
}

/** Case and separators do not hide a number or a key. */
function folded(text: string): string {
  return normal(text)
    .toLowerCase()
    .replace(/[\s\p{Pd}\p{Cf}]+/gu, '');
}

function decodings(text: string): readonly string[] {
  return [
    ...percentDecoded(text),
    ...runs(text, /[0-9a-fA-F]{8,}/g, hexTexts),
    ...runs(text, /[A-Za-z0-9+/_-]{6,}/g, base64Texts),
  ];
}

function percentDecoded(text: string): readonly string[] {
  if (!/%[0-9a-fA-F]{2}/.test(text)) return [];
  const bytes = /(?:%[0-9a-fA-F]{2})+/g;
  return [text.replace(bytes, (run) => textOf(fromHex(run.replaceAll('%', ''))!))];
}

function runs(text: string, form: RegExp, read: (run: string) => readonly string[]): readonly string[] {
  return (text.match(form) ?? []).flatMap(read);
}

function hexTexts(run: string): readonly string[] {
  return [run.slice(0, run.length & ~1), run.slice(1, 1 + ((run.length - 1) & ~1))].map((hex) => textOf(fromHex(hex)!));
}

/** A run may begin anywhere in a group of four, and what surrounds it may be of the alphabet too. */
function base64Texts(run: string): readonly string[] {
  const alphabet = run.replaceAll('+', '-').replaceAll('/', '_');
  return [0, 1, 2, 3].flatMap((skip) => {
    const whole = alphabet.slice(skip);
    const groups = whole.slice(0, whole.length - (whole.length % 4));
    const rest = whole.slice(groups.length);
    // The last incomplete group holds one or two bytes, and its spare bits are zero only when the run ends there.
    const tail = rest.length >= 2 ? fromBase64Url(rest) : null;
    const bytes = fromBase64Url(groups);
    if (bytes === null || bytes.length + (tail?.length ?? 0) === 0) return [];
    return [textOf(tail === null ? bytes : new Uint8Array([...bytes, ...tail]))];
  });
}

const decoder = new TextDecoder('utf-8');

/** Bytes that are no text become replacement characters, which match nothing. */
function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
