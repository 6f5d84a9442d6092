import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TYP } from '@writ/core';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { openSqliteForTest } from '../../store/testing.ts';
import { signJwt } from '../jwt.ts';
import {
  ACCESS_TOKEN,
  type Answer,
  CONTINUATION,
  claimsOf,
  continueFor,
  DB_AGENT,
  DB_READER,
  exchange,
  id,
  ORCHESTRATOR,
  openHowardsTask,
  openPlane,
  type Plane,
  post,
} from '../testing.ts';

const open = async (t: TestContext) => openPlane(t, await openSqliteForTest(t));

/** The orchestrator's token for db/agent, and the continuation that db/agent gets with the call. */
async function atDbAgent(plane: Plane, scope = 'db/agent:send files:read_file db/reader:send', ask = {}) {
  const task = await openHowardsTask(plane, ask);
  const taken = await exchange(plane, ORCHESTRATOR, task.subjectToken, {
    audience: plane.aud('a2a', 'db/agent'),
    scope,
  });
  assert.equal(taken.status, 200, JSON.stringify(taken.body));
  const token = String(taken.body.access_token);
  return { task, token, continuation: await continueFor(plane, token, DB_AGENT) };
}

function refusedWith(answer: Answer, error: string, code: string): void {
  assert.deepEqual(
    { status: answer.status, error: answer.body.error, code: answer.body.code },
    { status: 400, error, code },
    JSON.stringify(answer.body),
  );
  assert.equal(answer.body.decisionId, answer.headers.get('writ-decision'));
  assert.equal(answer.body.access_token, undefined);
}

test('howard’s authority reaches db/reader by three takes, and the token tells the whole chain twice', async (t) => {
  const plane = await open(t);
  const { continuation } = await atDbAgent(plane);
  const second = await exchange(plane, DB_AGENT, continuation, {
    audience: plane.aud('a2a', 'db/reader'),
    scope: 'db/reader:send files:read_file',
  });
  const third = await exchange(plane, DB_READER, await continueFor(plane, second.body.access_token, DB_READER), {
    resource: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
  });
  assert.equal(third.status, 200, JSON.stringify(third.body));
  const { access_token, ...rest } = third.body;
  assert.deepEqual(rest, {
    issued_token_type: ACCESS_TOKEN,
    token_type: 'Bearer',
    expires_in: 300,
    scope: 'files:read_file',
  });
  const claims = claimsOf(access_token);
  assert.equal(claims.sub, 'howard');
  assert.equal(claims.client_id, DB_READER);
  assert.equal(claims.aud, plane.aud('mcp', 'files'));
  assert.equal(claims.cnf, undefined);
  const iss = 'spiffe://zylos.local';
  assert.deepEqual(claims.act, {
    iss,
    sub: DB_READER,
    act: { iss, sub: DB_AGENT, act: { iss, sub: ORCHESTRATOR } },
  });
  const chain = claims.wc as unknown as readonly { actor: { sub: string }; depth: number; row: string; aud: string }[];
  assert.deepEqual(
    chain.map((link) => [link.actor.sub, link.depth]),
    [
      ['howard', 3],
      [ORCHESTRATOR, 2],
      [DB_AGENT, 1],
      [DB_READER, 0],
    ],
  );
  assert.equal(chain[0]!.aud, plane.aud('a2a', 'claude/orchestrator'));
  assert.equal(chain.at(-1)!.row, claims.jti);
});

test('every token is in the registry below the one it came from, and on record without its bytes', async (t) => {
  const plane = await open(t);
  const { token, continuation } = await atDbAgent(plane);
  const row = await plane.server.registry.find(String(claimsOf(token).jti));
  const child = await plane.server.registry.find(String(claimsOf(continuation).jti));
  assert.equal(row?.clientId, ORCHESTRATOR);
  assert.equal(child?.parent, row?.id);
  assert.equal(child?.decision, 'dec_1');
  const task = await plane.server.registry.find(String(row?.parent));
  assert.equal((await plane.server.registry.find(String(task?.parent)))?.kind, 'root');
  const record = JSON.stringify(plane.events);
  assert.ok(record.includes(row!.id));
  for (const secret of [token, continuation]) assert.ok(!record.includes(secret.split('.')[2]!));
});

test('a move narrows the same hop: same actor, no depth used, the leaf replaced', async (t) => {
  const plane = await open(t);
  const { continuation } = await atDbAgent(plane);
  const wide = await exchange(plane, DB_AGENT, continuation, {
    audience: plane.aud('a2a', 'db/reader'),
    scope: 'db/reader:send files:read_file',
  });
  const moved = await exchange(plane, DB_AGENT, String(wide.body.access_token), {
    audience: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
  });
  assert.equal(moved.status, 200, JSON.stringify(moved.body));
  const [before, after] = [claimsOf(wide.body.access_token), claimsOf(moved.body.access_token)];
  assert.deepEqual(after.act, before.act);
  const links = (claims: typeof after) => claims.wc as unknown as readonly { depth: number; row: string }[];
  assert.deepEqual(links(after).slice(0, -1), links(before).slice(0, -1));
  assert.equal(links(after).at(-1)!.depth, links(before).at(-1)!.depth);
  assert.notEqual(links(after).at(-1)!.row, links(before).at(-1)!.row);
});

test('an agent renews its own token past its exp until the grant ends, and nobody else can use the old one', async (t) => {
  const plane = await open(t);
  const { token, task } = await atDbAgent(plane);
  const same = { audience: plane.aud('a2a', 'db/agent'), scope: 'db/agent:send files:read_file db/reader:send' };
  plane.clock.seconds += 301;
  refusedWith(
    await exchange(plane, DB_AGENT, token, { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' }),
    'invalid_request',
    'token.expired',
  );
  const renewed = await exchange(plane, ORCHESTRATOR, token, same);
  assert.equal(renewed.status, 200, JSON.stringify(renewed.body));
  assert.equal(renewed.body.expires_in, 300);
  plane.clock.seconds = task.expires - 10;
  assert.equal((await exchange(plane, ORCHESTRATOR, token, same)).body.expires_in, 10);
  plane.clock.seconds = task.expires;
  refusedWith(await exchange(plane, ORCHESTRATOR, token, same), 'invalid_request', 'token.expired');
});

test('a token lives for the shortest of cap, twice the estimate, what was requested and the grant', async (t) => {
  const plane = await open(t);
  const { task } = await atDbAgent(plane);
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  const lives = async (more: { [name: string]: string }) =>
    (await exchange(plane, ORCHESTRATOR, task.subjectToken, { ...asks, ...more })).body.expires_in;
  assert.equal(await lives({}), 300);
  assert.equal(await lives({ estimated_seconds: '20' }), 40);
  assert.equal(await lives({ estimated_seconds: '20', requested_seconds: '15' }), 15);
  assert.equal(await lives({ requested_seconds: '9000' }), 300);
  plane.clock.seconds = task.expires - 7;
  assert.equal(await lives({}), 7);
});

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

test('oauth4webapi and openid-client exchange over the mutual-TLS alias that the metadata names', async (t) => {
  const plane = await open(t);
  const { subjectToken } = await openHowardsTask(plane);
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(plane.issuer);
  const as = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
  );
  const asOrchestrator: typeof fetch = (url, init) => {
    const headers = new Headers(init?.headers);
    headers.set('x-test-peer', ORCHESTRATOR);
    return fetch(url, { ...init, headers });
  };
  const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';
  const parameters = {
    subject_token: subjectToken,
    subject_token_type: CONTINUATION,
    audience: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
  };
  const client: oauth.Client = { client_id: ORCHESTRATOR, use_mtls_endpoint_aliases: true };
  const response = await oauth.genericTokenEndpointRequest(as, client, oauth.TlsClientAuth(), grant, parameters, {
    ...insecure,
    [oauth.customFetch]: asOrchestrator,
  });
  const answer = await oauth.processGenericTokenEndpointResponse(as, client, response);
  assert.equal(answer.issued_token_type, ACCESS_TOKEN);
  assert.deepEqual(claimsOf(answer.access_token).act, { iss: 'spiffe://zylos.local', sub: ORCHESTRATOR });

  const metadata = { use_mtls_endpoint_aliases: true };
  const config = await openid.discovery(issuer, ORCHESTRATOR, metadata, openid.TlsClientAuth(), {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
    [openid.customFetch]: asOrchestrator as openid.CustomFetch,
  });
  const tokens = await openid.genericGrantRequest(config, grant, parameters);
  assert.equal(claimsOf(tokens.access_token).aud, plane.aud('mcp', 'files'));
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
