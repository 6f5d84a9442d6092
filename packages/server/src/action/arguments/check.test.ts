import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject, JsonValue } from '@writ/core';
import { argumentsFault } from './check.ts';
import { readShape } from './read-shape.ts';

function fault(schema: JsonObject, args: JsonObject): string | null {
  const read = readShape(schema);
  if ('says' in read) throw new Error(read.says);
  const found = argumentsFault(read.shape, args);
  return found && `${found.code.slice('action.argument_'.length)} ${found.pointer}: ${found.expected}`;
}

/** The fault of one argument `v`. */
function faultOf(schema: JsonValue, value: JsonValue): string | null {
  return fault({ type: 'object', properties: { v: schema } }, { v: value });
}

const object = (properties: JsonObject, further: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  ...further,
});

describe('names', () => {
  test('a name the definition does not know is refused, though JSON Schema would let it pass', () => {
    assert.equal(fault(object({ path: { type: 'string' } }), { path: 'a', force: true }), 'unknown /force: `"path"`');
    assert.equal(fault({ type: 'object' }, { any: 1 }), 'unknown /any: no argument');
    assert.equal(faultOf(object({ a: {} }), { b: 1 }), 'unknown /v/b: `"a"`');
    assert.equal(
      faultOf({ type: 'array', items: object({ a: {} }) }, [{ a: 1 }, { 'x/y': 1 }]),
      'unknown /v/1/x~1y: `"a"`',
    );
    assert.equal(fault(object({ a: {} }), JSON.parse('{"__proto__":1}')), 'unknown /__proto__: `"a"`');
  });

  test('a definition that says more may come is taken at its word', () => {
    assert.equal(fault(object({ a: {} }, { additionalProperties: true }), { b: 1 }), null);
    assert.equal(fault(object({}, { additionalProperties: { type: 'string' } }), { b: 'x' }), null);
    assert.equal(fault(object({}, { additionalProperties: { type: 'string' } }), { b: 1 }), 'invalid /b: text');
    assert.equal(faultOf({ type: 'object' }, { free: 'form' }), null);
    assert.equal(faultOf({}, { free: 'form' }), null);
  });

  test('names are those of all alternatives together', () => {
    const either = { anyOf: [object({ a: { type: 'string' } }), object({ b: { type: 'string' } })] };
    assert.equal(fault({ type: 'object', ...either }, { a: 'x', b: 'y' }), null);
    assert.match(fault({ type: 'object', ...either }, { a: 'x', c: 'y' })!, /^unknown \/c/);
    const both = {
      allOf: [object({ a: {} }), { $ref: '#/$defs/b' }],
      $defs: { b: object({ b: {} }, { required: ['b'] }) },
    };
    assert.equal(fault({ type: 'object', ...both }, { a: 1, b: 2 }), null);
    assert.equal(fault({ type: 'object', ...both }, { a: 1 }), 'invalid /b: a value');
  });
});

describe('forms', () => {
  const cases: readonly (readonly [
    title: string,
    schema: JsonValue,
    fits: readonly JsonValue[],
    not: readonly JsonValue[],
  ])[] = [
    ['text', { type: 'string' }, ['', '2026-11-24'], [1, null, ['a']]],
    ['whole numbers', { type: 'integer' }, [0, -3, 5.0], [1.5, '1', null]],
    ['numbers', { type: 'number' }, [0, 1.5], ['1.5', true]],
    ['one of two types', { type: ['string', 'null'] }, ['a', null], [0, []]],
    ['a list is no object and null is neither', { type: 'object' }, [{}], [[], null]],
    ['fixed values with exact type', { enum: ['a', 1, null] }, ['a', 1, null], ['1', 'b', false]],
    ['one fixed value', { const: { a: [1] } }, [{ a: [1] }], [{ a: [1, 2] }, {}]],
    ['length in characters', { type: 'string', minLength: 2, maxLength: 2 }, ['ab', '😀😀', 'é1'], ['a', '😀', 'abc']],
    ['patterns anywhere in the text', { type: 'string', pattern: '^a.c' }, ['abc', 'abcd'], ['xabc', 'ac']],
    ['limits', { type: 'number', minimum: 1, exclusiveMaximum: 3 }, [1, 2.9], [0.9, 3]],
    ['exact multiples', { type: 'number', multipleOf: 0.1 }, [0.3, 1, 1e3], [0.35]],
    ['lists of a length', { type: 'array', minItems: 1, maxItems: 2 }, [[1], [1, 2]], [[], [1, 2, 3]]],
    [
      'different items',
      { type: 'array', uniqueItems: true },
      [[1, '1', { a: 1 }]],
      [
        [1, 1],
        [
          { a: 1, b: 2 },
          { b: 2, a: 1 },
        ],
      ],
    ],
    [
      'tuples',
      { type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'integer' } },
      [['a', 1, 2], []],
      [[1], ['a', 'b']],
    ],
    ['nothing', { type: 'array', items: false }, [[]], [[1]]],
    [
      'member counts and names',
      { type: 'object', additionalProperties: true, maxProperties: 1, propertyNames: { pattern: '^x' } },
      [{ x1: 1 }],
      [{ y: 1 }, { x: 1, xx: 2 }],
    ],
    ['exactly one form', { oneOf: [{ type: 'integer' }, { minimum: 5 }] }, [1, 5.5], [5, 1.5]],
    ['not a form', { not: { type: 'string' } }, [1], ['a']],
  ];
  for (const [title, schema, fits, not] of cases) {
    test(title, () => {
      for (const value of fits) assert.equal(faultOf(schema, value), null, JSON.stringify(value));
      for (const value of not) assert.match(faultOf(schema, value) ?? 'none', /^invalid \/v/, JSON.stringify(value));
    });
  }

  test('references may be recursive', () => {
    const tree = object(
      { root: { $ref: '#/definitions/node' } },
      {
        definitions: {
          node: object({
            name: { type: 'string' },
            children: { type: 'array', items: { $ref: '#/definitions/node' } },
          }),
        },
      },
    );
    assert.equal(fault(tree, { root: { name: 'a', children: [{ name: 'b', children: [] }] } }), null);
    assert.equal(
      fault(tree, { root: { children: [{ children: [{ name: 1 }] }] } }),
      'invalid /root/children/0/children/0/name: text',
    );
  });

  test('a required argument that is missing is named', () => {
    assert.equal(fault(object({ a: {} }, { required: ['a'] }), {}), 'invalid /a: a value');
  });
});

describe('bounds', () => {
  test('a schema that refers to itself is refused, not followed for ever', () => {
    assert.match(fault({ type: 'object', allOf: [{ $ref: '#' }] }, {})!, /simpler to check/);
  });

  test('alternatives that multiply are refused, and a not around them does not turn that into a yes', () => {
    const doubled = (depth: number): JsonObject =>
      depth === 0 ? { type: 'string', minLength: 9 } : { anyOf: [doubled(depth - 1), doubled(depth - 1)] };
    const $defs = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [
        `d${i}`,
        { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
      ]),
    );
    const schema = object({ v: { not: { $ref: '#/$defs/d0' } } }, { $defs: { ...$defs, d20: doubled(1) } });
    assert.match(fault(schema, { v: 'short' })!, /simpler to check/);
  });

  test('an undecided pattern refuses, also inside a not', () => {
    const long = 'a'.repeat(5000);
    assert.match(faultOf({ type: 'string', pattern: '^a*$' }, long)!, /^invalid/);
    assert.match(faultOf({ not: { pattern: '^a*$' } }, long)!, /^invalid/);
  });
});
