import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from './bytes.ts';
import { parseStrictJson, parseStrictJsonText } from './strict-json.ts';

const faults: [name: string, text: string, fault: string][] = [
  ['a duplicate name', '{"a":1,"a":2}', 'duplicate_name'],
  ['a duplicate name by another spelling', '{"a":1,"\\u0061":2}', 'duplicate_name'],
  ['a duplicate name deep inside', '[{"x":{"b":1,"b":1}}]', 'duplicate_name'],
  ['an integer past 2^53', '9007199254740993', 'number_unsafe'],
  ['an integer past 2^53 by exponent', '1e16', 'number_unsafe'],
  ['a number without end', '1e999', 'number_unsafe'],
  ['a lone surrogate', '"\\ud800"', 'lone_surrogate'],
  ['text after the value', '{} {}', 'syntax'],
  ['a trailing comma', '[1,]', 'syntax'],
  ['a comment', '{/**/}', 'syntax'],
  ['a single quote', "{'a':1}", 'syntax'],
  ['a leading zero', '01', 'syntax'],
  ['a plus sign', '+1', 'syntax'],
  ['NaN', 'NaN', 'syntax'],
  ['a bare control character', '"\u0001"', 'syntax'],
  ['an unknown escape', '"\\x41"', 'syntax'],
  ['nothing', '', 'syntax'],
  ['an open string', '"abc', 'syntax'],
  ['a byte order mark', '\ufeff{}', 'syntax'],
];

for (const [name, text, fault] of faults) {
  test(`${name} is refused as ${fault}`, () => {
    const result = parseStrictJsonText(text);
    assert.equal(result.ok, false);
    assert.equal(!result.ok && result.fault, fault);
  });
}

test('bytes that are not UTF-8 are refused', () => {
  assert.deepEqual(parseStrictJson(Uint8Array.of(0x22, 0xc3, 0x28, 0x22)), { ok: false, fault: 'not_utf8', offset: 0 });
});

test('nesting and size are bounded, without exhausting the stack', () => {
  const deep = parseStrictJsonText('['.repeat(100_000));
  assert.equal(!deep.ok && deep.fault, 'too_deep');
  const large = parseStrictJson(utf8(`"${'a'.repeat(100)}"`), { depthMax: 2, bytesMax: 50 });
  assert.equal(!large.ok && large.fault, 'too_large');
});

test('a member called __proto__ is a member like any other', () => {
  const result = parseStrictJsonText('{"__proto__":{"admin":true}}');
  assert.ok(result.ok);
  assert.equal(({} as { admin?: boolean }).admin, undefined);
  assert.deepEqual(Object.keys(result.value as object), ['__proto__']);
});

test('what JSON.stringify writes is read back equal', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value);
      const result = parseStrictJsonText(text);
      if (!result.ok) {
        assert.ok(['number_unsafe', 'lone_surrogate'].includes(result.fault), result.fault);
        return;
      }
      assert.equal(JSON.stringify(result.value), JSON.stringify(JSON.parse(text)));
    }),
    { numRuns: 2000 },
  );
});

test('nothing is read that JSON.parse would refuse', () => {
  const fragment = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '1',
    '-',
    '.5',
    'e3',
    'true',
    'nul',
    'null',
    ' ',
    '\n',
    '\\u0041',
    '\u00a0',
  );
  fc.assert(
    fc.property(
      fc.array(fragment, { maxLength: 9 }).map((parts) => parts.join('')),
      (text) => {
        if (parseStrictJsonText(text).ok) JSON.parse(text);
      },
    ),
    { numRuns: 20_000 },
  );
});
