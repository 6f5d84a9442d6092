import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { finderOf } from './tokens.ts';
import { normal, type Scalar, type ValueType } from './typed-value.ts';

const find = (type: ValueType, value: Scalar, text: string): number => finderOf(type, value)(normal(text));

const stands: [type: ValueType, value: Scalar, text: string, offset: number][] = [
  ['text', 'Alice', 'send it to Alice', 11],
  ['text', 'general', "in 'general' channel", 4],
  ['text', 'bob', 'for Bob’s sake', 4],
  ['text', 'alice', 'tell @alice.', 6],
  ['text', 'Alice', 'tell Alice.Then go', 5],
  ['text', 'Alice', 'All done.Alice knows', 9],
  ['url', 'http://example.org/a', 'see http://example.org/a.Then go', 4],
  ['url', 'http://example.org/a.B', 'see http://example.org/a.B today', 4],
  ['text', 'New York', 'in New\n York, NY', 3],
  ['text', 'bill-december-2023.txt', "pay 'bill-december-2023.txt' now", 5],
  ['id', '1j1l-2k3j', "set it to '1j1l-2k3j'.", 11],
  ['url', 'http://www.our-company.com', 'our website www.our-company.com.They sent', 12],
  ['url', 'www.example.org', 'see (http://www.example.org/) and', 5],
  ['url', 'http://example.org/a_(b)', 'read http://example.org/a_(b) today', 5],
  ['email', 'Dora@Example.org', 'mail dora@example.org.', 5],
  ['email', 'dora@example.org', 'to dora@example.org.Then call', 3],
  ['iban', 'GB29NWBK60161331926819', 'from GB29 NWBK 6016 1331 9268 19 please', 5],
  ['iban', 'GB29NWBK60161331926819', 'to GB29NWBK60161331926819 12.00 euros', 3],
  ['number', 2200, 'rent is 2200. Also', 8],
  ['number', 10, 'that $10.00 I got', 6],
  ['number', 1200, 'about 1,200.00 in all', 6],
  ['date', '2024-05-19 10:00', 'on May 19th at noon', 3],
  ['date', '2024-05-19', 'the 19th of May 2024', 4],
  ['date', '2024-05-19', 'between 19/05/2024 and', 8],
];

describe('a value stands in a text', () => {
  for (const [type, value, text, offset] of stands) {
    test(`${type} ${JSON.stringify(value)} in ${JSON.stringify(text)}`, () =>
      assert.equal(find(type, value, text), offset));
  }
});

const absent: [type: ValueType, value: Scalar, text: string][] = [
  ['text', 'bob', 'mail bob@evil.example'],
  ['text', 'evil', 'see evil.example'],
  ['text', 'ann', 'Joanna and annex'],
  ['text', 'ann', 'ann-marie'],
  ['text', 'report.txt', 'open report.txt.exe'],
  ['text', 'etc', 'read /etc now'],
  ['text', 'env', 'read .env now'],
  ['text', 'docs/a', 'read docs/a/b'],
  ['text', 'admin', 'the adm\u200bin'],
  ['text', 'admin', 'ask admin\u200b2'],
  ['text', 'Alice', 'ask Аlice'],
  ['id', 'Report', 'the report'],
  ['id', '1j1l', 'is 1j1l-2k3j'],
  ['url', 'http://bank.example', 'see http://bank.example@evil.example'],
  ['url', 'bank.example', 'see bank.example.evil.example'],
  ['url', 'bank.example', 'see bank.example/login'],
  ['url', 'bank.example', 'see my-bank.example'],
  ['url', 'http://evil.example', 'see http://bank.example/?u=http://evil.example'],
  ['url', 'www.our-company.com.They', 'our website www.our-company.com.They sent'],
  ['email', 'bob@example.org', 'to notbob@example.org'],
  ['email', 'bob@example.org', 'to bob@example.org.evil.example'],
  // The number of that account goes on.
  ['iban', 'GB29NWBK6016', 'to GB29 NWBK 6016 1331 9268 19'],
  ['iban', 'GB29NWBK60161331926819', 'to GB29NWBK601613319268190'],
  ['number', 10, 'raise it by 10%'],
  ['number', 10, 'about 10k'],
  ['number', 5, 'at 2024-05-19'],
  ['number', 10, 'at 10:30'],
  ['number', 100, 'in 1,100.00'],
  ['date', '2024-05-19', 'on May 20th'],
  ['date', '2024-05-19', 'on May 19th 2023'],
  ['date', '2024-05-01', 'on 1234-05-011'],
  ['text', 'bob', 'ask bob....................evil'],
  ['text', 'bob', 'ask evil................bob'],
  ['text', '', 'anything'],
  ['text', true, 'true'],
];

describe('a value does not stand in a text', () => {
  for (const [type, value, text] of absent) {
    test(`${type} ${JSON.stringify(value)} in ${JSON.stringify(text)}`, () =>
      assert.equal(find(type, value, text), -1));
  }
});

test('a value as long as a text is found as it is, and never in a longer one', () => {
  const long = 'word '.repeat(300_000).trim();
  assert.equal(find('text', long, `He said: ${long}.`), 9);
  assert.equal(find('text', long, `${long}s`), -1);
});

test('no text makes a search take its square', () => {
  const wanted: [type: ValueType, value: Scalar][] = [
    ['email', 'bob@example.org'],
    ['url', 'www.example.org'],
    ['iban', 'GB29NWBK60161331926819'],
    ['number', 12345],
    ['date', '2024-05-19'],
    ['text', 'new york'],
  ];
  for (const seed of ['a', '1', 'a.', '1.', '-', '.', 'a@', '\u200b', '1 of ']) {
    const text = seed.repeat(100_000 / seed.length);
    const start = process.hrtime.bigint();
    for (const [type, value] of wanted) find(type, value, text);
    // Some tens of milliseconds when linear; a square of this length would take ten seconds and more.
    assert.ok(process.hrtime.bigint() - start < 4_000_000_000n, seed);
  }
});
