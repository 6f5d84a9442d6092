// The last look before anything leaves: whatever secret the scan met is taken out of every text, even where a rule quoted a command
// or an address that holds one.

import { redacted } from './secrets.ts';

/** Replaces each secret by its first characters. Longer ones first, since one may contain another. */
export function hider(secrets: readonly string[]): (text: string) => string {
  const all = [...new Set(secrets.flatMap(spellings))]
    .filter((one) => one.length >= 4)
    .toSorted((a, b) => b.length - a.length);
  return (text) =>
    all.reduce(
      (rest, secret) =>
        rest.includes(secret) ? rest.replaceAll(secret, () => `${redacted(secret).split(',')[0]}`) : rest,
      text,
    );
}

/** As it is, in a URL, and inside a JSON or YAML text. */
function spellings(secret: string): readonly string[] {
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
}
