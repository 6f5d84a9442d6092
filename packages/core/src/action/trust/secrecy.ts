// Does something secret leave in an argument? As it is, in a piece of twelve characters or more, or written as base64, hex or
// percent (rules §3.11). Rewriting it in other words is beyond string matching, and docs/threat-model.md says so.

import { fromBase64Url } from '../../std/base64.ts';
import { concat, fromHex } from '../../std/bytes.ts';
import { sharePiece } from './pieces.ts';
import { normal, type Scalar } from './typed-value.ts';

export const pieceCharsMin = 12;
/** A shorter secret stands in every text; it leaves only as a whole argument. */
const searchedCharsMin = 4;
/** Encodings inside encodings are undone this often. */
const decodeRounds = 2;

/** A field of the evidence, or whatever else says one secret and never another. */
interface Secret {
  readonly value: Scalar;
}

/** Position of the first argument in which one of the secrets, or enough of it, leaves; null when none does. */
export function firstCarrier(args: readonly string[], secrets: readonly Secret[]): number | null {
  const wanted = [...new Set(secrets.map(foldedOnce))].filter((secret) => secret !== '');
  if (wanted.length === 0) return null;
  const short = new Set(wanted.filter(({ length }) => length < searchedCharsMin));
  const whole = args.findIndex((argument) => short.has(folded(argument)));
  if (short.size === wanted.length) return whole < 0 ? null : whole;
  const readings = (whole < 0 ? args : args.slice(0, whole)).map(readingsOf);
  const byLength = Map.groupBy(wanted, ({ length }) => Math.min(length, pieceCharsMin));
  const heaps = [...byLength].filter(([length]) => length >= searchedCharsMin);
  const leaves = (from: number, to: number): boolean => {
    const texts = readings.slice(from, to).flat();
    return heaps.some(([length, heap]) => sharePiece(texts, heap, length));
  };
  // All at once, since nearly always none does; then by halves.
  let [from, to] = [0, readings.length];
  if (!leaves(from, to)) return whole < 0 ? null : whole;
  while (to - from > 1) {
    const middle = (from + to) >> 1;
    if (leaves(from, middle)) to = middle;
    else from = middle;
  }
  return from;
}

const foldings = new WeakMap<Secret, string>();

/** Secrets are asked about at each call of their task. */
function foldedOnce(secret: Secret): string {
  const known = foldings.get(secret);
  if (known !== undefined) return known;
  const text = folded(String(secret.value));
  foldings.set(secret, text);
  return text;
}

/** The text and everything it could stand for. */
function readingsOf(argument: string): readonly string[] {
  const readings = new Set([argument]);
  let fresh: readonly string[] = [argument];
  for (let round = 0; round < decodeRounds; round++) {
    fresh = fresh.flatMap(decodings).filter((text) => !readings.has(text));
    for (const text of fresh) readings.add(text);
  }
  return [...readings].map(folded);
}

/** Case and separators do not hide a number or a key. */
function folded(text: string): string {
  return normal(text)
    .toLowerCase()
    .replace(/[\s\p{Pd}\p{Cf}]+/gu, '');
}

/** Broken into lines, or bytes with something between them, an encoding is still the same. */
const BETWEEN = /(?<=[0-9A-Za-z+/_=-])[\s:,;.|]{1,4}(?:0x|\\x)?(?=[0-9A-Za-z+/_-])/g;

function decodings(text: string): readonly string[] {
  const joined = text.replace(BETWEEN, '');
  return [...decodingsAsWritten(text), ...(joined === text ? [] : decodingsAsWritten(joined))];
}

function decodingsAsWritten(text: string): readonly string[] {
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
    return [textOf(tail === null ? bytes : concat(bytes, tail))];
  });
}

const decoder = new TextDecoder('utf-8');

/** Bytes that are no text become replacement characters, which match nothing. */
function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
