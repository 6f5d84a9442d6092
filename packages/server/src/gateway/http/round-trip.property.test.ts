// Rules §5: what goes upstream says what was judged, and nothing else. So a request that is rebuilt, and read again, gives the same
// arguments; and it does so for values that were made to be mistaken for separators.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsonObject, parseStrictJsonText } from '@writ/core';
import fc from 'fast-check';
import { UpstreamError } from '../exchange.ts';
import type { Layout, Parameter } from './api.ts';
import { readArguments } from './read-arguments.ts';
import { rebuild } from './rebuild.ts';
import { match, readTarget } from './target.ts';

const parameter = (name: string, place: Parameter['in'], type: Parameter['type'], list: Parameter['list'] = 'none') =>
  ({ name, in: place, type, list }) as const;
const layout: Layout = {
  name: 'one',
  method: 'PUT',
  segments: [
    { kind: 'text', text: 'a' },
    { kind: 'parameter', name: 'id' },
    { kind: 'text', text: 'b' },
  ],
  parameters: [
    parameter('id', 'path', 'string'),
    parameter('q=&', 'query', 'string'),
    parameter('n', 'query', 'number'),
    parameter('yes', 'query', 'boolean'),
    parameter('tag', 'query', 'string', 'repeated'),
    parameter('fields', 'query', 'string', 'commas'),
    parameter('x-a', 'header', 'integer'),
  ],
  bodyType: 'application/json',
  answers: new Map(),
};
const api = { paths: [{ segments: layout.segments, operations: new Map([['PUT', layout]]) }] };

const nasty = fc.string({ unit: fc.constantFrom(...'a&=+,;/?#%2eé🙂.:@! \'()*"[]'), minLength: 1, maxLength: 8 });
const inPath = nasty.filter((text) => !/[/\\]|%[0-9A-Fa-f]{2}/.test(text) && text !== '.' && text !== '..');
/** What the strict reader would have let in. */
const readable = (value: unknown): boolean => parseStrictJsonText(JSON.stringify(value)).ok;
const args = fc.record(
  {
    query: fc.record(
      {
        'q=&': nasty,
        n: fc
          .double({ noNaN: true, noDefaultInfinity: true })
          .map((n) => (Object.is(n, -0) ? 0 : n))
          .filter(readable),
        yes: fc.boolean(),
        tag: fc.array(nasty, { minLength: 1 }),
        fields: fc.array(nasty, { minLength: 1 }),
      },
      { requiredKeys: ['yes'] },
    ),
    header: fc.record({ 'x-a': fc.integer() }),
    body: fc
      .jsonValue({ maxDepth: 3 })
      .map((value) => JSON.parse(JSON.stringify(value)))
      .filter(readable),
  },
  { requiredKeys: ['query'] },
);

test('a rebuilt request reads as what was judged', () => {
  fc.assert(
    fc.property(inPath, args, (id, more) => {
      const given = { path: { id }, ...more } as unknown as JsonObject;
      const { method, path, headers, body } = rebuild(layout, given);
      assert.match(path, /^[\x21-\x7e]+$/);
      const target = readTarget(path);
      assert.ok(!('says' in target), path);
      const matched = match(api, method, target);
      assert.ok(matched, path);
      const written = new Map(Object.entries(headers).map(([name, value]) => [name, [value]] as const));
      const read = readArguments(matched, { query: target.query, headers: written, body: body ?? Buffer.of() });
      assert.ok('arguments' in read, JSON.stringify(read));
      assert.deepEqual(JSON.parse(JSON.stringify(read.arguments)), JSON.parse(JSON.stringify(given)));
    }),
  );
});

test('what is put in for something else cannot leave its place', () => {
  for (const id of ['..', '.', '', 'a/b', 'a\\b']) {
    assert.throws(() => rebuild(layout, { path: { id } }), UpstreamError, id);
  }
  assert.throws(() => rebuild(layout, { path: { id: 'x' }, header: { 'x-a': 'a\r\nx-admin: 1' } }), UpstreamError);
  assert.equal(rebuild(layout, { path: { id: 'me;role=admin' } }).path, '/a/me%3Brole%3Dadmin/b');
});
