// Where does a value stand in text as a token of its own? `bob` does not stand in `bob@evil.example`, nor `bank.example` in
// `bank.example.evil.example`. Offsets are evidence and count in NFKC text.

import { dayOf, daysIn, type FoundDay, sameDay } from './calendar.ts';
import { normal, type Scalar, shortNumber, typedKey, type ValueType } from './typed-value.ts';
import { charBefore, eachUrl } from './url.ts';

/** Offset of the first bounded occurrence in NFKC text, or -1. */
export type Finder = (text: string) => number;

/** Prepared once per value, used on many texts. */
export function finderOf(type: ValueType, value: Scalar): Finder {
  if (typeof value === 'boolean') return () => -1; // no word of a text means it
  const key = typedKey(type, value);
  const exact = literalFinder(String(value), true);
  const literal = type === 'id' ? exact : literalFinder(String(value), false);
  if (key === null) return literal;
  switch (type) {
    case 'iban':
      return ibanFinder(key.slice('iban:'.length));
    case 'email':
      return either(emailFinder(key), literal);
    case 'url':
      return isCutShort(value) ? either(urlFinder(key), exact) : urlFinder(key);
    case 'number':
      return numberFinder(shortNumber(String(value))!);
    case 'date':
      return dateFinder(String(value));
    case 'id':
    case 'text':
      return literal;
  }
}

function either(one: Finder, other: Finder): Finder {
  return (text) => {
    const at = one(text);
    return at >= 0 ? at : other(text);
  };
}

/** A URL with a bracket or a comma in it is cut short by the search, so it is looked for as it is, too. */
export function isCutShort(url: Scalar): boolean {
  return /[<>"'`|(),;[\]{}]/.test(String(url));
}

function urlFinder(key: string): Finder {
  return (text) => first(eachUrl(text), ({ url }) => typedKey('url', url) === key);
}

function literalFinder(value: string, isExact: boolean): Finder {
  const words = normal(value).trim();
  if (words === '') return () => -1;
  if (words.length > searchedCharsMax) return longFinder(words);
  return patternFinder(words.split(/\s+/u).map(escaped).join('\\s+'), isExact ? 'gu' : 'giu');
}

/** Longer values are whole texts: they are looked for as they are, since no pattern should grow to that size. */
const searchedCharsMax = 1000;

function longFinder(words: string): Finder {
  return (text) => {
    const at = text.indexOf(words);
    return at >= 0 && startsToken(text, at) && endsToken(text, at + words.length) ? at : -1;
  };
}

function patternFinder(
  pattern: string,
  flags: 'gu' | 'giu',
  also: (text: string, start: number, end: number) => boolean = () => true,
): Finder {
  const search = new RegExp(pattern, flags);
  return (text) => {
    for (const match of text.matchAll(search)) {
      const end = match.index + match[0].length;
      if (startsToken(text, match.index) && endsToken(text, end) && also(text, match.index, end)) return match.index;
    }
    return -1;
  };
}

function ibanFinder(compact: string): Finder {
  // Written in groups it might go on after the next space: the number of `GB29 NWBK 6016 13` is not `GB29NWBK6016`.
  const isWhole = (text: string, start: number, end: number): boolean =>
    !/[ -]/.test(text.slice(start, end)) || !/^[ -]\d/.test(text.slice(end));
  return patternFinder([...compact].join('[ -]?'), 'giu', isWhole);
}

// Bounded, and begun only where an address can begin (RFC 5321 §4.5.3.1): the text is an outsider's.
const ADDRESS = /(?<![^\s<>"(),:;@[\]\\])[^\s<>"(),:;@[\]\\]{1,64}@[^\s<>"'(),:;@[\]\\]{1,255}/gu;

function emailFinder(key: string): Finder {
  return (text) => first(addressesIn(text), ({ address }) => typedKey('email', address) === key);
}

interface Found {
  readonly start: number;
}

function first<Token extends Found>(tokens: Iterable<Token>, isIt: (token: Token) => boolean): number {
  for (const token of tokens) if (isIt(token)) return token.start;
  return -1;
}

export function* addressesIn(text: string): Generator<Found & { readonly address: string }> {
  if (!text.includes('@')) return;
  for (const { 0: run, index } of text.matchAll(ADDRESS)) yield { address: addressIn(run), start: index };
}

/** Without the punctuation after it; a full stop followed by a capital ends it. */
function addressIn(run: string): string {
  const at = run.indexOf('@');
  const domain = run.slice(at + 1).replace(/\.(?=\p{Lu}).*$/u, '');
  return `${run.slice(0, at).replace(/^['*_]+/, '')}@${domain.replace(/[.!?'*_/]+$/, '')}`;
}

const NUMERAL = /[+-]?\d(?:[\d.,]*\d)?(?:[eE][+-]?\d{1,3})?/gu;

function numberFinder(short: string): Finder {
  return (text) => first(numbersIn(text), (found) => found.short === short);
}

/** In the short form; `10%` and `10k` are other amounts than 10. */
export function* numbersIn(text: string): Generator<Found & { readonly short: string }> {
  for (const { 0: run, index } of text.matchAll(NUMERAL)) {
    const end = index + run.length;
    if (text[end] === '%' || !startsToken(text, index) || !endsToken(text, end)) continue;
    const short = shortNumber(run);
    if (short !== null) yield { short, start: index };
  }
}

function dateFinder(value: string): Finder {
  const day = dayOf(normal(value))!;
  return (text) => first(boundedDaysIn(text), (found) => sameDay(found, day));
}

export function boundedDaysIn(text: string): readonly FoundDay[] {
  return daysIn(text).filter(({ start, end }) => startsToken(text, start) && endsToken(text, end));
}

// Parted anywhere, as the search for one account number allows; twelve characters are its shortest form.
const IBAN_HEAD =
  /(?<![\p{L}\p{N}\p{M}\p{Cf}_])(?=[a-z][ -]?[a-z][ -]?\d[ -]?\d)(?=((?:[a-z0-9][ -]?){11}[a-z0-9]))/giu;
const ibanHeadChars = 12;

/** The first characters of whatever may be an account number, where one may begin. */
export function* ibanHeadsIn(text: string): Generator<string> {
  for (const [, head] of text.matchAll(IBAN_HEAD)) yield ibanHead(head!.replace(/[ -]/g, ''));
}

export function ibanHead(compact: string): string {
  return compact.slice(0, ibanHeadChars).toUpperCase();
}

export const TOKEN = /[\p{L}\p{N}\p{M}\p{Cf}_]/u;
/** Between two token characters these make one token of both: `a.b`, `a-b`, `a@b`, `a/b`, `a:b`. */
const JOINER = /[.@/\\:+%&=#~?\p{Pd}]/u;

/** A longer run of them belongs to no token that anybody means. */
const joinersMax = 16;

function endsToken(text: string, at: number): boolean {
  if (text[at] === ' ') return true; // nearly always, and the quickest to see
  let i = at;
  while (i - at < joinersMax && JOINER.test(charAt(text, i))) i += charAt(text, i).length;
  const next = charAt(text, i);
  if (i - at >= joinersMax) return false;
  if (!TOKEN.test(next)) return true;
  // A full stop followed by a capital is a sentence that lost its space.
  return text.slice(at, i) === '.' && /\p{Lu}/u.test(next);
}

function startsToken(text: string, at: number): boolean {
  if (text[at - 1] === ' ') return true;
  let i = at;
  while (at - i < joinersMax && JOINER.test(charBefore(text, i))) i -= charBefore(text, i).length;
  const joiners = text.slice(i, at);
  if (!TOKEN.test(charBefore(text, i))) return joiners === '' || MENTIONS.has(joiners);
  return joiners === '.' && /\p{Lu}/u.test(charAt(text, at));
}

/** In front of a token these only point at it; `/etc`, `.env` and `-5` are other things than `etc`, `env` and `5`. */
const MENTIONS = new Set(['@', '#', ':', '=']);

function charAt(text: string, at: number): string {
  return at < text.length ? String.fromCodePoint(text.codePointAt(at)!) : '';
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
