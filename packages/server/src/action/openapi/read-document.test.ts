import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { readShape } from '../arguments/read-shape.ts';
import type { ApiDocument } from './document.ts';
import { readApiDocument } from './read-document.ts';

const answers = { 200: { description: 'ok', content: { 'application/json': {} } } };

function read(paths: JsonObject, more: JsonObject = {}): ApiDocument {
  const found = readApiDocument(JSON.stringify({ openapi: '3.1.0', info: {}, paths, ...more }));
  assert.ok('paths' in found, JSON.stringify(found));
  return found;
}

const whyNot = (paths: JsonObject, more: JsonObject = {}): string => {
  const found = readApiDocument(JSON.stringify({ openapi: '3.1.0', info: {}, paths, ...more }));
  return 'says' in found ? found.says : found.refused.map(({ says }) => says).join('; ');
};

/** One operation, `GET` at this path unless it says otherwise. */
const get = (more: JsonObject = {}, path = '/a'): JsonObject => ({
  [path]: { get: { operationId: 'one', responses: answers, ...more } },
});
const parameter = (more: JsonObject): JsonObject =>
  get({ parameters: [{ name: 'q', in: 'query', schema: { type: 'string' }, ...more }] });
const body = (content: JsonObject, more: JsonObject = {}): JsonObject => ({
  '/a': { post: { operationId: 'one', responses: answers, requestBody: { content, ...more } } },
});

test('what is not understood is not offered, and the reason is said', () => {
  const cases: readonly (readonly [JsonObject, RegExp])[] = [
    [{ '/a': { get: { responses: answers } } }, /no `operationId`/],
    [get({ operationId: 'a b' }), /cannot stand in a scope/],
    [{ ...get(), '/b': (get() as { '/a': JsonObject })['/a'] }, /several operations/],
    [get({ servers: [{ url: 'https://elsewhere.example' }] }), /servers of its own/],
    [{ '/a': { servers: [], get: { operationId: 'one', responses: answers } } }, /`servers`/],
    [{ '/a': { $ref: '#/x', get: { operationId: 'one', responses: answers } } }, /`\$ref`/],
    [get({}, '/a/{id}.json'), /partly a parameter/],
    [get({}, '/a/{id}'), /path parameters are not those/],
    [parameter({ in: 'path', name: 'id' }), /path parameters are not those/],
    [parameter({ style: 'deepObject', schema: { type: 'object' } }), /neither text, number/],
    [parameter({ style: 'pipeDelimited', schema: { type: 'array', items: { type: 'string' } } }), /the style/],
    [parameter({ schema: {} }), /neither text, number/],
    [parameter({ schema: { type: ['string', 'integer'] } }), /neither text, number/],
    [parameter({ allowReserved: true }), /reserved/],
    [parameter({ content: { 'application/json': {} } }), /`content`/],
    [parameter({ in: 'cookie', required: true }), /cookie/],
    [parameter({ in: 'header', name: 'X-HTTP-Method-Override' }), /no caller may set/],
    [parameter({ in: 'header', name: 'Transfer-Encoding' }), /no caller may set/],
    [parameter({ in: 'header', name: 'X-Forwarded-Host' }), /no caller may set/],
    [parameter({ in: 'header', name: 'Cookie' }), /no caller may set/],
    [
      parameter({ in: 'header', name: 'X-A', schema: { type: 'array', items: { type: 'string' } } }),
      /outside the query/,
    ],
    [parameter({ schema: { $ref: 'https://elsewhere.example/q' } }), /not `#\/components/],
    [parameter({ schema: { $ref: '#/components/schemas/Nothing' } }), /points at nothing/],
    [body({ 'multipart/form-data': { schema: {} } }, { required: true }), /none of JSON/],
    [body({ 'application/json': {} }), /no schema/],
    [get({ responses: { 2000: {} } }), /not a status/],
    [get({ responses: undefined as unknown as JsonValue }), /what it answers/],
  ];
  for (const [paths, why] of cases) assert.match(whyNot(paths), why, JSON.stringify(paths));
});

test('a document that could be read in two ways is refused whole', () => {
  const two = (a: string, b: string): JsonObject => ({ [a]: {}, [b]: {} });
  const cases: readonly (readonly [JsonObject, RegExp])[] = [
    [two('/a/{x}', '/{y}/b'), /could mean both/],
    [two('/a/{x}', '/a/{y}'), /could mean both/],
    [two('/a/{x}/b', '/a/c/{y}'), /could mean both/],
    [two('/{p}/{x}.json', '/a/{y}'), /could mean both/],
    [two('/a/../b', '/c'), /cannot be matched exactly/],
    [two('/a//b', '/c'), /cannot be matched exactly/],
    [two('/a/%2e', '/c'), /cannot be matched exactly/],
    [two('a', '/c'), /does not begin with a slash/],
  ];
  for (const [paths, why] of cases) assert.match(whyNot(paths), why, JSON.stringify(paths));
  assert.equal(whyNot(two('/a/{x}', '/a/me')), '', 'a concrete path is meant before a templated one');
  assert.equal(whyNot(two('/a/{x}.json', '/a/{x}.xml')), '');
  for (const text of ['openapi: 2.0', 'openapi: 3.2.0\npaths: {}', '[]', '{"a":1,"a":2}', 'openapi: 3.0.0', 'a: [']) {
    assert.ok('says' in readApiDocument(text), text);
  }
});

test('a concrete path is tried before a templated one, wherever it stands', () => {
  const { paths } = read({ '/a/{x}': {}, '/a/{x}/b': {}, '/a/me': {}, '/{z}': {} });
  const texts = paths.map(({ segments }) => segments.map((one) => (one.kind === 'text' ? one.text : '{}')).join('/'));
  assert.ok(texts.indexOf('a/me') < texts.indexOf('a/{}'), String(texts));
});

test('a schema stands on its own, recursion and the dialect of 3.0 included', () => {
  const schemas = {
    Node: {
      type: 'object',
      xml: { name: 'node' },
      properties: {
        xml: { type: 'string' },
        nullable: { type: 'string', nullable: true },
        amount: { type: 'number', minimum: 0, exclusiveMinimum: true },
        next: { $ref: '#/components/schemas/Node', description: 'beside a reference nothing counts' },
      },
    },
  };
  const paths = body({ 'application/json': { schema: { $ref: '#/components/schemas/Node' } } }, { required: true });
  const { definitions } = read(paths, { openapi: '3.0.3', components: { schemas } });
  const { inputSchema } = definitions[0] as { inputSchema: JsonObject };
  const shape = readShape(inputSchema);
  assert.ok('shape' in shape, JSON.stringify(shape));
  assert.deepEqual(inputSchema.required, ['body']);
  const defs = inputSchema.$defs as { Node: { properties: JsonObject } };
  assert.deepEqual(defs.Node.properties, {
    xml: { type: 'string' },
    nullable: { type: ['string', 'null'] },
    amount: { type: 'number', exclusiveMinimum: 0 },
    next: { $ref: '#/$defs/Node' },
  });
});

test('a definition holds all that a request is rebuilt from, so that any change of it changes its pin (rules §3.7)', () => {
  const base = parameter({ in: 'query' });
  const text = (paths: JsonObject) => JSON.stringify(read(paths).definitions);
  const changes: readonly JsonObject[] = [
    parameter({ schema: { type: 'integer' } }),
    parameter({ required: true }),
    parameter({ in: 'header' }),
    parameter({ description: 'what a model would read' }),
    { '/b': (base as { '/a': JsonObject })['/a'] },
    { '/a': { post: ((base as { '/a': JsonObject })['/a'] as JsonObject).get! } },
    {
      '/a': {
        ...((base as { '/a': JsonObject })['/a'] as JsonObject),
        parameters: [{ name: 'r', in: 'query', schema: { type: 'string' } }],
      },
    },
    get({ responses: { 200: { description: 'ok', content: { 'text/html': {} } } } }),
  ];
  for (const change of changes) assert.notEqual(text(change), text(base), JSON.stringify(change));
});

test('what may never be answered is not declared by declaring it', () => {
  const headers = {
    'X-Total': {},
    'Set-Cookie': {},
    'WWW-Authenticate': {},
    Location: {},
    'Access-Control-Allow-Origin': {},
  };
  const content = { 'application/JSON; charset=utf-8': {}, '*/*': {}, 'text/*': {} };
  const { paths } = read(get({ responses: { 200: { headers, content } } }));
  assert.deepEqual(paths[0]!.operations.get('GET')!.answers.get('200'), {
    types: ['application/json'],
    headers: ['x-total'],
  });
  assert.ok(isJsonObject(read(get()).definitions[0]));
});
