import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { readShape } from '../arguments/read-shape.ts';
import { cedarDecimal, cedarLong, type Omission, recordTypeOf, recordValue } from './types.ts';

function typed(properties: JsonObject, required: readonly string[] = []) {
  const read = readShape({ type: 'object', properties, required });
  if ('says' in read) throw new Error(read.says);
  const omitted: Omission[] = [];
  return { type: recordTypeOf(read.shape, (omission) => omitted.push(omission)), omitted };
}

test('each JSON type has one Cedar type', () => {
  const { type, omitted } = typed(
    {
      text: { type: 'string' },
      whole: { type: 'integer' },
      real: { type: 'number' },
      flag: { type: 'boolean' },
      kind: { enum: ['a', 'b'] },
      tags: { type: 'array', items: { type: 'string' } },
      who: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
    },
    ['text', 'who'],
  );
  assert.deepEqual(omitted, []);
  assert.deepEqual(type.attributes, {
    text: { type: 'String', required: true },
    whole: { type: 'Long', required: false },
    real: { type: 'Extension', name: 'decimal', required: false },
    flag: { type: 'Boolean', required: false },
    kind: { type: 'String', required: false },
    tags: { type: 'Set', element: { type: 'String' }, required: false },
    who: { type: 'Record', attributes: { name: { type: 'String', required: true } }, required: true },
  });
});

test('what Cedar cannot say is left out and reported with its place', () => {
  const recursive = { type: 'object', properties: { next: { $ref: '#/properties/node' } } };
  const { type, omitted } = typed({
    either: { oneOf: [{ type: 'string' }, { type: 'integer' }] },
    maybe: { type: ['string', 'null'] },
    any: {},
    form: { type: 'object' },
    map: { type: 'object', properties: { a: {} }, additionalProperties: { type: 'string' } },
    pair: { type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'integer' } },
    list: { type: 'array', items: { type: 'object', properties: { ok: { type: 'string' }, odd: {} } } },
    __entity: { type: 'string' },
    node: recursive,
  });
  const pointers = omitted.map(({ pointer, why }) => `${pointer}: ${why}`);
  for (const expected of [
    '/either: alternatives',
    '/maybe: more than one type',
    '/any: any value may come',
    '/form: an object without named members',
    '/map: an object of further members',
    '/pair: a list of different items',
    '/list/*/odd: any value may come',
    '/__entity: a reserved name',
  ]) {
    assert.ok(pointers.includes(expected), `${expected} in ${pointers.join('; ')}`);
  }
  assert.ok(omitted.some(({ why }) => why === 'nested too deeply'));
  assert.deepEqual(Object.keys(type.attributes), ['list', 'node']);
});

test('a value is exactly one of its type, or there is none', () => {
  const { type } = typed(
    { whole: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } }, text: { type: 'string' } },
    ['text'],
  );
  const value = (args: JsonObject) => recordValue(args, type);
  assert.deepEqual(value({ text: 'a', whole: -0, more: 1 }), { text: 'a', whole: 0 });
  assert.equal(value({}), undefined);
  assert.equal(value({ text: 1 }), undefined);
  assert.equal(value({ text: 'a', whole: 2 ** 53 }), undefined);
  assert.equal(value({ text: 'a', whole: 1.5 }), undefined);
  assert.equal(value({ text: 'a', tags: ['a', 1] }), undefined);
  assert.equal(value({ text: { __entity: { type: 'Writ::User', id: 'a' } } }), undefined);
});

test('decimals keep every digit or are none', () => {
  const cases = [
    ['1', '1.0000'],
    ['-0.5', '-0.5000'],
    ['1.2345', '1.2345'],
    ['1.23450', '1.2345'],
    ['1.23456', null],
    ['1e3', '1000.0000'],
    ['0.00001', null],
    ['922337203685477.5807', '922337203685477.5807'],
    ['922337203685477.5808', null],
    ['-922337203685477.5808', '-922337203685477.5808'],
    ['NaN', null],
  ] as const;
  for (const [text, expected] of cases) assert.equal(cedarDecimal(text), expected, text);
  assert.deepEqual(
    ['1.0', '1.5', '9223372036854775807', '9223372036854775808', '-9223372036854775808'].map(cedarLong),
    ['1', null, '9223372036854775807', null, '-9223372036854775808'],
  );
});
