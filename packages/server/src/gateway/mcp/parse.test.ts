import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { utf8 } from '@writ/core';
import type { MirroredParameter } from './header-value.ts';
import { type Malformed, parseRequest, type RequestHead } from './parse.ts';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const MODERN: Headers = { 'content-type': 'application/json', 'mcp-protocol-version': '2026-07-28' };
const CALL = { name: 'echo', arguments: { text: 'hi' }, _meta: META };
const CALL_HEADERS: Headers = { ...MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'echo' };
const LEGACY: Headers = {
  'content-type': 'application/json',
  'mcp-session-id': 's1',
  'mcp-protocol-version': '2025-11-25',
};
const REGION: MirroredParameter = { header: 'Region', path: ['where', 'region'], type: 'string' };
const COUNT: MirroredParameter = { header: 'Count', path: ['count'], type: 'integer' };

function head(headers: Headers): RequestHead {
  return { values: (name) => [headers[name] ?? []].flat() };
}

function parse(headers: Headers, body: unknown, mirrored: readonly MirroredParameter[] = []) {
  const bytes = body instanceof Uint8Array ? body : utf8(typeof body === 'string' ? body : JSON.stringify(body));
  return parseRequest(head(headers), bytes, () => mirrored);
}

function message(method: string, params: object = { _meta: META }, id: unknown = 1) {
  return { jsonrpc: '2.0', id, method, params };
}

function told(method: string, params: object = {}) {
  return { jsonrpc: '2.0', method, params };
}

function refused(headers: Headers, body: unknown, mirrored: readonly MirroredParameter[] = []): Malformed {
  const parsed = parse(headers, body, mirrored);
  assert.equal(parsed.kind, 'malformed', JSON.stringify(parsed));
  return parsed as Malformed;
}

type Case = readonly [title: string, headers: Headers, body: unknown, httpStatus: number, rpcCode: number];

const deep = `${'['.repeat(70)}${']'.repeat(70)}`;

const UNREADABLE: readonly Case[] = [
  ['a body that is not JSON', MODERN, '{', 400, -32700],
  ['an empty body', MODERN, '', 400, -32700],
  ['text after the message', MODERN, `${JSON.stringify(message('tools/list'))} {}`, 400, -32700],
  ['a member named twice', MODERN, '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}', 400, -32700],
  [
    'an argument named twice',
    CALL_HEADERS,
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":1,"\\u0061":2}}}',
    400,
    -32700,
  ],
  [
    'nesting without end',
    CALL_HEADERS,
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":${deep}}}}`,
    400,
    -32700,
  ],
  ['bytes that are not UTF-8', MODERN, new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, -32700],
  ['half a surrogate pair', MODERN, '{"jsonrpc":"2.0","id":"\\ud800","method":"tools/list"}', 400, -32700],
  ['a batch', MODERN, [message('tools/list')], 400, -32600],
  ['an empty batch', MODERN, [], 400, -32600],
  ['a string', MODERN, '"tools/list"', 400, -32600],
  ['a response', MODERN, { jsonrpc: '2.0', id: 1, result: {} }, 400, -32600],
  ['another JSON-RPC version', MODERN, { ...message('tools/list'), jsonrpc: '1.0' }, 400, -32600],
  ['a null id', MODERN, message('tools/list', { _meta: META }, null), 400, -32600],
  ['a fractional id', MODERN, message('tools/list', { _meta: META }, 1.5), 400, -32600],
  ['an id that is an object', MODERN, message('tools/list', { _meta: META }, {}), 400, -32600],
  ['a member of its own', MODERN, { ...message('tools/list'), auth: 'x' }, 400, -32600],
  ['a method that is a number', MODERN, { jsonrpc: '2.0', id: 1, method: 3 }, 400, -32600],
  ['params that are a list', MODERN, { jsonrpc: '2.0', id: 1, method: 'tools/list', params: [] }, 400, -32602],
  ['another content type', { ...MODERN, 'content-type': 'text/plain' }, message('tools/list'), 400, -32600],
  [
    'two content types',
    { ...MODERN, 'content-type': ['application/json', 'text/plain'] },
    message('tools/list'),
    400,
    -32600,
  ],
  [
    'another charset',
    { ...MODERN, 'content-type': 'application/json; charset=utf-16' },
    message('tools/list'),
    400,
    -32600,
  ],
];

const META_WITHOUT = (name: keyof typeof META) =>
  Object.fromEntries(Object.entries(META).filter(([key]) => key !== name));
const VERSION = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

const MODERN_CASES: readonly Case[] = [
  ['no `_meta`', { ...MODERN, 'mcp-method': 'tools/list' }, message('tools/list', {}), 400, -32602],
  [
    'no version in `_meta`',
    { ...MODERN, 'mcp-method': 'tools/list' },
    message('tools/list', { _meta: META_WITHOUT(VERSION) }),
    400,
    -32602,
  ],
  [
    'no capabilities in `_meta`',
    { ...MODERN, 'mcp-method': 'tools/list' },
    message('tools/list', { _meta: META_WITHOUT(CAPABILITIES) }),
    400,
    -32602,
  ],
  [
    '`_meta` that is a list',
    { ...MODERN, 'mcp-method': 'tools/list' },
    message('tools/list', { _meta: [] }),
    400,
    -32602,
  ],
  [
    'no version header',
    { 'content-type': 'application/json', 'mcp-method': 'tools/list' },
    message('tools/list'),
    400,
    -32020,
  ],
  [
    'two version headers',
    { ...MODERN, 'mcp-protocol-version': ['2026-07-28', '2026-07-28'], 'mcp-method': 'tools/list' },
    message('tools/list'),
    400,
    -32020,
  ],
  [
    'a header of another version',
    { ...MODERN, 'mcp-protocol-version': '2025-11-25', 'mcp-method': 'tools/list' },
    message('tools/list'),
    400,
    -32020,
  ],
  [
    'another version in the body, unknown too',
    { ...MODERN, 'mcp-method': 'tools/list' },
    message('tools/list', { _meta: { ...META, [VERSION]: '1999-01-01' } }),
    400,
    -32020,
  ],
  ['no method header', MODERN, message('tools/list'), 400, -32020],
  ['another method header', { ...MODERN, 'mcp-method': 'tools/call' }, message('tools/list'), 400, -32020],
  ['a method header of another case', { ...MODERN, 'mcp-method': 'Tools/List' }, message('tools/list'), 400, -32020],
  ['no name header', { ...MODERN, 'mcp-method': 'tools/call' }, message('tools/call', CALL), 400, -32020],
  ['another name header', { ...CALL_HEADERS, 'mcp-name': 'delete' }, message('tools/call', CALL), 400, -32020],
  ['a name header twice', { ...CALL_HEADERS, 'mcp-name': ['echo', 'echo'] }, message('tools/call', CALL), 400, -32020],
  [
    'a coded name that cannot be read',
    { ...CALL_HEADERS, 'mcp-name': '=?base64?!?=' },
    message('tools/call', CALL),
    400,
    -32020,
  ],
  [
    'a URI header of another resource',
    { ...MODERN, 'mcp-method': 'resources/read', 'mcp-name': 'file:///b' },
    message('resources/read', { uri: 'file:///a', _meta: META }),
    400,
    -32020,
  ],
  ['a call without a name', CALL_HEADERS, message('tools/call', { arguments: {}, _meta: META }), 400, -32602],
  [
    'a name that could be a wildcard',
    { ...CALL_HEADERS, 'mcp-name': '*' },
    message('tools/call', { ...CALL, name: '*' }),
    400,
    -32602,
  ],
  [
    'a tool named like the scope of reading',
    { ...CALL_HEADERS, 'mcp-name': 'resources' },
    message('tools/call', { ...CALL, name: 'resources' }),
    400,
    -32602,
  ],
  [
    'a prompt with a slash in its name',
    { ...MODERN, 'mcp-method': 'prompts/get', 'mcp-name': 'a/*' },
    message('prompts/get', { name: 'a/*', _meta: META }),
    400,
    -32602,
  ],
  ['arguments that are a list', CALL_HEADERS, message('tools/call', { ...CALL, arguments: [] }), 400, -32602],
  [
    'prompt arguments that are not strings',
    { ...MODERN, 'mcp-method': 'prompts/get', 'mcp-name': 'p' },
    message('prompts/get', { name: 'p', arguments: { n: 1 }, _meta: META }),
    400,
    -32602,
  ],
  ['a member nobody judges', CALL_HEADERS, message('tools/call', { ...CALL, task: {} }), 400, -32602],
  ['a member named like a built-in', CALL_HEADERS, message('tools/call', { ...CALL, constructor: {} }), 400, -32602],
  ['`initialize`', { ...MODERN, 'mcp-method': 'initialize' }, message('initialize'), 404, -32601],
  ['`ping`', { ...MODERN, 'mcp-method': 'ping' }, message('ping'), 404, -32601],
  ['`logging/setLevel`', { ...MODERN, 'mcp-method': 'logging/setLevel' }, message('logging/setLevel'), 404, -32601],
  [
    '`resources/subscribe`',
    { ...MODERN, 'mcp-method': 'resources/subscribe' },
    message('resources/subscribe'),
    404,
    -32601,
  ],
  ['`tasks/get`, an extension', { ...MODERN, 'mcp-method': 'tasks/get' }, message('tasks/get'), 404, -32601],
  ['a method named like a built-in', { ...MODERN, 'mcp-method': 'constructor' }, message('constructor'), 404, -32601],
  [
    'a notification',
    { ...MODERN, 'mcp-method': 'notifications/cancelled' },
    told('notifications/cancelled', { _meta: META }),
    400,
    -32601,
  ],
];

const LEGACY_CASES: readonly Case[] = [
  ['no session', { 'content-type': 'application/json' }, message('tools/list', {}), 400, -32600],
  ['two sessions', { ...LEGACY, 'mcp-session-id': ['a', 'b'] }, message('tools/list', {}), 400, -32600],
  [
    'a version nobody knows',
    { ...LEGACY, 'mcp-protocol-version': '1999-01-01' },
    message('tools/list', {}),
    400,
    -32602,
  ],
  ['an unknown method, without an HTTP error', LEGACY, message('server/destroy', {}), 200, -32601],
  ['a modern method', LEGACY, message('server/discover', {}), 200, -32601],
  ['an unknown notification', LEGACY, told('notifications/secret'), 400, -32601],
  [
    'answers to questions nobody asked',
    LEGACY,
    message('tools/call', { name: 'echo', inputResponses: {} }),
    200,
    -32602,
  ],
  ['a task of 2025', LEGACY, message('tools/call', { name: 'echo', task: { ttl: 1 } }), 200, -32602],
  ['an opening without a version', { 'content-type': 'application/json' }, message('initialize', {}), 200, -32602],
];

for (const [name, cases] of [
  ['what nobody could read', UNREADABLE],
  ['the modern era', MODERN_CASES],
  ['the legacy era', LEGACY_CASES],
] as const) {
  describe(`refuses in ${name}:`, () => {
    for (const [title, headers, body, httpStatus, rpcCode] of cases) {
      test(title, () => {
        const malformed = refused(headers, body);
        assert.deepEqual([malformed.httpStatus, malformed.rpcCode], [httpStatus, rpcCode], malformed.message);
        assert.equal(malformed.denialCode, rpcCode === -32020 ? 'gateway.header_mismatch' : 'gateway.malformed');
      });
    }
  });
}

describe('one request of the modern era', () => {
  test('is read with its parts', () => {
    const parsed = parse(CALL_HEADERS, message('tools/call', CALL, 'c-1'));
    assert.equal(parsed.kind, 'call');
    assert.deepEqual(parsed.kind === 'call' && [parsed.era, parsed.id, parsed.method], ['modern', 'c-1', 'tools/call']);
  });

  test('needs no clientInfo', () => {
    assert.equal(parse({ ...MODERN, 'mcp-method': 'server/discover' }, message('server/discover')).kind, 'call');
  });

  test('may carry its name in base64', () => {
    const headers = { ...CALL_HEADERS, 'mcp-name': `=?base64?${btoa('echo')}?=` };
    assert.equal(parse(headers, message('tools/call', CALL)).kind, 'call');
  });

  test('is told which versions are spoken here', () => {
    const headers = { ...MODERN, 'mcp-protocol-version': '2030-01-01', 'mcp-method': 'tools/list' };
    const malformed = refused(headers, message('tools/list', { _meta: { ...META, [VERSION]: '2030-01-01' } }));
    assert.deepEqual([malformed.httpStatus, malformed.rpcCode], [400, -32022]);
    assert.deepEqual(malformed.data, { supported: ['2026-07-28'], requested: '2030-01-01' });
  });

  test('keeps its id in every error that could read it', () => {
    assert.equal(refused(MODERN, message('tools/list', { _meta: META }, 'mine')).id, 'mine');
  });

  test('says the same in headers as in arguments, integers by number', () => {
    const call = { name: 'place', arguments: { where: { region: 'eu' }, count: 7 }, _meta: META };
    const base = { ...CALL_HEADERS, 'mcp-name': 'place' };
    const both = { ...base, 'mcp-param-region': 'eu', 'mcp-param-count': '007' };
    assert.equal(parse(both, message('tools/call', call), [REGION, COUNT]).kind, 'call');
    const wrong: Headers[] = [
      base,
      { ...both, 'mcp-param-region': 'us' },
      { ...both, 'mcp-param-region': 'EU' },
      { ...both, 'mcp-param-region': ['eu', 'eu'] },
      { ...both, 'mcp-param-count': '8' },
      { ...both, 'mcp-param-count': '7.0' },
      { ...both, 'mcp-param-region': '=?base64?eu?=' },
    ];
    for (const headers of wrong) {
      assert.equal(
        refused(headers, message('tools/call', call), [REGION, COUNT]).rpcCode,
        -32020,
        JSON.stringify(headers),
      );
    }
  });

  test('omits the header of an argument that is absent or null, and only then', () => {
    const base = { ...CALL_HEADERS, 'mcp-name': 'place' };
    const call = (args: object) => message('tools/call', { name: 'place', arguments: args, _meta: META });
    assert.equal(parse(base, call({}), [COUNT]).kind, 'call');
    assert.equal(parse(base, call({ count: null }), [COUNT]).kind, 'call');
    assert.equal(refused({ ...base, 'mcp-param-count': '7' }, call({}), [COUNT]).rpcCode, -32020);
  });
});

describe('one request of the legacy era', () => {
  test('opens without a session, and not under a modern version', () => {
    const opening = message('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'x', version: '1' },
    });
    const parsed = parse({ 'content-type': 'application/json' }, opening);
    assert.ok(parsed.kind === 'call' && parsed.era === 'legacy' && parsed.sessionId === null);
    assert.equal(refused(MODERN, opening).httpStatus, 400);
  });

  test('goes on under its session; without a version header it is taken for 2025-03-26', () => {
    const { 'mcp-protocol-version': _, ...bare } = LEGACY;
    const parsed = parse(bare, message('tools/list', {}));
    assert.ok(parsed.kind === 'call' && parsed.version === '2025-03-26' && parsed.sessionId === 's1');
  });

  test('may tell what the standard names', () => {
    assert.equal(parse(LEGACY, told('notifications/initialized')).kind, 'notification');
  });
});
