import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { continuationOf, ORCHESTRATOR } from '../token/testing.ts';
import { openViewerToken } from './viewer-token.ts';
import { api, openWorld, overSocket } from './world.fixture.ts';

const ACTS = [
  ['POST tasks', { agent: 'claude/orchestrator', prompt: 'tidy up' }],
  ['DELETE tasks/tsk_1', undefined],
  ['GET approvals', undefined],
  ['POST approvals/a1', { verdict: 'approve', hash: 'sha256:00' }],
  ['POST revocations', { user: 'howard' }],
  ['GET policy', undefined],
  ['GET policy/review/files', undefined],
  ['POST policy/review/files', { digest: 'sha256:00' }],
  ['GET keys', undefined],
  ['POST keys', { kind: 'root' }],
  ['GET whoami', undefined],
  ['GET whoami?pid=1', undefined],
  ['POST logout', {}],
] as const;

test('without a credential nothing is read and nothing done', async (t) => {
  const world = await openWorld(t);
  for (const what of ['GET status', 'GET decisions', 'GET decisions/x', 'GET live', ...ACTS.map(([what]) => what)]) {
    const { status, body, headers } = await api(world, what);
    assert.equal(status, 401, what);
    assert.equal(body.code, 'token.missing');
    assert.match(body.error_description, /writ login/);
    assert.match(headers.get('www-authenticate')!, /^Bearer/);
    assert.equal(headers.get('writ-decision'), body.decisionId);
  }
  assert.deepEqual(world.events, [], 'strangers do not fill the log');
});

test('the viewer’s text reads status and decisions, and nothing else', async (t) => {
  const world = await openWorld(t);
  const bearer = world.viewerToken;
  for (const what of ['GET status', 'GET decisions'])
    assert.equal((await api(world, what, { bearer })).status, 200, what);
  for (const [what, body] of ACTS) {
    const answer = await api(world, what, { bearer, body });
    assert.equal(answer.status, 403, what);
    assert.equal(answer.body.error, 'person_required');
  }
});

test('the socket reads status and decisions, and nothing else, whatever it is sent with', async (t) => {
  const world = await openWorld(t);
  const admin = await world.signIn('ada');
  assert.equal(statSync(world.socket).mode & 0o777, 0o660);
  for (const bearer of [undefined, world.viewerToken, admin]) {
    const ask = bearer === undefined ? {} : { bearer };
    assert.equal((await overSocket(world, 'GET status', ask)).status, 200);
    assert.equal((await overSocket(world, 'GET decisions', ask)).status, 200);
    for (const [what, body] of ACTS) {
      assert.equal((await overSocket(world, what, { ...ask, body })).status, 403, what);
    }
    const login = { user: 'ada', password: 'correct horse battery staple' };
    assert.equal((await overSocket(world, 'POST login', { ...ask, body: login })).status, 403);
  }
  assert.deepEqual(world.pinned, []);
});

test('the viewer’s file is readable by its owner alone, and kept', async (t) => {
  const world = await openWorld(t);
  assert.equal(statSync(`${world.people.folder}/viewer.token`).mode & 0o777, 0o600);
  const again = openViewerToken(world.people.folder, () => new Uint8Array(32));
  assert.equal(again.token, world.viewerToken);
});

test('a token that an agent holds opens no task', async (t) => {
  const world = await openWorld(t);
  const bearer = await world.signIn('howard');
  const body = { agent: 'claude/orchestrator', prompt: 'read my files' };
  const opened = await api(world, 'POST tasks', { bearer, body });
  assert.equal(opened.status, 201);
  const fetched = await continuationOf(world.plane, opened.body.task, ORCHESTRATOR);
  assert.equal(fetched.status, 200);
  for (const token of [opened.body.subjectToken, fetched.body.subjectToken, 'a.b.c']) {
    const refused = await api(world, 'POST tasks', { bearer: String(token), body });
    assert.equal(refused.status, 403);
    assert.equal(refused.body.code, 'action.prompt_not_from_principal');
  }
  const rows = await world.people.store.db.selectFrom('tasks').select('id').execute();
  assert.equal(rows.length, 1);
});

test('two credentials are none', async (t) => {
  const world = await openWorld(t);
  const session = await world.signIn('howard');
  const both = await api(world, 'GET status', { bearer: session, cookie: session });
  assert.equal(both.status, 401);
  assert.equal(both.body.code, 'token.ambiguous');
});

test('a browser’s write without the form’s proof is refused; with it, it is done', async (t) => {
  const world = await openWorld(t);
  const cookie = await world.signIn('howard');
  const body = { agent: 'claude/orchestrator', prompt: 'tidy up' };
  const missing = await api(world, 'POST tasks', { cookie, body });
  assert.equal(missing.status, 403);
  assert.equal(missing.body.error, 'csrf');
  const other = (await world.people.room.personOf(await world.signIn('eve')))!.csrf;
  assert.equal((await api(world, 'POST tasks', { cookie, body, headers: { 'x-writ-csrf': other } })).status, 403);
  const { csrf } = (await api(world, 'GET whoami', { cookie })).body;
  assert.equal((await api(world, 'POST tasks', { cookie, body, headers: { 'x-writ-csrf': csrf } })).status, 201);
});

test('a page of another origin is refused even with everything right', async (t) => {
  const world = await openWorld(t);
  const cookie = await world.signIn('howard');
  const { csrf } = (await api(world, 'GET whoami', { cookie })).body;
  const body = { agent: 'claude/orchestrator', prompt: 'tidy up' };
  const foreigners: Record<string, string>[] = [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'same-site' }];
  for (const foreign of foreigners) {
    const headers = { 'x-writ-csrf': csrf, ...foreign };
    assert.equal((await api(world, 'POST tasks', { cookie, body, headers })).status, 403);
    assert.equal((await api(world, 'GET decisions', { cookie, headers: foreign })).status, 403);
  }
});

test('a name that only points here is not answered', async (t) => {
  const world = await openWorld(t);
  world.people.origins.splice(0, 2, 'http://writ.example');
  const { status, body } = await api(world, 'GET status', { bearer: world.viewerToken });
  assert.equal(status, 421);
  assert.equal(body.code, 'gateway.misdirected');
});

test('a session that was ended is over', async (t) => {
  const world = await openWorld(t);
  const bearer = await world.signIn('howard');
  assert.equal((await api(world, 'POST logout', { bearer, body: {} })).status, 200);
  assert.equal((await api(world, 'GET whoami', { bearer })).status, 401);
});
