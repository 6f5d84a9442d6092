import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonValue } from '@writ/core';
import { readShape } from './read-shape.ts';

test('a keyword that is not understood refuses the tool by name', () => {
  const cases: readonly (readonly [JsonValue, RegExp])[] = [
    [{ if: {}, else: {} }, /uses `if` at `#`/],
    [{ properties: { a: { dependentRequired: { b: ['c'] } } } }, /uses `dependentRequired` at `\/properties\/a`/],
    [{ patternProperties: { '^x': {} } }, /patternProperties/],
    [{ unevaluatedProperties: false }, /unevaluatedProperties/],
    [{ items: [{}] }, /`\/items` is not a schema/],
    [{ exclusiveMinimum: true }, /exclusiveMinimum/],
    [{ $ref: 'https://example.org/schema' }, /points outside/],
    [{ $ref: '#/nowhere' }, /points at nothing/],
    [{ properties: { a: { $id: 'urn:x' } } }, /uses `\$id`/],
    [{ type: 'date' }, /not a JSON type/],
    [{ pattern: '(?<=a)b' }, /look-behind/],
    [{ enum: [1], const: 2 }, /both `enum` and `const`/],
    [{ minLength: -1 }, /minLength/],
    ['text', /is not a schema/],
  ];
  for (const [schema, expected] of cases) {
    const read = readShape(schema);
    assert.match('says' in read ? read.says : 'readable', expected);
  }
});

test('what only describes is read past', () => {
  const read = readShape({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:tool',
    title: 'T',
    description: 'D',
    type: 'object',
    properties: { at: { type: 'string', format: 'date-time', default: 'now', examples: ['x'], 'x-order': 1 } },
  });
  assert.equal('shape' in read, true);
});

test('a schema without end is refused', () => {
  let deep: JsonValue = {};
  for (let i = 0; i < 100; i++) deep = { items: deep };
  assert.equal('says' in readShape(deep), true);
  const wide = { properties: Object.fromEntries(Array.from({ length: 6000 }, (_, i) => [`p${i}`, {}])) };
  assert.equal('says' in readShape(wide), true);
});

test('names that JavaScript knows are names like any other', () => {
  const schema = JSON.parse(
    '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"integer"}}}',
  );
  const read = readShape(schema);
  assert.deepEqual('shape' in read && [...(read.shape.properties ?? [])].map(([name, { types }]) => [name, types]), [
    ['__proto__', ['string']],
    ['constructor', ['integer']],
  ]);
});
