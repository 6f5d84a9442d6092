import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { publicData } from '../../../../test/public-data.ts';
import { canonicalJson, fixedJson, type JsonValue } from './json.ts';

test('names are sorted by UTF-16 code units, not by code points', () => {
  // U+1F600 is two code units that begin with D83D, which sorts before U+FB33 although the code point is larger.
  assert.equal(canonicalJson({ '\ufb33': 1, '\u{1f600}': 2, a: 3 }), '{"a":3,"\u{1f600}":2,"\ufb33":1}');
});

test('numbers are in ECMAScript’s shortest form and minus zero is zero', () => {
  assert.equal(
    canonicalJson([-0, 1e21, 1e-7, 4.5, 0.002, 333333333.3333333]),
    '[0,1e+21,1e-7,4.5,0.002,333333333.3333333]',
  );
});

test('only the mandatory escapes are written, in lower case', () => {
  assert.equal(canonicalJson('\u000f\n"\\/\u20ac\u2028'), '"\\u000f\\n\\"\\\\/\u20ac\u2028"');
});

test('what cannot be carried is refused', () => {
  for (const value of [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    '\ud800',
    { '\udc00': 1 },
    undefined,
    [undefined],
  ]) {
    assert.throws(() => canonicalJson(value as JsonValue));
  }
});

test('order of members does not matter, order of items does', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.integer()), (object) => {
      const turned = Object.fromEntries(Object.entries(object).reverse());
      assert.equal(canonicalJson(turned), canonicalJson(object));
    }),
  );
  assert.notEqual(canonicalJson([1, 2]), canonicalJson([2, 1]));
});

const { path: data, skip } = publicData('jcs/testdata');
test('the published RFC 8785 data', { skip }, () => {
  const names = readdirSync(`${data}/input`);
  assert.ok(names.length >= 6);
  for (const name of names) {
    const input = JSON.parse(readFileSync(`${data}/input/${name}`, 'utf8')) as JsonValue;
    assert.equal(canonicalJson(input), readFileSync(`${data}/output/${name}`, 'utf8').trimEnd(), name);
  }
});

function isCarried(value: JsonValue): boolean {
  try {
    canonicalJson(value);
    return true;
  } catch {
    return false;
  }
}

test('a fixed value has the same text, by itself and inside another, and can no longer change', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (values) => {
      const one = structuredClone(values) as JsonValue[];
      fc.pre(isCarried(one));
      const wanted = canonicalJson(one);
      assert.equal(canonicalJson(fixedJson(one)), wanted);
      assert.equal(canonicalJson({ b: [one], a: one }), `{"a":${wanted},"b":[${wanted}]}`);
      assert.throws(() => one.push(1), TypeError);
    }),
  );
  const inner = { n: 1 };
  fixedJson({ list: [inner] });
  assert.throws(() => Object.assign(inner, { n: 2 }), TypeError);
});

test('names come out sorted however many there are and in whatever order they stand', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 90 }), (names) => {
      const object = Object.fromEntries(names.map((name) => [name.toWellFormed(), 0]));
      const expected = Object.keys(object)
        .sort()
        .map((name) => `${JSON.stringify(name)}:0`);
      assert.equal(canonicalJson(object), `{${expected.join(',')}}`);
    }),
  );
});
