import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonValue } from '@writ/core';
import { calleeOf, planeFromReady } from './plane.ts';
import { scopesOfCall, scopesOfTools } from './scopes.ts';

const plane = planeFromReady({
  gateway: { mtls: 'https://127.0.0.1:8443/' },
  issuer: 'http://127.0.0.1:8420',
  gatewayId: 'spiffe://zylos.local/writ/gateway',
});
const files = calleeOf(plane, 'files');
const reader = calleeOf(plane, 'db/reader');
const held = ['files:read_file', 'files:prompts/summary', 'mail:send', 'db/reader:send'];

const calls: readonly { title: string; body: JsonValue | undefined; scopes: readonly string[] }[] = [
  {
    title: 'a tool call needs that tool',
    body: { method: 'tools/call', params: { name: 'read_file' } },
    scopes: ['files:read_file'],
  },
  {
    title: 'a prompt needs that prompt',
    body: { method: 'prompts/get', params: { name: 'summary' } },
    scopes: ['files:prompts/summary'],
  },
  {
    title: 'reading a resource needs the resources',
    body: { method: 'resources/read', params: { uri: 'file:///a' } },
    scopes: ['files:resources'],
  },
  {
    title: 'a list takes what is held of the server',
    body: { method: 'tools/list', params: {} },
    scopes: ['files:read_file', 'files:prompts/summary'],
  },
  { title: 'a request without a body does too', body: undefined, scopes: ['files:read_file', 'files:prompts/summary'] },
  {
    title: 'a tool call without a name is no tool call',
    body: { method: 'tools/call', params: {} },
    scopes: ['files:read_file', 'files:prompts/summary'],
  },
];

for (const { title, body, scopes } of calls) {
  test(title, () => assert.deepEqual(scopesOfCall({ callee: files, body, held, delegate: [] }), scopes));
}

test('a scope that is not held is asked for all the same, so that the refusal is on record', () => {
  assert.deepEqual(scopesOfCall({ callee: files, body: { method: 'tools/list' }, held: ['mail:send'], delegate: [] }), [
    'files:*',
  ]);
});

test('a message to an agent needs the scope to send and carries what is delegated, once each', () => {
  const delegate = ['files:read_file', 'db/reader:send'];
  assert.deepEqual(scopesOfCall({ callee: reader, body: {}, held, delegate }), ['db/reader:send', 'files:read_file']);
});

test('tools at their server become exactly their scopes', () => {
  assert.deepEqual(scopesOfTools(['files/read_file', 'files/read_file', 'files/list'], files), [
    'files:read_file',
    'files:list',
  ]);
});

test('tools for an agent come with the scope to call it', () => {
  assert.deepEqual(scopesOfTools(['files/read_file'], reader), ['db/reader:send', 'files:read_file']);
});

const wrong = [
  { title: 'no tool at all', tools: [], says: /at least one tool/ },
  { title: 'a tool of another server', tools: ['mail/send'], says: /`mail\/send` is not a tool of `files`/ },
  { title: 'a tool without its server', tools: ['read_file'], says: /`read_file` is not a tool/ },
  { title: 'two scopes in one word', tools: ['files/a b'], says: /`files\/a b` is not a tool/ },
];

for (const { title, tools, says } of wrong) {
  test(`refused with a sentence: ${title}`, () => assert.throws(() => scopesOfTools(tools, files), says));
}

test('an agent is told from a server by its two segments', () => {
  assert.deepEqual([files.kind, files.url], ['server', 'https://127.0.0.1:8443/mcp/files']);
  assert.deepEqual([reader.kind, reader.url], ['agent', 'https://127.0.0.1:8443/a2a/db/reader']);
  for (const key of ['', 'a/b/c', '../x', 'a?b', 'https://evil.example'])
    assert.throws(() => calleeOf(plane, key), /is neither a server/);
});

test('a description of the plane says which part of it is missing', () => {
  assert.throws(() => planeFromReady({}), /lacks `gateway.mtls`/);
  assert.throws(
    () => planeFromReady({ gateway: { mtls: 'https://a' }, gatewayId: 'spiffe://a/writ/gateway' }),
    /lacks `issuer`/,
  );
  assert.throws(
    () => planeFromReady({ gateway: { mtls: 'https://a' }, gatewayId: 'nobody', issuer: 'x' }),
    /`nobody` is not a SPIFFE ID/,
  );
});
