import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonValue } from '@writ/core';
import { headerValue, paramHeaders, paramHeaderValues } from './mcp-headers.ts';

const marked = (name: JsonValue, type: JsonValue = 'string') => ({ type, 'x-mcp-header': name });
const object = (properties: { [name: string]: JsonValue }) => ({ type: 'object', properties });

test('marked arguments are found at any depth of properties', () => {
  const schema = object({
    region: marked('Region'),
    where: object({ shard: marked('Shard', 'integer') }),
    'x-mcp-header': { type: 'string' },
  });
  assert.deepEqual(
    [...paramHeaders(schema)!],
    [
      ['Region', ['region']],
      ['Shard', ['where', 'shard']],
    ],
  );
});

test('a schema without marks asks for no headers', () => {
  for (const schema of [
    undefined,
    true,
    {},
    object({ a: { type: 'string', enum: ['x-mcp-header'], default: { 'x-mcp-header': 'A' } } }),
  ]) {
    assert.equal(paramHeaders(schema)?.size, 0);
  }
});

const broken: readonly (readonly [string, JsonValue])[] = [
  ['an empty name', object({ a: marked('') })],
  ['a name with a line break', object({ a: marked('A\r\nX') })],
  ['a name that is no text', object({ a: marked(7) })],
  ['a number, whose spelling is not one', object({ a: marked('A', 'number') })],
  ['an object', object({ a: { ...object({}), 'x-mcp-header': 'A' } })],
  ['a name used twice, whatever its case', object({ a: marked('Name'), b: marked('NAME') })],
  ['the items of a list', object({ a: { type: 'array', items: marked('A') } })],
  ['an alternative', { anyOf: [object({ a: marked('A') })] }],
  ['a property under a condition', { if: object({ a: marked('A') }) }],
  ['a definition', { $defs: { x: object({ a: marked('A') }) } }],
  ['the arguments as a whole', marked('A')],
];

for (const [what, schema] of broken) {
  test(`a tool is dropped for a mark on ${what}`, () => assert.equal(paramHeaders(schema), null));
}

test('values are written as the revision has it', () => {
  const headers = paramHeaders(
    object({ a: marked('A'), b: marked('B', 'integer'), c: marked('C', 'boolean'), d: marked('D'), e: marked('E') }),
  )!;
  const values = paramHeaderValues(headers, { a: 'eu west', b: 42, c: false, d: null });
  assert.deepEqual(values, { 'mcp-param-A': 'eu west', 'mcp-param-B': '42', 'mcp-param-C': 'false' });
});

test('what a header cannot carry as it is goes as base64 of its UTF-8', () => {
  assert.equal(headerValue('plain text'), 'plain text');
  assert.equal(headerValue(''), '');
  assert.equal(headerValue('Zürich'), '=?base64?WsO8cmljaA==?=');
  assert.equal(headerValue(' a'), '=?base64?IGE=?=');
  assert.equal(headerValue('a\nb'), '=?base64?YQpi?=');
  assert.equal(headerValue('=?base64?YQ==?='), '=?base64?PT9iYXNlNjQ/WVE9PT89?=');
});
