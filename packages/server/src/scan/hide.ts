// The last look before anything leaves: whatever secret the scan met is taken out of every text, even where a rule quoted a command
// or an address that holds one.

import { redacted } from './secrets.ts';

/** Shorter ones are words by chance, and the rules show none of them either. */
const hiddenCharsMin = 6;

export interface Hider {
  /** For people: the first characters stay. */
  readonly text: (text: string) => string;
  /** For a piece of writ.yaml, which has to load: a word of letters. */
  readonly fix: (text: string) => string;
}

/** Longer secrets first, since one may contain another. */
export function hider(secrets: readonly string[]): Hider {
  const all = [...new Set(secrets.flatMap(spellings))]
    .filter((one) => one.length >= hiddenCharsMin)
    .toSorted((a, b) => b.length - a.length);
  const replaceAll = (text: string, by: (secret: string) => string) =>
    all.reduce((rest, secret) => (rest.includes(secret) ? rest.replaceAll(secret, () => by(secret)) : rest), text);
  return {
    text: (text) => replaceAll(text, (secret) => redacted(secret).split(',')[0]!),
    fix: (text) => replaceAll(text, () => 'SECRET'),
  };
}

/** As it is, in a URL, and inside a JSON or YAML text. */
function spellings(secret: string): readonly string[] {
  const text = secret.toWellFormed();
  return [secret, encodeURIComponent(text), JSON.stringify(secret).slice(1, -1)];
}
