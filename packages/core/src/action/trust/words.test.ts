import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { finderOf } from './tokens.ts';
import { normal } from './typed-value.ts';
import { foldedUnit, wordsIn } from './words.ts';
import { scalar } from './worlds.fixture.ts';

test('what a search without case takes for one another has one number', () => {
  const units = Array.from({ length: 0x10000 }, (_, unit) => unit).filter((unit) => unit < 0xd800 || unit > 0xdfff);
  const chars = units.map((unit) => String.fromCharCode(unit));
  const cased = chars.filter(
    (char) => normal(char) === char && /\p{Changes_When_Casemapped}|\p{Cased}|\p{M}/u.test(char),
  );
  const all = cased.join('');
  for (const char of cased) {
    if (char.toUpperCase() === char && char.toLowerCase() === char) continue;
    for (const [other] of all.matchAll(new RegExp(char, 'giu')))
      assert.equal(foldedUnit(other.charCodeAt(0)), foldedUnit(char.charCodeAt(0)), `${char} ${other}`);
  }
});

test('where a value stands bounded, all its words stand', () => {
  fc.assert(
    fc.property(fc.array(scalar, { maxLength: 4 }), scalar, fc.constantFrom('text', 'id'), (others, value, type) => {
      const text = normal([...others, value, ...others].join(' '));
      if (finderOf(type, value)(text) < 0) return;
      const words = wordsIn(text);
      for (const word of wordsIn(normal(String(value)))) assert.ok(words.has(word));
    }),
    { numRuns: 2000 },
  );
});
