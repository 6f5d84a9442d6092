import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  argumentAt,
  decodeHeaderValue,
  encodeHeaderValue,
  mirroredParameters,
  parameterHeaders,
  sameValue,
} from './header-value.ts';

test('every text survives a header, and the header is plain ASCII without outer whitespace', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const value = encodeHeaderValue(text);
      assert.match(value, /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/);
      assert.equal(decodeHeaderValue(value), text);
    }),
  );
});

test('a text that looks coded is coded again, so nobody can smuggle one past the comparison', () => {
  const text = `=?base64?${btoa('delete')}?=`;
  assert.notEqual(encodeHeaderValue(text), text);
  assert.equal(decodeHeaderValue(encodeHeaderValue(text)), text);
});

test('the headers made for a call are the headers it would be checked by', () => {
  const schema = {
    type: 'object',
    properties: {
      a: { type: 'string', 'x-mcp-header': 'A' },
      in: { type: 'object', properties: { b: { type: 'integer', 'x-mcp-header': 'B' } } },
      c: { type: 'boolean', 'x-mcp-header': 'C' },
    },
  };
  const parameters = mirroredParameters(schema)!;
  const args = fc.record(
    { a: fc.string(), in: fc.record({ b: fc.maxSafeInteger() }), c: fc.boolean() },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(args, (given) => {
      const headers = parameterHeaders(parameters, given);
      for (const parameter of parameters) {
        const value = argumentAt(given, parameter.path);
        const header = headers[`mcp-param-${parameter.header.toLowerCase()}`];
        assert.equal(header === undefined, value === undefined);
        if (header !== undefined && value !== undefined) assert.ok(sameValue(parameter, header, value));
      }
    }),
  );
});

test('a tool whose marks break the rules is not understood at all', () => {
  const marked = (type: string, header: string) => ({ properties: { a: { type, 'x-mcp-header': header } } });
  assert.equal(mirroredParameters(marked('number', 'A')), null);
  assert.equal(mirroredParameters(marked('object', 'A')), null);
  assert.equal(mirroredParameters(marked('string', '')), null);
  assert.equal(mirroredParameters(marked('string', 'a b')), null);
  assert.equal(mirroredParameters(marked('string', 'A\r\nX: 1')), null);
  const twice = {
    properties: { a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } },
  };
  assert.equal(mirroredParameters(twice), null);
  assert.deepEqual(mirroredParameters({ type: 'object' }), []);
});
