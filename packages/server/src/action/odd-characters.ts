// Characters that a person does not see and a model reads: what a poisoned description hides in (rules §3.7). Tags, variation
// selectors and characters of no width carry whole sentences; letters of two scripts in one word are another word.

const INVISIBLE =
  /[\p{Cf}\p{Co}\p{Cn}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2028\u2029\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]|[\p{Cc}--[\t\n\r]]/gv;
const BLANK = /[\p{Zs}--[ ]]/gv;
const MIXED = /(?=[\p{L}]*\p{Script=Latin})(?=[\p{L}]*[\p{Script=Cyrillic}\p{Script=Greek}])\p{L}+/gu;

export function oddCharactersIn(text: string): boolean {
  return [INVISIBLE, BLANK, MIXED].some((pattern) => text.search(pattern) >= 0);
}

/** The same text with each of them spelled out: `<U+200B>`; a word of mixed scripts with its foreign letters. */
export function withOddShown(text: string): string {
  return text
    .replace(MIXED, (word) =>
      word.replace(/[\p{Script=Cyrillic}\p{Script=Greek}]/gu, (letter) => `${letter}${spelled(letter)}`),
    )
    .replace(INVISIBLE, spelled)
    .replace(BLANK, spelled);
}

function spelled(character: string): string {
  return `<U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`;
}
