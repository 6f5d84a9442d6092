// The small words of writ.yaml: addresses, durations, names, paths. Each carries the sentence that tells what was
// expected, so that a mistake is answered with the same words in `writ validate`, at start and in the JSON Schema.

import { minorUnits } from '@writ/core';
import * as z from 'zod';

/** Agent keys are the path of the SPIFFE ID: exactly two segments. Contract §5. */
const AGENT_KEY = /^[A-Za-z0-9_-]+\/[A-Za-z0-9_-]+$/;
const SERVER_KEY = /^[A-Za-z0-9_-]+$/;

const ADDRESS = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$/;
const DURATION = /^[1-9][0-9]{0,5}[smhd]$/;
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const textCharsMax = 4096;

/** Text of one form. `expected` completes the sentence "expected …". */
export function word(form: RegExp, expected: string) {
  return z
    .string({ error: expected })
    .max(textCharsMax, { error: expected })
    .regex(form, { error: expected })
    .describe(expected);
}

/** A map with these keys and no others. */
export function closed<Shape extends z.ZodRawShape>(shape: Shape, expected: string) {
  const keys = Object.keys(shape)
    .map((key) => `\`${key}\``)
    .join(', ');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? `one of ${keys}` : expected),
  });
}

export function listOf<Item extends z.ZodType>(item: Item, expected: string) {
  return z.array(item, { error: `a list of ${expected}` });
}

export function oneOfWords<const Words extends readonly [string, ...string[]]>(words: Words) {
  const expected = words.map((one) => `\`${one}\``).join(' or ');
  return z.enum(words, { error: expected }).describe(expected);
}

/** Exactly one of these keys of a map is set; of all its keys where none is named. */
export function oneOf(...keys: readonly string[]) {
  return (value: object): boolean =>
    Object.entries(value).filter(([key, one]) => one !== undefined && (keys.length === 0 || keys.includes(key)))
      .length === 1;
}

export function wholeNumber(min: number, max: number, what: string) {
  const error = `${what}, a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error }).describe(what);
}

export const flag = z.boolean({ error: '`true` or `false`' });

export const someText = word(/\S/, 'text that is not empty');

export const path = word(/^[^\0]+$/, 'a path; a relative one starts at the folder of this file');

export const address = word(ADDRESS, 'an address `host:port`, such as `127.0.0.1:8443`; port 0 lets the system choose');

export const duration = word(DURATION, 'a duration, such as `90s`, `15m`, `12h` or `7d`');

export const day = word(DATE, 'a day, such as `2027-06-30`').refine(isDay, { error: 'a day that exists' });

export const webUrl = word(/^https?:\/\/\S+$/, 'a URL with `https://` or `http://`').refine(
  (text) => isPlainUrl(text),
  {
    error: 'a URL without user, query or fragment',
  },
);

export const agentKey = word(AGENT_KEY, 'an agent key of two segments `type/instance`, letters, digits, `_` and `-`');

export const serverKey = word(SERVER_KEY, 'a server key of one segment, letters, digits, `_` and `-`');

export const scope = word(/^[^\s:]+:\S+$/, 'a scope `server:tool` or `type/instance:send`');

export const environmentName = word(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable');

export const LIMIT = /^(\d{1,15}(?:\.\d{1,3})?) (calls|[A-Z]{3})$/;

/** `20 calls`, `500.00 EUR`: the number in calls or minor units; null for a fraction of either. */
export function ceilingOf(text: string): { readonly unit: string; readonly max: number } | null {
  const [, number = '', unit = ''] = LIMIT.exec(text) ?? [];
  const max = unit === 'calls' ? wholeOf(number) : minorUnits(number, unit);
  return max === null ? null : { unit, max };
}

function wholeOf(text: string): number | null {
  return /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : null;
}

/** Seconds of `90s`, `15m`, `12h`, `7d`. The form was checked by `duration`. */
export function durationSeconds(text: string): number {
  const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 }[text.at(-1)!]!;
  return Number(text.slice(0, -1)) * unitSeconds;
}

function isDay(text: string): boolean {
  const at = new Date(`${text}T00:00:00Z`);
  // A day past the end of its month rolls over instead of failing.
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

export function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}
