// Values that the person wrote down: accounts, addresses, links, ids and places in a file tree. What a task's arguments may be bound
// to when its token is issued, so a find here narrows; what cannot be told apart for certain binds nothing.

import type { JsonValue } from '../../std/json.ts';
import { activeTokensIn, idsIn } from './active.ts';
import type { Prompt } from './prompt.ts';
import { typedKey } from './typed-value.ts';
import { urlsIn, urlText } from './url.ts';

/** The types of a target that a prompt can name. `path`: from the root of a file tree. */
export type LiteralType = 'iban' | 'email' | 'url' | 'id' | 'path';

/** Each value in every spelling that is the same value (rules §3.8). An empty list: the prompt names none. */
export type Literals = { readonly [Type in LiteralType]: readonly JsonValue[] };

export function literalsOf(prompt: Prompt): Literals {
  const text = prompt.instructions.map((one) => one.text).join('\n');
  const { tokens, more } = activeTokensIn(text);
  // Too many to list all of them: a list that lacks one would refuse what was asked for.
  if (more) return { iban: [], email: [], url: [], id: [], path: [] };
  const ofType = (wanted: string) => tokens.filter(({ type }) => type === wanted).map((token) => token.text);
  const urls = urlsIn(text)
    .map(({ url }) => url)
    .filter((url) => urlText(url) !== null && !url.includes('@'));
  const others = tokens.filter(({ type }) => type !== 'id').map((token) => token.text);
  const ids = [...ofType('id'), ...idsIn(without(text, others)).filter(isId)];
  return {
    iban: ofType('iban').length === 0 ? [] : spelt([...ofType('iban').flatMap(ibanSpellings), ...ids]),
    email: spelt(ofType('email').flatMap((address) => [address, address.toLowerCase()])),
    // A file name reads like a host, so a bare host alone does not say that the person means the web.
    url: urls.some(isPlainlyUrl) ? spelt(urls.flatMap(urlSpellings)) : [],
    id: spelt(ids.flatMap((id) => [id, ...numberOf(id)])),
    path: spelt(pathsIn(text)),
  };
}

/** An account number or an address is no id of anything else. */
function without(text: string, tokens: readonly string[]): string {
  return tokens.reduce((rest, token) => rest.replaceAll(token, ' '), text);
}

function spelt(values: readonly JsonValue[]): readonly JsonValue[] {
  return [...new Set(values)];
}

/** Letters and digits in one: a number alone may be an amount, and a date is one. */
function isId(token: string): boolean {
  return /\p{L}/u.test(token) && typedKey('date', token) === null && typedKey('number', token) === null;
}

function numberOf(id: string): readonly number[] {
  return /^[1-9]\d*$/.test(id) && Number.isSafeInteger(Number(id)) ? [Number(id)] : [];
}

function ibanSpellings(text: string): readonly string[] {
  const compact = text.replace(/[\s-]/g, '').toUpperCase();
  return [text, compact, compact.replace(/(.{4})(?=.)/g, '$1 ')];
}

function isPlainlyUrl(url: string): boolean {
  return /^https?:\/\//i.test(url) || /^www\./i.test(url);
}

/** Scheme, case of the host and a final slash do not count. */
function urlSpellings(url: string): readonly string[] {
  const form = urlText(url)!;
  const web = /^[a-z][a-z0-9+.-]*:\/\//i.test(form) ? [form] : [form, `http://${form}`, `https://${form}`];
  return [url, ...web.flatMap((one) => (/[?#]/.test(one) ? [one] : [one, `${one}/`]))];
}

const ABSOLUTE = /(?<![^\s"'`(])(?:\/[^\s"'`<>|*?:,;()[\]{}]+|[A-Za-z]:\\[^\s"'`<>|*?:,;()[\]{}]+)/gu;
/** `docs/a.md`, `./a`, `a.txt`: from where they are meant only the tool knows. */
const RELATIVE =
  /(?<![^\s"'`(])(?:\.{0,2}[^\s"'`/\\<>:@]+[/\\][^\s"'`<>:@]*|[^\s"'`/\\<>:@]+\.[a-z][a-z0-9]{0,4}(?![\p{L}\p{N}]))/iu;

/** None where the prompt also names a place that cannot be bound. */
function pathsIn(text: string): readonly string[] {
  const rest = text.replace(/[a-z][a-z0-9+.-]{1,20}:\/\/\S+/giu, ' ');
  const paths = [...rest.matchAll(ABSOLUTE)].map(([run]) => run.replace(/[.!'*_]+$/u, ''));
  const isOpen = paths.some((path) => path.length < 2) || rest.replace(ABSOLUTE, ' ').search(RELATIVE) >= 0;
  return isOpen ? [] : paths;
}
