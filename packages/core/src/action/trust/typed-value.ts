// When are two spellings one value? Each type has a normal form (rules §3.8): NFKC first, then what case and separators mean for
// it. What does not parse as its type is compared as text. Prompt and outputs use this same comparison.

import { DECIMAL } from '../../std/decimal.ts';
import { dayOf } from './calendar.ts';
import { hostText, urlText } from './url.ts';

export type ValueType = 'iban' | 'email' | 'url' | 'id' | 'number' | 'date' | 'text';

/** A leaf that can be compared. */
export type Scalar = string | number | boolean;

export function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** `<type>:<normal form>`: equal exactly when the values are. As text where it does not parse as the type. */
export function valueKey(type: ValueType, value: Scalar): string {
  return typedKey(type, value) ?? `text:${textForm(String(value))}`;
}

/** The same, or null where the value does not parse as the type. */
export function typedKey(type: ValueType, value: Scalar): string | null {
  const form = FORMS[type](value);
  return form === null || form === '' ? null : `${type}:${form}`;
}

/** Compatibility forms (full-width letters, ligatures, no-break spaces) are one with what they stand for. Homoglyphs are not. */
export function normal(text: string): string {
  return text.normalize('NFKC');
}

const FORMS: { readonly [Type in ValueType]: (value: Scalar) => string | null } = {
  iban: (value) => ibanForm(String(value)),
  email: (value) => emailForm(String(value)),
  url: (value) => urlText(String(value)),
  id: (value) => normal(String(value)).trim(),
  number: (value) => (typeof value === 'boolean' ? null : numberForm(String(value))),
  date: (value) => dateForm(String(value)),
  text: (value) => textForm(String(value)),
};

/** Case and runs of white space do not count. */
function textForm(text: string): string {
  const trimmed = normal(text).trim();
  // Rewriting a long text takes many times what seeing that it is even does.
  return (/[^\S ]| {2}/u.test(trimmed) ? trimmed.replace(/\s+/gu, ' ') : trimmed).toLowerCase();
}

const SPACED_IBAN = /^[\s-]*(?:[A-Za-z0-9][\s-]*){12,34}$/;

// Form only: whether a country exists and its check digits agree is the bank's to say, and sandboxes make numbers up.
function ibanForm(text: string): string | null {
  const bare = normal(text);
  if (!SPACED_IBAN.test(bare)) return null; // spares rewriting long texts
  const compact = bare.replace(/[\s-]/g, '');
  // Tested before upper-casing, which would turn foreign letters into ASCII ones.
  return /^[A-Za-z]{2}\d{2}[A-Za-z0-9]{8,30}$/.test(compact) ? compact.toUpperCase() : null;
}

// Local parts are compared without case although RFC 5321 §2.4 would allow it to matter: nearly no mail system lets it.
function emailForm(text: string): string | null {
  const bare = normal(text).trim();
  const found = /^<?([^\s<>"(),:;@[\]\\]+)@([^\s<>"(),:;@[\]\\]+?)>?$/.exec(bare);
  const host = found && hostText(found[2]!);
  return host?.includes('.') ? `${found![1]!.toLowerCase()}@${host}` : null;
}

function numberForm(text: string): string | null {
  const short = shortNumber(text);
  if (short === null) return null;
  const [digits, exponent] = short.split('e') as [string, string];
  return exponent.startsWith('-') ? short : digits + '0'.repeat(Number(exponent));
}

/**
 * Plain decimals, with groups of three: `1200`, `1,200.00`, `1.200,50`, `12,5`. A single point is a decimal point. As `12e2`: digits
 * without zeros around them, so that the thousand zeros of `1e999` are never written out for each number of a text.
 */
export function shortNumber(text: string): string | null {
  const bare = normal(text).trim();
  const plain = /^[+-]?\d{1,3}(?:\.\d{3})+,\d+$|^[+-]?\d+,\d{1,2}$/.test(bare)
    ? bare.replaceAll('.', '').replace(',', '.')
    : /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(bare)
      ? bare.replaceAll(',', '')
      : bare;
  const found = DECIMAL.exec(plain.replace(/^\+/, ''));
  if (!found) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = found;
  const digits = (whole! + fraction).replace(/^0+/, '');
  if (digits === '') return '0e0';
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return `${sign}${digits.slice(0, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}

function dateForm(text: string): string | null {
  const day = dayOf(normal(text));
  return day && `${day.year}-${day.month}-${day.day}`;
}

/**
 * Digits alone, and fewer than four of them: such a value stands in any text by chance, so as a target it is looked for in
 * neither text nor prompt (rules §3.8).
 */
export function isShortNumber(value: Scalar): boolean {
  return /^\p{N}{1,3}$/u.test(normal(String(value)).replace(/[\s.,+#-]/g, ''));
}

const ALL: readonly ValueType[] = ['iban', 'email', 'url', 'id', 'number', 'date', 'text'];

/** Every key the value has under any type: for memory that must recognise it whatever it is taken for later. */
export function keysOf(value: Scalar): readonly string[] {
  return ALL.map((type) => typedKey(type, value)).filter((key) => key !== null);
}
