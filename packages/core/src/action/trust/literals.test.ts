// Which values does a person name? A find binds an argument, so what is unclear finds nothing (rules §3.8).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { literalsOf } from './literals.ts';
import { noPrompt, withTurn } from './prompt.ts';

const of = (text: string) => literalsOf(withTurn(noPrompt, { origin: 'direct', opensTask: true, text }, 3).prompt);

describe('places in a file tree', () => {
  const cases: readonly (readonly [text: string, paths: readonly string[]])[] = [
    ['read /home/howard/docs/a.md, please', ['/home/howard/docs/a.md']],
    ['compare "/srv/a" with /srv/b.', ['/srv/a', '/srv/b']],
    ['read C:\\Users\\howard\\a.txt', ['C:\\Users\\howard\\a.txt']],
    // From where these are meant only the tool knows, so nothing is bound.
    ['read docs/a.md', []],
    ['read a.md', []],
    ['copy /srv/a.md to ../b', []],
    ['read everything below /', []],
    // Neither is a place.
    ['open https://www.news.example/today/a', []],
    ['yes and/or no', []],
  ];
  for (const [text, paths] of cases) {
    test(text, () => {
      assert.deepEqual(of(text).path, paths);
      assert.deepEqual(of(text).path, paths, 'and the same when asked again');
    });
  }
});

describe('values by type', () => {
  test('an account in groups is the account without them', () => {
    assert.ok(of('pay GB29 NWBK 6016 1331 9268 19 now').iban.includes('GB29NWBK60161331926819'));
    assert.ok(of('pay gb29nwbk60161331926819').iban.includes('GB29NWBK60161331926819'));
  });

  test('an id has letters and digits, or is a long number; an amount, a year and a date are none', () => {
    assert.deepEqual(of('cancel order A-1042').id, ['A-1042']);
    assert.deepEqual(of('cancel 10420099').id, ['10420099', 10_420_099]);
    assert.deepEqual(of('pay 1200 on 2026-05-04 for room 2026').id, []);
  });

  test('an address is not a link, and a link is not an address', () => {
    const { email, url, id } = of('mail Ann9@Corp.example about https://ann9.example/x1y2');
    assert.ok(email.includes('ann9@corp.example') && email.includes('Ann9@Corp.example'));
    assert.ok(url.includes('https://ann9.example/x1y2') && !url.some((one) => String(one).includes('@')));
    assert.deepEqual(id, []);
  });

  test('more values than can be listed bind nothing', () => {
    const many = Array.from({ length: 80 }, (_, i) => `person${i}@corp.example`).join(' ');
    assert.deepEqual(of(`mail ${many}`), { iban: [], email: [], url: [], id: [], path: [] });
  });

  test('look-alike letters name another value', () => {
    assert.ok(!of('mail \u0430nn@corp.example').email.includes('ann@corp.example'));
  });
});
