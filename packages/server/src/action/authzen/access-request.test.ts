// What time and use do to a request for access; who may ask for what is shown over a whole plane (test/plane/authzen-approval.test.ts).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { type AccessRequestPorts, accessRequestOf, type HeldApproval, statusOf, submit } from './access-request.ts';

const base = 'https://writ.example';
const caller = { id: 'edge/gateway', spiffeId: null, mayAsk: (callee: string) => callee === 'files' };
const held: HeldApproval = {
  ...{ id: 'apr_1', state: 'open', expiresSeconds: 1000, server: 'files', tool: 'write_file' },
  ...{ arguments: { b: 1, a: 'x' }, root: { sub: 'howard' }, actors: ['spiffe://zylos.local/a/b'] },
};
const portsAt = (nowSeconds: number, state: HeldApproval['state'] = 'open'): AccessRequestPorts => ({
  nowSeconds: () => nowSeconds,
  findApproval: async (id) => (id === held.id ? { ...held, state } : null),
  approvalUrl: (id) => `${base}/approvals#${id}`,
});
const request = (over: JsonObject = {}): JsonObject => ({
  subject: { type: 'user', id: 'howard' },
  action: { name: 'tools/call', properties: { arguments: { a: 'x', b: 1 } } },
  resource: { type: 'tool', id: 'files/write_file' },
  denial: { binding_token: 'apr_1', expires_at: '1970-01-01T00:16:40.000Z' },
  ...over,
});
const taskOf = async (nowSeconds: number, state?: HeldApproval['state']) => {
  const answer = await statusOf('apr_1', caller, base, portsAt(nowSeconds, state));
  assert.ok('json' in answer);
  return [(answer.json.task as JsonObject).status, answer.json.result !== undefined];
};

test('an open question is pending until it runs out, and what was answered stays answered', async () => {
  assert.deepEqual(await taskOf(999), ['pending', false]);
  assert.deepEqual(await taskOf(1000), ['expired', false]);
  for (const nowSeconds of [999, 2000]) {
    assert.deepEqual(await taskOf(nowSeconds, 'approved'), ['approved', true]);
    assert.deepEqual(await taskOf(nowSeconds, 'used'), ['approved', true]);
    assert.deepEqual(await taskOf(nowSeconds, 'denied'), ['denied', false]);
  }
});

test('a request is taken in time, in whatever order its arguments stand, and for the acting agent as subject', async () => {
  assert.equal((await submit(request(), caller, base, portsAt(999))).status, 202);
  const byAgent = request({ subject: { type: 'agent', id: 'spiffe://zylos.local/a/b' } });
  assert.equal((await submit(byAgent, caller, base, portsAt(999))).status, 202);
});

test('a denial that has run out is 410, and evaluating again is the way on', async () => {
  const answer = await submit(request(), caller, base, portsAt(1000));
  assert.deepEqual([answer.status, 'problem' in answer && answer.problem], [410, 'expired_denial']);
});

const unbound: [why: string, over: JsonObject][] = [
  ['no denial', { denial: null }],
  ['a denial named by something else', { denial: { evaluation_id: 'dec_1' } }],
  ['a token that is no text', { denial: { binding_token: {} } }],
  ['another action', { action: { name: 'prompts/get' } }],
  ['arguments left out', { action: { name: 'tools/call' } }],
  ['an argument more', { action: { name: 'tools/call', properties: { arguments: { a: 'x', b: 1, c: 2 } } } }],
  ['an earlier agent of the chain', { subject: { type: 'agent', id: 'spiffe://zylos.local/other/agent' } }],
];
for (const [why, over] of unbound) {
  test(`a request with ${why} is not the one that was denied`, async () => {
    const answer = await submit(request(over), caller, base, portsAt(1));
    assert.deepEqual([answer.status, 'problem' in answer && answer.problem], [400, 'invalid_denial_binding']);
  });
}

test('a denial names where to ask, until when, and where the person answers', async () => {
  assert.deepEqual(await accessRequestOf('apr_1', base, portsAt(1)), {
    access_request: {
      endpoint: `${base}/access/v1/requests`,
      expires_at: '1970-01-01T00:16:40.000Z',
      binding_token: 'apr_1',
      form_url: `${base}/approvals#apr_1`,
    },
  });
  assert.deepEqual(await accessRequestOf('apr_2', base, portsAt(1)), {});
});
