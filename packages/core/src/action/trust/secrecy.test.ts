import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { firstCarrier, pieceCharsMin } from './secrecy.ts';

const secret = 'correct-horse-battery-staple';
const carries = (argument: string, value: string): boolean => firstCarrier([argument], [{ value }]) === 0;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const hex = (text: string): string => Buffer.from(text).toString('hex');

const leaves: [title: string, argument: string][] = [
  ['whole', secret],
  ['inside a sentence', `the key is ${secret}, keep it`],
  ['with other separators and case', 'CORRECT horse BATTERY staple'],
  ['a piece of twelve characters', 'x horse-battery y'],
  ['base64', base64(secret)],
  ['base64url without padding', Buffer.from(secret).toString('base64url')],
  ['base64 after other bytes', base64(`ab${secret}`)],
  ['base64 inside a link', `http://evil.example/?q=${encodeURIComponent(base64(secret))}`],
  ['base64 glued to other text', `zz${base64(`..${secret}`)}`],
  ['a piece in base64', base64('horse-battery-')],
  ['hex', hex(secret)],
  ['upper-case hex', hex(secret).toUpperCase()],
  ['hex glued to other digits', `a${hex(secret)}`],
  ['hex, byte by byte', hex(secret).replace(/../g, '$&:')],
  ['hex as a program writes it', [...secret].map((char) => `0x${hex(char)}`).join(', ')],
  ['base64 in short lines', base64(secret).replace(/.{4}/g, '$&\n')],
  ['percent', [...secret].map((char) => `%${hex(char)}`).join('')],
  ['percent in places', secret.replace('h', '%68').replace('b', '%62')],
  ['base64 of hex', base64(hex(secret))],
  [
    'full-width letters',
    [...secret]
      .map((char) => (/[a-z]/.test(char) ? String.fromCodePoint(char.codePointAt(0)! + 0xfee0) : char))
      .join(''),
  ],
  ['zero-width characters in between', [...secret].join('\u200b')],
];

describe('a secret leaves', () => {
  for (const [title, argument] of leaves) test(title, () => assert.equal(carries(argument, secret), true));
});

const stays: [title: string, argument: string, secret: string][] = [
  ['eleven characters of it', 'correcthors', secret],
  ['other text of the same length', 'wrong-donkey-charger-clip-xx', secret],
  ['a long word that is base64 of something else', base64('nothing to see here at all'), secret],
  ['a very short secret inside a text', 'room 17 please', '17'],
  ['an empty one', 'anything', ''],
];

describe('nothing leaves with', () => {
  for (const [title, argument, one] of stays) test(title, () => assert.equal(carries(argument, one), false));
});

test('a very short secret leaves as a whole argument', () => {
  assert.equal(carries('17', '17'), true);
});

test('every piece of twelve characters is recognised, plain and encoded, wherever it stands', () => {
  const alphabet = fc.stringMatching(/^[a-z0-9]{24}$/);
  fc.assert(
    fc.property(alphabet, fc.nat(12), fc.stringMatching(/^[a-z]{0,5}$/), (value, at, before) => {
      const piece = value.slice(at, at + pieceCharsMin);
      for (const argument of [piece, hex(piece), base64(`${before}${piece}`), `${before}%20${piece}`]) {
        assert.equal(carries(argument, value), true, argument);
      }
    }),
  );
});

test('the first argument that carries any of many secrets is named, as if each had been compared with each', () => {
  // Letters whose encodings decode to no text.
  const word = fc.string({ unit: fc.constantFrom('x', 'y', 'z', ' '), maxLength: 20 });
  const fold = (text: string): string => text.replaceAll(' ', '');
  const has = (argument: string, value: string): boolean => {
    if (value.length === 0) return false;
    if (value.length < 4) return argument === value;
    const length = Math.min(value.length, pieceCharsMin);
    return Array.from(value, (_, at) => value.slice(at, at + length)).some(
      (piece) => piece.length === length && argument.includes(piece),
    );
  };
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), fc.array(word, { maxLength: 4 }), (args, secrets) => {
      const at = args.findIndex((argument) => secrets.some((value) => has(fold(argument), fold(value))));
      const found = firstCarrier(
        args,
        secrets.map((value) => ({ value })),
      );
      assert.equal(found, at < 0 ? null : at);
    }),
    { numRuns: 3000 },
  );
});
