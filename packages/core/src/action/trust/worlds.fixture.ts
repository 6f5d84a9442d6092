// For tests of this folder: random worlds in which values stand in texts in many spellings, whole and cut, bounded and not.

import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../std/json.ts';
import type { Level } from './levels.ts';
import type { OutputRule } from './manifest.ts';
import type { Scalar, ValueType } from './typed-value.ts';

/** Spellings of a few values, so that they meet. */
const values: readonly Scalar[] = [
  ...[
    'DE89 3704 0044 0532 0130 00',
    'de89370400440532013000',
    'DE89-3704-0044-0532-0130-00',
    'GB29NWBK6016',
    'GB29 NWBK 6016 13',
  ],
  ...[
    '2026-11-24',
    '24 November 2026',
    '24\tNovember 2026',
    'Nov. 24th, 2026',
    '24.11.2026',
    '11/24/2026',
    '03/02/2027',
    '3 February 2027 at 10:15',
  ],
  ...[
    'may 5',
    '5 May',
    '2027-05-05T10:00:00Z',
    'May the 5, 2027',
    '１２００',
    '1,200.00',
    '1.200,50',
    '1200',
    '-5',
    '5',
    '10%',
    '12,5',
  ],
  ...[
    '1e999',
    '0e-999',
    '100e-2',
    '1',
    '+1.00',
    '1.0.0',
    '13',
    'bob@bank.example',
    'Bob@BANK.example',
    '<bob@bank.example>',
  ],
  ...['bob', 'Bob', 'eve@evil.example', "'bob@bank.example'", 'bob@bank.example.evil.example', 'bob@bank.example.Then'],
  ...[
    'https://bank.example/',
    'bank.example',
    'http://BANK.example/Pay?x=1',
    'bank.example/Pay?x=1',
    'https://bank.example/a(b),c',
  ],
  ...[
    'www.bücher.example',
    'www.xn--bcher-kva.example',
    'file:///etc/passwd',
    'tx-42',
    'TX-42',
    'tx_42',
    'ab-1234',
    'ıstanbul',
    'İSTANBUL',
  ],
  ...[
    'Straße',
    'STRASSE',
    'ΣΊΣΥΦΟΣ',
    'σίσυφος',
    'K',
    'ﬁle',
    'file',
    '𐐀𐐨',
    '𐐨𐐨',
    '💩',
    '💩.la',
    '价格',
    '価格表',
    'Ångström',
    'a\u0301b',
    'áb',
  ],
  ...[
    'Ada Lovelace',
    'ada  lovelace',
    'ada\tlovelace',
    'the',
    'the report',
    'xa a a',
    'a a',
    'a\ufeffb',
    'a b',
    '\u00ad',
    '—',
    '...',
    '€',
    ' ',
  ],
  ...[
    'https://Bank.example.Then',
    'rate 10k',
    '\u2028',
    'ᏸ',
    'Ᏸ',
    'ꭰ',
    'ẞ',
    'ß',
    'µ',
    'μ',
    'ͅ',
    'ι',
    'ǅ',
    'ǆ',
    'x'.repeat(1001),
  ],
  ...[1200, 12.5, -5, 13, 0, 1e21, 1e-7, true, false],
];

const glue = fc.constantFrom(
  ' ',
  ' ',
  ' ',
  '  ',
  '',
  '.',
  '. ',
  ', ',
  '-',
  '/',
  '@',
  ':',
  '\n',
  '\u200b',
  '"',
  '(',
  ')',
  '_',
  'x',
  '%',
  ' — ',
  '+',
  '..........x',
);

export const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...values) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...values), glue, fc.constantFrom(...values)).map((parts) => parts.join('')),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...values), fc.nat(3), fc.nat(3)).map(([value, from, cut]) => {
      const text = String(value);
      return text.slice(from, Math.max(from + 1, text.length - cut)) || '?';
    }),
  },
);

const text = fc.array(fc.tuple(scalar, glue), { minLength: 1, maxLength: 6 }).map((parts) => parts.flat().join(''));
const level = fc.constantFrom<Level>(0, 1, 2, 3);

export const valueType = fc.constantFrom<ValueType>('iban', 'email', 'url', 'id', 'number', 'date', 'text');
export const server = fc.constantFrom('bank', 'mail');

export interface Read {
  readonly server: string;
  readonly output: JsonValue;
  readonly rules: readonly OutputRule[];
}

const leaf: fc.Arbitrary<JsonValue> = fc.oneof(scalar, text);
export const read: fc.Arbitrary<Read> = fc.record({
  server,
  output: fc.oneof(
    leaf,
    fc.array(leaf, { maxLength: 5 }),
    fc.dictionary(fc.constantFrom('a', 'bob', 'tx-42', '13'), leaf),
  ),
  rules: fc.oneof(
    fc.constant([]),
    fc.record({ handle: level, text: level, keys: level, secret: fc.boolean() }).map((rule) => [{ at: '', ...rule }]),
    fc.record({ text: level, handle: level }).map((rule) => [{ at: '/0', ...rule }]),
  ),
});

export const args: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.constantFrom('to', 'amount', 'on', 'note', 'any'),
  leaf,
  { minKeys: 1 },
);
export const prompt: fc.Arbitrary<string | null> = fc.oneof(fc.constant(null), text);
