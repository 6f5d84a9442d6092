// AIP's scope patterns: a tool's name, a prefix that ends in `*`, or `*` alone. Draft -01 §3.2, profiles Simple and Standard.

/** `simple` knows names only, `standard` prefixes too. The third, free Datalog, is refused. */
export type Profile = 'simple' | 'standard';

/** Does holding `pattern` include `value`, a name or a pattern itself? A name never widens to a prefix. */
function patternCovers(pattern: string, value: string): boolean {
  if (!pattern.endsWith('*')) return pattern === value;
  return value.startsWith(pattern.slice(0, -1));
}

export function anyPatternCovers(patterns: readonly string[], value: string): boolean {
  return patterns.some((pattern) => patternCovers(pattern, value));
}

export function isPrefix(pattern: string): boolean {
  return pattern.endsWith('*');
}

// A quotation mark or backslash closes or bends a term wherever Datalog is printed and read again, and a control character
// splits it in two (lab aip §3.8, number 2).
const UNSAFE = /["\\\p{Cc}\p{Bidi_Control}]/u;
const charsMax = 512;

/** Text that every reader of Datalog reads alike, not blank and not long. */
export function isSafeText(text: string): boolean {
  return text.length <= charsMax && text.trim() !== '' && text.isWellFormed() && !UNSAFE.test(text);
}
