import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { HOWARD } from '../token/people/testing.ts';
import { post } from '../token/testing.ts';
import { codeRequest, openBrowser } from '../token/testing-browser.ts';
import { createFindCaller } from './caller.ts';
import type { ConsoleDeps, Person } from './ports.ts';
import { api, openWorld, type World } from './world.fixture.ts';

const REDIRECT = 'http://127.0.0.1/callback';

/** `writ login` in a browser: the plane's own program, through the real pages. */
async function logIn(world: World, user: string): Promise<string> {
  const { plane } = world;
  const resource = `${plane.issuer}/api/v1`;
  const { url, verifier } = codeRequest(plane, { clientId: 'writ-cli', redirectUri: REDIRECT, resource, scope: 'api' });
  const browser = openBrowser(plane);
  let page = await browser((await browser(url)).url.href, { user, password: HOWARD });
  const asked = /name="asked" value="([^"]+)"/.exec(page.text)?.[1];
  if (asked !== undefined) page = await browser(page.url.href, { answer: 'yes', asked });
  const code = page.url.searchParams.get('code');
  assert.ok(code, page.text);
  const form = { grant_type: 'authorization_code', client_id: 'writ-cli', redirect_uri: REDIRECT, resource };
  const { body } = await post(plane, '/oauth/token', { ...form, code, code_verifier: verifier });
  assert.equal(typeof body.access_token, 'string');
  return String(body.access_token);
}

test('who signed in through the plane’s own program is that person, with their roles', async (t) => {
  const world = await openWorld(t);
  const bearer = await logIn(world, 'ada');
  const { body } = await api(world, 'GET whoami', { bearer });
  assert.deepEqual([body.user, body.by, body.roles], ['ada', 'token', ['viewer', 'admin']]);
  const opened = await api(world, 'POST tasks', {
    bearer,
    body: { agent: 'claude/orchestrator', prompt: 'x', user: 'howard' },
  });
  assert.equal(opened.status, 201);
  world.clock.seconds += 40;
  assert.equal((await api(world, 'POST revocations', { bearer, body: { task: opened.body.task } })).status, 200);
});

test('signing out withdraws the token', async (t) => {
  const world = await openWorld(t);
  const bearer = await logIn(world, 'howard');
  assert.equal((await api(world, 'GET whoami', { bearer })).status, 200);
  assert.equal((await api(world, 'POST logout', { bearer, body: {} })).status, 200);
  const after = await api(world, 'GET whoami', { bearer });
  assert.deepEqual([after.status, after.body.code], [401, 'token.revoked']);
});

test('a token outlives neither its end nor its person', async (t) => {
  const world = await openWorld(t);
  const bearer = await logIn(world, 'howard');
  world.people.users.delete('howard');
  assert.equal((await api(world, 'GET whoami', { bearer })).status, 401);
  const other = await logIn(world, 'carl');
  world.clock.seconds += 86_400;
  const late = await api(world, 'GET whoami', { bearer: other });
  assert.deepEqual([late.status, late.body.code], [401, 'token.expired']);
});

const PERSON: Person = {
  ...{ user: 'howard', roles: ['viewer'], authenticatedAtSeconds: 0, expiresSeconds: 9, sessionId: 's', csrf: 'c' },
};

function requestFrom(remoteAddress: string, ...authorization: string[]): IncomingMessage {
  const rawHeaders = authorization.flatMap((value) => ['Authorization', value]);
  return { rawHeaders, headers: {}, socket: { remoteAddress } } as unknown as IncomingMessage;
}

test('a terminal’s session counts on this machine only', async () => {
  const people = { secretOf: () => null, personOf: async () => PERSON };
  const find = createFindCaller({ people, viewerToken: 'wrv_x' } as unknown as ConsoleDeps);
  for (const here of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '127.8.9.1']) {
    assert.equal((await find(requestFrom(here, 'Bearer wrs_1'), 'tcp')).kind, 'person', here);
  }
  for (const elsewhere of ['10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '1127.0.0.1']) {
    assert.equal((await find(requestFrom(elsewhere, 'Bearer wrs_1'), 'tcp')).kind, 'nobody', elsewhere);
  }
  const twice = await find(requestFrom('127.0.0.1', 'Bearer wrs_1', 'Bearer wrs_2'), 'tcp');
  assert.deepEqual(twice, { kind: 'nobody', code: 'token.ambiguous' });
  assert.deepEqual(await find(requestFrom('127.0.0.1', 'Basic eDp5'), 'tcp'), {
    kind: 'nobody',
    code: 'token.malformed',
  });
});
