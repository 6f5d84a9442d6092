// Words of a text as numbers, so that a value need only be looked for where all its words stand. A filter, never an answer: two words
// may share a number, and what passes is compared in full (tokens.ts).

import { termsMax } from './postings.ts';
import { TOKEN } from './tokens.ts';
import { normal } from './typed-value.ts';

/** As many as an index tells apart (postings.ts), so that it always has room for all words. */
const wordsMask = termsMax - 1;

/**
 * Numbers of the runs of word characters, in order. INVARIANT: where a value stands bounded in a text (rules §3.8), with or without its
 * case, each of its words is a word of the text. For that every word character is a token character, and both ends of a value are
 * where no token character stands next to it. Ends early when `take` says false.
 */
export function eachWord(text: string, take: (word: number) => unknown): void {
  let hash = 0;
  let isOpen = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const folded = (unit < 128 ? ASCII : rowOf(unit >> 7))[unit & 127]!;
    if (folded !== 0) {
      // FNV-1a, begun anew with each word.
      hash = Math.imul((isOpen ? hash : 0x811c9dc5) ^ folded, 0x01000193);
      isOpen = true;
    } else if (isOpen) {
      if (take((hash >>> 2) & wordsMask) === false) return;
      isOpen = false;
    }
  }
  if (isOpen) take((hash >>> 2) & wordsMask);
}

/** Are all words of the text among these? */
export function everyWord(text: string, words: ReadonlySet<number>): boolean {
  let isEvery = true;
  eachWord(normal(text), (word) => {
    isEvery = words.has(word);
    return isEvery;
  });
  return isEvery;
}

export function wordsIn(text: string): ReadonlySet<number> {
  const words = new Set<number>();
  eachWord(text, (word) => words.add(word));
  return words;
}

/** One number for all cases of a character that a search without case takes for one another; 0 for what is in no word. */
export function foldedUnit(unit: number): number {
  const char = String.fromCharCode(unit);
  // Halves of a pair never match alone. U+FEFF is white space and a token character; as white space it parts words.
  if (!TOKEN.test(char) || /[\s\ud800-\udfff]/u.test(char)) return 0;
  const upper = char.toUpperCase();
  const lower = (upper.length === 1 ? upper : char).toLowerCase();
  return (lower.length === 1 ? lower : char).charCodeAt(0);
}

const rows: (Uint16Array | undefined)[] = [];
const ASCII = rowOf(0);

/** 128 characters at a time, since most texts are written in few alphabets. */
function rowOf(row: number): Uint16Array {
  rows[row] ??= Uint16Array.from({ length: 128 }, (_, i) => foldedUnit((row << 7) | i));
  return rows[row];
}
