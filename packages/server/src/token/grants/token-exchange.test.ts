import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import {
  ACCESS_TOKEN,
  CONTINUATION,
  claimsOf,
  continueFor,
  DB_AGENT,
  DB_READER,
  exchange,
  ORCHESTRATOR,
  openHowardsTask,
} from '../testing.ts';

import { atDbAgent, open, refusedWith } from './testing.ts';

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
  // One hop, one place where its uses are counted; the token itself is another row below it.
  assert.equal(links(after).at(-1)!.row, links(before).at(-1)!.row);
  assert.equal((await plane.server.registry.find(String(after.jti)))?.parent, before.jti);
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
