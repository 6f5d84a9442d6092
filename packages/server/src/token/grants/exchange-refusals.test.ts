import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TYP } from '@writ/core';
import { signJwt } from '../jwt.ts';
import {
  ACCESS_TOKEN,
  CONTINUATION,
  claimsOf,
  continueFor,
  DB_AGENT,
  DB_READER,
  exchange,
  id,
  ORCHESTRATOR,
  openHowardsTask,
  post,
} from '../testing.ts';

import { atDbAgent, open, refusedWith } from './testing.ts';

test('what a client asks beyond its parent is refused by name', async (t) => {
  const plane = await open(t);
  const { continuation } = await atDbAgent(plane);
  const files = plane.aud('mcp', 'files');
  const cases: readonly [what: string, asks: { [name: string]: string | string[] }, error: string, code: string][] = [
    [
      'a scope the parent does not hold',
      { audience: files, scope: 'files:write_file' },
      'invalid_scope',
      'token.scope_widened',
    ],
    ['a wildcard over a name', { audience: files, scope: 'files:*' }, 'invalid_scope', 'token.scope_widened'],
    ['a scope of another server', { audience: files, scope: 'mail:send' }, 'invalid_scope', 'token.scope_widened'],
    ['no scope', { audience: files }, 'invalid_scope', 'token.scope_insufficient'],
    [
      'two audiences',
      { audience: [files, plane.aud('mcp', 'mail')], scope: 'files:read_file' },
      'invalid_target',
      'transport.edge_not_allowed',
    ],
    [
      'an audience and a resource',
      { audience: files, resource: files, scope: 'files:read_file' },
      'invalid_target',
      'transport.edge_not_allowed',
    ],
    ['no audience', { scope: 'files:read_file' }, 'invalid_target', 'transport.edge_not_allowed'],
    [
      'a callee it has no edge to',
      { audience: plane.aud('mcp', 'mail'), scope: 'mail:send' },
      'invalid_target',
      'transport.edge_not_allowed',
    ],
    [
      'a callee nobody knows',
      { audience: 'https://elsewhere.example/mcp', scope: 'files:read_file' },
      'invalid_target',
      'transport.edge_not_allowed',
    ],
    [
      'another task',
      { audience: files, scope: 'files:read_file', task: 'tsk_other' },
      'invalid_request',
      'token.wrong_task',
    ],
    [
      'another kind of token',
      { audience: files, scope: 'files:read_file', requested_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
      'invalid_request',
      'token.malformed',
    ],
    [
      'an actor token type alone',
      { audience: files, scope: 'files:read_file', actor_token_type: ACCESS_TOKEN },
      'invalid_request',
      'token.malformed',
    ],
    [
      'a number that is none',
      { audience: files, scope: 'files:read_file', estimated_seconds: '1e9' },
      'invalid_request',
      'token.malformed',
    ],
    [
      'a restriction nobody knows',
      { audience: files, scope: 'files:read_file', authorization_details: '[{"type":"other"}]' },
      'invalid_authorization_details',
      'token.restriction_unknown',
    ],
  ];
  for (const [what, asks, error, code] of cases) {
    await t.test(what, async () => refusedWith(await exchange(plane, DB_AGENT, continuation, asks), error, code));
  }
  const narrow = await exchange(plane, DB_AGENT, continuation, {
    audience: files,
    scope: 'files:read_file',
    depth: '0',
  });
  assert.equal(narrow.status, 200);
});

test('a subject token that is not this client’s to use is refused', async (t) => {
  const plane = await open(t);
  const { task, token, continuation } = await atDbAgent(plane);
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  const forged = `${continuation.slice(0, -6)}AAAAAA`;
  const bound = 'token.bound_to_other_peer';
  await t.test('a continuation held by somebody else', async () =>
    refusedWith(await exchange(plane, DB_READER, continuation, asks), 'invalid_request', bound),
  );
  await t.test('the continuation of a task for another agent', async () =>
    refusedWith(await exchange(plane, DB_AGENT, task.subjectToken, asks), 'invalid_request', bound),
  );
  await t.test('a token whose audience is somebody else’s', async () =>
    refusedWith(await exchange(plane, DB_READER, token, asks), 'invalid_request', 'token.delegator_mismatch'),
  );
  await t.test('a continuation called an access token', async () =>
    refusedWith(
      await exchange(plane, DB_AGENT, continuation, { ...asks, subject_token_type: ACCESS_TOKEN }),
      'invalid_request',
      'token.malformed',
    ),
  );
  await t.test('an access token called a continuation', async () =>
    refusedWith(
      await exchange(plane, ORCHESTRATOR, token, { ...asks, subject_token_type: CONTINUATION }),
      'invalid_request',
      'token.malformed',
    ),
  );
  await t.test('a forged signature', async () =>
    refusedWith(await exchange(plane, DB_AGENT, forged, asks), 'invalid_request', 'token.signature_invalid'),
  );
  await t.test('text', async () =>
    refusedWith(await exchange(plane, DB_AGENT, 'abc', asks), 'invalid_request', 'token.malformed'),
  );
  await t.test('a token of the plane that belongs to no task', async () => {
    const form = { grant_type: 'client_credentials', client_id: DB_AGENT };
    const own = await post(plane, '/oauth/token', form, { as: DB_AGENT });
    // The library stamps by the wall clock, this plane's stands still: let it be later than the token.
    plane.clock.seconds += 5;
    refusedWith(
      await exchange(plane, DB_AGENT, String(own.body.access_token), asks),
      'invalid_request',
      'token.wrong_task',
    );
  });
});

test('an actor who stands in the chain already cannot take again', async (t) => {
  const plane = await open(t);
  const { continuation } = await atDbAgent(plane, 'db/agent:send db/reader:send files:read_file');
  const second = await exchange(plane, DB_AGENT, continuation, {
    audience: plane.aud('a2a', 'db/reader'),
    scope: 'db/reader:send files:read_file',
  });
  // db/reader may call db/agent; a chain that went there and back would hide who is acting for whom.
  const back = await continueFor(plane, second.body.access_token, DB_READER);
  const loop = await exchange(plane, DB_READER, back, {
    audience: plane.aud('a2a', 'db/agent'),
    scope: 'files:read_file',
  });
  const third = await continueFor(plane, loop.body.access_token, DB_AGENT);
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  refusedWith(await exchange(plane, DB_AGENT, third, asks), 'invalid_request', 'token.cycle');
});

test('the depth a person gave is the number of takes, and no more', async (t) => {
  const plane = await open(t);
  const { continuation } = await atDbAgent(plane, 'db/agent:send db/reader:send files:read_file', { depth: 2 });
  const second = await exchange(plane, DB_AGENT, continuation, {
    audience: plane.aud('a2a', 'db/reader'),
    scope: 'db/reader:send files:read_file',
  });
  assert.equal(second.status, 200);
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  const last = await continueFor(plane, second.body.access_token, DB_READER);
  refusedWith(await exchange(plane, DB_READER, last, asks), 'invalid_request', 'token.depth_exceeded');
});

test('may_act names the only one who may act', async (t) => {
  const plane = await open(t);
  const { token } = await atDbAgent(plane);
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  const named = (sub: string) => continueFor(plane, token, DB_AGENT, { iss: 'spiffe://zylos.local', sub });
  const taken = await exchange(plane, DB_AGENT, await named(DB_AGENT), asks);
  assert.equal(taken.status, 200, JSON.stringify(taken.body));
  assert.equal(claimsOf(taken.body.access_token).may_act, undefined);
  refusedWith(
    await exchange(plane, DB_AGENT, await named(DB_READER), asks),
    'invalid_request',
    'token.may_act_forbids',
  );
});

test('an actor token may only repeat who the client is', async (t) => {
  const plane = await open(t);
  const { token, continuation } = await atDbAgent(plane);
  const own = await post(
    plane,
    '/oauth/token',
    { grant_type: 'client_credentials', client_id: DB_AGENT },
    { as: DB_AGENT },
  );
  const other = await post(
    plane,
    '/oauth/token',
    { grant_type: 'client_credentials', client_id: DB_READER },
    { as: DB_READER },
  );
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file', actor_token_type: ACCESS_TOKEN };
  const as = (actor: unknown) => exchange(plane, DB_AGENT, continuation, { ...asks, actor_token: String(actor) });
  assert.equal((await as(own.body.access_token)).status, 200);
  refusedWith(await as(other.body.access_token), 'invalid_request', 'token.bound_to_other_peer');
  refusedWith(await as(token), 'invalid_request', 'token.bound_to_other_peer');
  refusedWith(await as('abc'), 'invalid_request', 'token.signature_invalid');
  plane.clock.seconds += 601;
  refusedWith(await as(own.body.access_token), 'invalid_request', 'token.expired');
});

test('withdrawing an ancestor ends everything that was made from it, at once', async (t) => {
  const plane = await open(t);
  const { token, continuation } = await atDbAgent(plane);
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  const child = await exchange(plane, DB_AGENT, continuation, asks);
  assert.equal(child.status, 200);
  const { rows } = await plane.server.revoke({ token: String(claimsOf(token).jti) }, 'howard');
  assert.equal(rows, 3);
  for (const dead of [continuation, String(child.body.access_token)]) {
    refusedWith(await exchange(plane, DB_AGENT, dead, asks), 'invalid_request', 'token.revoked');
  }
});

test('ending the task, the person or the agent ends the exchange', async (t) => {
  const plane = await open(t);
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  const first = await atDbAgent(plane);
  assert.equal(await plane.server.tasks.end(first.task.task, 'howard'), true);
  refusedWith(await exchange(plane, DB_AGENT, first.continuation, asks), 'invalid_request', 'token.revoked');
  const waiting = await openHowardsTask(plane);
  const second = await atDbAgent(plane);
  await plane.server.revoke({ agent: ORCHESTRATOR }, 'howard');
  refusedWith(await exchange(plane, DB_AGENT, second.continuation, asks), 'invalid_request', 'token.revoked');
  refusedWith(
    await exchange(plane, ORCHESTRATOR, waiting.subjectToken, asks),
    'invalid_request',
    'transport.identity_revoked',
  );
  await assert.rejects(openHowardsTask(plane), /transport.identity_revoked/);
  const third = await openHowardsTask(plane, { agentPath: 'scheduler/c5' });
  await plane.server.revoke({ user: { iss: plane.issuer, sub: 'howard' } }, 'admin');
  refusedWith(await exchange(plane, id('scheduler/c5'), third.subjectToken, asks), 'invalid_request', 'token.revoked');
  await assert.rejects(openHowardsTask(plane, { agentPath: 'scheduler/c5' }), /token.revoked/);
});

test('a genuine token whose registry row is gone takes nothing any more', async (t) => {
  const plane = await open(t);
  const { continuation } = await atDbAgent(plane);
  await plane.store.db
    .deleteFrom('tokens')
    .where('id', '=', String(claimsOf(continuation).jti))
    .execute();
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  refusedWith(await exchange(plane, DB_AGENT, continuation, asks), 'invalid_request', 'token.revoked');
});

test('when the list of withdrawals is older than its lease and cannot be read, nothing is exchanged', async (t) => {
  const plane = await open(t);
  const { continuation } = await atDbAgent(plane);
  plane.clock.monotonic += 501;
  await plane.store.close();
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  const answer = await exchange(plane, DB_AGENT, continuation, asks);
  assert.equal(answer.body.access_token, undefined);
  assert.notEqual(answer.status, 200);
});

test('without a durable record no token leaves', async (t) => {
  const plane = await open(t);
  const { continuation } = await atDbAgent(plane);
  plane.auditDown = true;
  const answer = await exchange(plane, DB_AGENT, continuation, {
    audience: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
  });
  assert.deepEqual(
    [answer.status, answer.body.error, answer.body.code],
    [503, 'temporarily_unavailable', 'audit.unavailable'],
  );
  assert.equal(answer.body.access_token, undefined);
  assert.ok(answer.headers.get('writ-decision'));
});

test('a key alone is no connection: exchange needs the agent’s certificate, and its own', async (t) => {
  const plane = await open(t);
  const { continuation } = await atDbAgent(plane);
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: continuation,
    subject_token_type: CONTINUATION,
    audience: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
  };
  const bare = await post(plane, '/oauth/token', { ...form, client_id: DB_AGENT });
  assert.deepEqual([bare.status, bare.body.error], [401, 'invalid_client']);
  const other = await post(plane, '/oauth/token', { ...form, client_id: DB_AGENT }, { as: DB_READER });
  assert.deepEqual([other.status, other.body.error], [401, 'invalid_client']);
});

test('a token that this issuer’s context key signed is no subject', async (t) => {
  const plane = await open(t);
  const { continuation } = await atDbAgent(plane);
  const claims = claimsOf(continuation);
  const foreign = signJwt(plane.keys.context, TYP.continuation, claims);
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  refusedWith(await exchange(plane, DB_AGENT, foreign, asks), 'invalid_request', 'token.signature_invalid');
});

test('every refusal is on record with who asked and why', async (t) => {
  const plane = await open(t);
  const { continuation } = await atDbAgent(plane);
  const answer = await exchange(plane, DB_AGENT, continuation, {
    audience: plane.aud('mcp', 'files'),
    scope: 'files:write_file',
  });
  const refused = plane.events.find((event) => event.id === answer.body.decisionId);
  assert.ok(refused?.event === 'token.refused');
  assert.equal(refused.client, DB_AGENT);
  assert.equal(refused.code, 'token.scope_widened');
  assert.deepEqual(refused.detail, { scope: 'files:write_file' });
});
