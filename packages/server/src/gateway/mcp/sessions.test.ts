// Sessions of legacy callers: whose they are, and what they can and cannot do.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { type ModernUpstream, startModern } from './servers.fixture.ts';
import { ask, type RawAnswer, startGateway, type TestGateway } from './world.fixture.ts';

let notes: ModernUpstream;
let gateway: TestGateway;
before(async () => {
  notes = await startModern();
  gateway = await startGateway({ notes: notes.upstream });
});
after(async () => {
  await gateway.close();
  await notes.close();
});

const OPENING = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } };

function send(message: JsonObject, session: string | null, token = 'ada', signal?: AbortSignal): Promise<RawAnswer> {
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  if (session !== null) headers['mcp-session-id'] = session;
  const init: RequestInit = { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...message }) };
  return ask(gateway.endpoint('notes'), signal ? { ...init, signal } : init);
}

async function open(token = 'ada'): Promise<string> {
  const { headers, body } = await send({ id: 1, method: 'initialize', params: OPENING }, null, token);
  assert.equal(body.result?.protocolVersion, '2025-06-18');
  return headers.get('mcp-session-id')!;
}

const echo = (id: number): JsonObject => ({
  id,
  method: 'tools/call',
  params: { name: 'echo', arguments: { text: 'hi' } },
});

describe('a session', () => {
  test('is opened, used and ended by the one it belongs to', async () => {
    const session = await open();
    assert.equal((await send({ method: 'notifications/initialized' }, session)).status, 202);
    assert.deepEqual((await send({ id: 2, method: 'ping' }, session)).body, { jsonrpc: '2.0', id: 2, result: {} });
    const { body } = await send(echo(3), session);
    assert.deepEqual(body.result?.content, [{ type: 'text', text: 'hi' }]);
    assert.ok(!('resultType' in body.result!));
    const headers = { authorization: 'Bearer ada', 'mcp-session-id': session };
    assert.equal((await fetch(gateway.endpoint('notes'), { method: 'DELETE', headers })).status, 200);
    assert.equal((await send(echo(4), session)).status, 404);
  });

  test('of somebody else looks like one that never was', async () => {
    const session = await open('ada');
    const foreign = await send(echo(2), session, 'bob');
    const unknown = await send(echo(2), 'never', 'bob');
    assert.deepEqual([foreign.status, foreign.body], [unknown.status, unknown.body]);
    assert.equal(foreign.status, 404);
    const headers = { authorization: 'Bearer bob', 'mcp-session-id': session };
    assert.equal((await fetch(gateway.endpoint('notes'), { method: 'DELETE', headers })).status, 404);
    assert.equal((await send(echo(2), session, 'ada')).status, 200);
  });

  test('is no authority: each call is judged by its own token', async () => {
    const session = await open();
    const init = { method: 'POST', headers: { 'content-type': 'application/json', 'mcp-session-id': session } };
    const bare = await ask(gateway.endpoint('notes'), {
      ...init,
      body: JSON.stringify({ jsonrpc: '2.0', ...echo(2) }),
    });
    assert.equal(bare.status, 401);
    gateway.say = (call) => (call.isAction ? 'action.policy_forbids' : null);
    assert.equal((await send(echo(3), session)).body.error?.code, -31001);
    gateway.say = () => null;
  });

  test('left alone for an hour is gone', async () => {
    const session = await open();
    gateway.nowSeconds += 3600;
    assert.equal((await send(echo(2), session)).status, 404);
  });

  test('lost its connection, and its call goes on; cancelling is what cancels', async () => {
    const session = await open();
    const hangUp = new AbortController();
    const aborted = notes.aborted;
    const count = gateway.answered.length;
    const wait = { id: 5, method: 'tools/call', params: { name: 'wait', arguments: {} } };
    const heard = notes.heard.length;
    const lost = send(wait, session, 'ada', hangUp.signal);
    lost.catch(() => {});
    while (notes.heard.length === heard) await new Promise((done) => setTimeout(done, 5));
    hangUp.abort();
    await send({ id: 6, method: 'ping' }, session);
    assert.equal(notes.aborted, aborted);
    const twice = await send({ ...wait }, session);
    assert.equal(twice.status, 400, 'an id in use cannot be used again');
    const cancel = { method: 'notifications/cancelled', params: { requestId: 5 } };
    assert.equal((await send(cancel, session)).status, 202);
    await gateway.ended(count + 4);
    while (notes.aborted === aborted) await new Promise((done) => setTimeout(done, 5));
    assert.ok(gateway.answered.some((one) => one.call.operation === 'tools/call' && one.ending?.state === 'cancelled'));
  });

  test('lost its stream half-way, and its call still ends as it would have', async () => {
    const session = await open();
    const aborted = notes.aborted;
    const hangUp = new AbortController();
    const message = {
      jsonrpc: '2.0',
      id: 8,
      method: 'tools/call',
      params: { name: 'wait', _meta: { progressToken: 'p' } },
    };
    const answer = await fetch(gateway.endpoint('notes'), {
      method: 'POST',
      headers: { authorization: 'Bearer ada', 'content-type': 'application/json', 'mcp-session-id': session },
      body: JSON.stringify(message),
      signal: hangUp.signal,
    });
    await answer.body!.getReader().read();
    hangUp.abort();
    for (let i = 0; i < 5; i++) await send({ id: 9, method: 'ping' }, session);
    assert.equal(notes.aborted, aborted);
    await send({ method: 'notifications/cancelled', params: { requestId: 8 } }, session);
    while (notes.aborted === aborted) await new Promise((done) => setTimeout(done, 5));
  });

  test('beyond the bound of one person ends the oldest of that person', async () => {
    const [bobs, first] = [await open('bob'), await open('cy')];
    for (let i = 0; i < 32; i++) await open('cy');
    assert.equal((await send({ id: 1, method: 'ping' }, first, 'cy')).status, 404);
    assert.equal((await send({ id: 1, method: 'ping' }, bobs, 'bob')).status, 200);
  });
});
