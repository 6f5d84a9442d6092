// RFC 7662 and RFC 7009 for signed tokens: the library does the client's authentication, the registry has the answer.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openSqliteForTest } from '../store/testing.ts';
import {
  claimsOf,
  continueFor,
  DB_AGENT,
  DB_READER,
  exchange,
  ORCHESTRATOR,
  openHowardsTask,
  openPlane,
  type Plane,
  post,
} from './testing.ts';

async function open(t: TestContext) {
  const plane = await openPlane(t, await openSqliteForTest(t));
  const task = await openHowardsTask(plane);
  const asks = { audience: plane.aud('a2a', 'db/agent'), scope: 'db/agent:send files:read_file' };
  const taken = await exchange(plane, ORCHESTRATOR, task.subjectToken, asks);
  return { plane, task, token: String(taken.body.access_token) };
}

const introspect = (plane: Plane, as: string, token: string) =>
  post(plane, '/oauth/introspect', { token, client_id: as }, { as });
const revoke = (plane: Plane, as: string, token: string) =>
  post(plane, '/oauth/revoke', { token, client_id: as }, { as });

test('the holder and the one it is for see what a token says, with its whole chain', async (t) => {
  const { plane, token } = await open(t);
  const claims = claimsOf(token);
  for (const as of [ORCHESTRATOR, DB_AGENT]) {
    const { body, status } = await introspect(plane, as, token);
    assert.equal(status, 200);
    assert.deepEqual(
      {
        active: body.active,
        sub: body.sub,
        client_id: body.client_id,
        aud: body.aud,
        scope: body.scope,
        exp: body.exp,
        iss: body.iss,
      },
      {
        active: true,
        sub: 'howard',
        client_id: ORCHESTRATOR,
        aud: claims.aud,
        scope: claims.scope,
        exp: claims.exp,
        iss: plane.issuer,
      },
    );
    assert.deepEqual([body.act, body.task, body.wc], [claims.act, claims.task, claims.wc]);
  }
});

test('to anybody else it is not active, and that is all that is said', async (t) => {
  const { plane, token, task } = await open(t);
  assert.deepEqual((await introspect(plane, DB_READER, token)).body, { active: false });
  for (const text of [
    'abc',
    'a.b.c',
    `${token.slice(0, -6)}AAAAAA`,
    task.subjectToken,
    String(claimsOf(token).jti).slice(1),
  ]) {
    assert.deepEqual((await introspect(plane, ORCHESTRATOR, text)).body, { active: false }, text.slice(0, 20));
  }
  const stranger = await post(plane, '/oauth/introspect', { token, client_id: ORCHESTRATOR });
  assert.equal(stranger.status, 401);
});

test('revoking ends a token and everything made from it, for its own client alone', async (t) => {
  const { plane, token } = await open(t);
  const continuation = await continueFor(plane, token, DB_AGENT);
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  const child = String((await exchange(plane, DB_AGENT, continuation, asks)).body.access_token);
  assert.equal((await introspect(plane, DB_AGENT, child)).body.active, true);
  const foreign = await revoke(plane, DB_READER, token);
  assert.equal(foreign.status, 400);
  assert.equal((await introspect(plane, DB_AGENT, child)).body.active, true);
  assert.equal((await revoke(plane, ORCHESTRATOR, token)).status, 200);
  for (const dead of [token, child]) assert.equal((await introspect(plane, DB_AGENT, dead)).body.active, false);
  assert.ok(plane.server.revocations.view().rows.has(String(claimsOf(child).jti)));
  assert.equal((await revoke(plane, ORCHESTRATOR, token)).status, 200, 'again: nothing to do');
  assert.equal((await revoke(plane, ORCHESTRATOR, 'unknown')).status, 200);
});

test('a token past its exp, which could still be renewed, can be revoked', async (t) => {
  const { plane, token } = await open(t);
  const [row] = await plane.store.db
    .selectFrom('tokens')
    .selectAll()
    .where('id', '=', String(claimsOf(token).jti))
    .execute();
  await plane.store.db
    .updateTable('tokens')
    .set({ exp: row!.issued - 100 })
    .where('id', '=', row!.id)
    .execute();
  assert.equal((await introspect(plane, ORCHESTRATOR, token)).body.active, false);
  assert.equal((await revoke(plane, ORCHESTRATOR, token)).status, 200);
  assert.notEqual((await plane.server.registry.find(row!.id))!.revokedSeconds, null);
});
