// The plane's own clients: a person through the command line or the console, without an actor (rules §1.2).

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openSqliteForTest } from '../store/testing.ts';
import { claimsOf, openPlane, type Plane, post } from './testing.ts';
import { agreedCode, agreeing, agreeToDevice } from './testing-browser.ts';

const DESKTOP = { redirectUris: ['http://127.0.0.1/cb'], bearer: true, jwks: [] };
const BOUND = { redirectUris: ['http://127.0.0.1/cb'], bearer: false, jwks: [] };
const REDIRECT = 'http://127.0.0.1:4711/cb';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

async function open(t: TestContext): Promise<Plane> {
  const clients = { desktop: DESKTOP, bound: BOUND };
  return openPlane(t, await openSqliteForTest(t), { people: agreeing(), clients, wallClock: true });
}

function filesCode(plane: Plane, over = {}) {
  const ask = {
    clientId: 'desktop',
    redirectUri: REDIRECT,
    resource: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
  };
  return agreedCode(plane, { ...ask, ...over });
}

async function filesToken(plane: Plane) {
  const { form } = await filesCode(plane);
  const answer = await post(plane, '/oauth/token', form);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return { form, body: answer.body, claims: claimsOf(answer.body.access_token) };
}

test('the command line signs in by device flow and gets the first-party API: no actor, and when the person signed in', async (t) => {
  const plane = await open(t);
  const asked = await post(plane, '/oauth/device/authorize', { client_id: 'writ-cli', scope: 'api' });
  assert.equal(asked.status, 200, JSON.stringify(asked.body));
  assert.equal(asked.body.verification_uri, `${plane.issuer}/oauth/device`);
  const form = { grant_type: DEVICE, client_id: 'writ-cli', device_code: String(asked.body.device_code) };
  assert.equal((await post(plane, '/oauth/token', form)).body.error, 'authorization_pending');
  await agreeToDevice(plane, String(asked.body.user_code));
  const { body, status } = await post(plane, '/oauth/token', form);
  assert.equal(status, 200, JSON.stringify(body));
  const claims = claimsOf(body.access_token);
  assert.deepEqual(
    [claims.aud, claims.act, claims.wc, claims.task],
    [`${plane.issuer}/api/v1`, undefined, undefined, undefined],
  );
  const caller = await plane.server.readApiToken(String(body.access_token));
  assert.ok(caller.outcome === 'pass');
  assert.deepEqual([caller.facts.user.sub, caller.facts.clientId], ['howard', 'writ-cli']);
  assert.ok(plane.deps.clock.nowSeconds() - caller.facts.authenticatedAtSeconds! < 5);
  assert.ok(
    plane.events.every((event) => event.event !== 'token.refused'),
    'waiting is no refusal',
  );
});

test('the first-party API takes no token with an actor, of a client, or withdrawn', async (t) => {
  const plane = await open(t);
  const { body } = await filesToken(plane);
  const refused = async (token: unknown) => {
    const verdict = await plane.server.readApiToken(String(token));
    return verdict.outcome === 'deny' ? verdict.denial.code : 'pass';
  };
  assert.equal(await refused(body.access_token), 'token.wrong_audience');
  assert.equal(await refused('abc'), 'token.signature_invalid');
  const { form } = await agreedCode(plane, {
    clientId: 'writ-cli',
    redirectUri: 'http://127.0.0.1:9/callback',
    scope: 'api',
  });
  const own = await post(plane, '/oauth/token', form);
  assert.equal(await refused(own.body.access_token), 'pass');
  await plane.server.revoke({ token: String(claimsOf(own.body.access_token).jti) }, 'howard');
  assert.equal(await refused(own.body.access_token), 'token.revoked');
});
