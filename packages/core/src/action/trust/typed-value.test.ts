import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isShortNumber, keysOf, type Scalar, type ValueType, valueKey } from './typed-value.ts';

const same: [type: ValueType, a: Scalar, b: Scalar][] = [
  ['iban', 'GB29NWBK60161331926819', 'gb29 nwbk 6016 1331 9268 19'],
  ['iban', 'GB29NWBK60161331926819', 'GB29-NWBK-6016-1331-9268-19'],
  ['iban', 'ＧＢ29NWBK60161331926819', 'GB29NWBK60161331926819'],
  ['email', 'Bob@Example.ORG', '<bob@example.org>'],
  ['email', 'bob@bücher.example', 'bob@xn--bcher-kva.example'],
  ['url', 'http://www.example.org', 'www.example.org'],
  ['url', 'https://Example.org/', 'http://example.org'],
  ['url', 'https://example.org:443/a/', 'example.org/a'],
  ['url', 'http://bücher.example/x', 'http://xn--bcher-kva.example/x'],
  ['url', 'http://example.org\\a', 'example.org/a'],
  ['url', 'http://example.org./a', 'http://example.org/a'],
  ['number', 10, '10.00'],
  ['number', '1,200.50', 1200.5],
  ['number', '1.200,50', 1200.5],
  ['number', '+7', 7],
  ['date', '2024-05-19', '2024-05-19 10:00'],
  ['date', '2024-05-19T23:30:00-05:00', 'May 19th, 2024'],
  ['date', '19 May 2024', '19.05.2024'],
  ['id', 7, '7'],
  ['text', '  New   York ', 'new york'],
  ['text', 'ﬁle', 'file'],
];

const different: [type: ValueType, a: Scalar, b: Scalar][] = [
  ['iban', 'GB29NWBK60161331926819', 'GB29NWBK60161331926818'],
  ['iban', 'GB29NWBK60161331926819', 'GB29NWBK601613319268190'],
  // A Cyrillic letter that looks the same.
  ['iban', 'АB29NWBK60161331926819', 'AB29NWBK60161331926819'],
  ['email', 'bob@example.org', 'bob@examp1e.org'],
  ['email', 'bob@аpple.example', 'bob@apple.example'],
  ['email', 'bob@example.org', 'bob@example.org.evil.example'],
  ['url', 'http://bank.example@evil.example', 'http://bank.example'],
  ['url', 'http://bank.example@evil.example', 'http://evil.example'],
  ['url', 'http://bank.example/', 'http://bank.example.evil.example/'],
  ['url', 'http://bank.example\n.evil.example/', 'http://bank.example/'],
  ['url', 'http://example.org/a', 'http://example.org/A'],
  ['url', 'http://example.org:8080', 'http://example.org'],
  ['url', 'http://аpple.example', 'http://apple.example'],
  ['url', 'ftp://example.org/a', 'http://example.org/a'],
  ['url', 'http://example.org/?q=1', 'http://example.org/?q=2'],
  ['number', 10, 10.01],
  ['number', '1.200', 1200],
  ['number', 10, -10],
  ['date', '2024-05-19', '2024-05-20'],
  ['date', '2024-05-19', '2023-05-19'],
  ['id', 'Report', 'report'],
  ['text', 'bob\u200b', 'bob'],
];

describe('two spellings are one value', () => {
  for (const [type, a, b] of same) {
    test(`${type}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`, () =>
      assert.equal(valueKey(type, a), valueKey(type, b)));
  }
});

describe('two values stay two', () => {
  for (const [type, a, b] of different) {
    test(`${type}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`, () =>
      assert.notEqual(valueKey(type, a), valueKey(type, b)));
  }
});

test('a value that does not parse as its type is compared as text', () => {
  assert.equal(valueKey('iban', 'my Landlord'), 'text:my landlord');
  assert.equal(valueKey('url', 'general'), 'text:general');
  assert.equal(valueKey('date', '05/06/2024'), 'text:05/06/2024'); // May or June: not one day
});

test('fewer than four digits make a number too short to be looked for', () => {
  for (const value of [7, '13', '999', ' 1 2 3 ', '1.5', '#42', '٤٢'])
    assert.equal(isShortNumber(value), true, String(value));
  for (const value of [1000, '2024', 'a1', 'Bob', '']) assert.equal(isShortNumber(value), false, String(value));
});

test('memory knows a value under every type it could be taken for', () => {
  assert.deepEqual(keysOf('GB29 NWBK 6016 1331 9268 19').toSorted(), [
    'iban:GB29NWBK60161331926819',
    'id:GB29 NWBK 6016 1331 9268 19',
    'text:gb29 nwbk 6016 1331 9268 19',
  ]);
});
