import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { promptParts } from './prompt.ts';
import { finderOf } from './tokens.ts';
import { normal, type ValueType, valueKey } from './typed-value.ts';

const types: ValueType[] = ['iban', 'email', 'url', 'id', 'number', 'date', 'text'];
const word = fc.stringMatching(/^[A-Za-z0-9]{1,12}$/);
const anyText = fc.string({ unit: 'grapheme', maxLength: 60 });

describe('for any value', () => {
  test('a word stands in a text that is it, and in one that names it between spaces', () => {
    fc.assert(
      fc.property(word, (value) => {
        const find = finderOf('text', value);
        assert.equal(find(value), 0);
        assert.equal(find(`to ${value}, please`), 3);
      }),
    );
  });

  test('a word never stands in a longer word', () => {
    fc.assert(
      fc.property(word, word, (value, more) => {
        assert.equal(finderOf('id', value)(`_${value}${more}_`), -1);
      }),
    );
  });

  test('the normal form is a normal form: spelling it again changes nothing', () => {
    fc.assert(
      fc.property(fc.constantFrom(...types), anyText, (type, value) => {
        const key = valueKey(type, value);
        const form = key.slice(key.indexOf(':') + 1);
        // Forms of numbers and days are not spellings.
        if (key.startsWith('number:') || key.startsWith('date:')) return;
        assert.equal(valueKey(key.startsWith('text:') ? 'text' : type, form), key);
      }),
    );
  });

  test('searching ends, whatever the value and the text', () => {
    fc.assert(
      fc.property(fc.constantFrom(...types), anyText, anyText, (type, value, text) => {
        const at = finderOf(type, value)(normal(text));
        assert.ok(at >= -1 && at <= text.normalize('NFKC').length);
      }),
    );
  });
});

test('of a prompt nothing is lost and nothing is counted twice', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('do this', '> quoted', '```', 'more', '', 'x'.repeat(900)), { maxLength: 12 }),
      (lines) => {
        const text = lines.join('\n');
        const { instruction, content } = promptParts(text);
        const solid = (part: string): string => part.replace(/\s+/g, '');
        assert.equal(solid(instruction).length + solid(content).length, solid(text).length);
      },
    ),
  );
});
