// What may be used once is used once, also when every statement of the store takes its time and twenty requests overlap.

import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { slowed, testOnEachStore } from '../store/testing.ts';
import { type Answer, id, openPlane, type Plane, post } from './testing.ts';
import { agreedCode, agreeing, agreeToDevice } from './testing-browser.ts';

const CLIENT = { redirectUris: ['http://127.0.0.1/cb'], bearer: true, jwks: [] };
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

async function twentyAtOnce(
  ask: () => Promise<Answer>,
): Promise<{ readonly won: readonly Answer[]; readonly lost: readonly Answer[] }> {
  const answers = await Promise.all(Array.from({ length: 20 }, ask));
  return {
    won: answers.filter((answer) => answer.status === 200),
    lost: answers.filter((answer) => answer.status !== 200),
  };
}

function exactlyOneWon(answers: Awaited<ReturnType<typeof twentyAtOnce>>, status: number, error: string): void {
  assert.equal(answers.won.length, 1);
  assert.deepEqual(
    [...new Set(answers.lost.map((answer) => `${answer.status} ${answer.body.error}`))],
    [`${status} ${error}`],
  );
}

function codeOf(plane: Plane) {
  return agreedCode(plane, {
    clientId: 'desktop',
    redirectUri: 'http://127.0.0.1:4711/cb',
    resource: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
  });
}

testOnEachStore('of twenty redemptions of one authorization code, one wins', async (store, t) => {
  const plane = await openPlane(t, slowed(store), {
    people: agreeing(),
    clients: { desktop: CLIENT },
    wallClock: true,
  });
  const { form } = await codeOf(plane);
  exactlyOneWon(await twentyAtOnce(() => post(plane, '/oauth/token', form)), 400, 'invalid_grant');
});

testOnEachStore('of twenty uses of one refresh token, one wins', async (store, t) => {
  const plane = await openPlane(t, slowed(store), {
    people: agreeing(),
    clients: { desktop: CLIENT },
    wallClock: true,
  });
  const { form } = await codeOf(plane);
  const { body } = await post(plane, '/oauth/token', form);
  const refresh = { grant_type: 'refresh_token', client_id: 'desktop', refresh_token: String(body.refresh_token) };
  exactlyOneWon(await twentyAtOnce(() => post(plane, '/oauth/token', refresh)), 400, 'invalid_grant');
});

testOnEachStore('of twenty redemptions of one device code, one wins', async (store, t) => {
  const plane = await openPlane(t, slowed(store), {
    people: agreeing(),
    clients: { desktop: CLIENT },
    wallClock: true,
  });
  const asked = await post(plane, '/oauth/device/authorize', {
    client_id: 'desktop',
    resource: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
  });
  assert.equal(asked.status, 200, JSON.stringify(asked.body));
  const form = { grant_type: DEVICE, client_id: 'desktop', device_code: String(asked.body.device_code) };
  assert.equal((await post(plane, '/oauth/token', form)).body.error, 'authorization_pending');
  const done = await agreeToDevice(plane, String(asked.body.user_code));
  assert.match(done.text, /<h1>Done/);
  exactlyOneWon(await twentyAtOnce(() => post(plane, '/oauth/token', form)), 400, 'invalid_grant');
});

testOnEachStore('of twenty uses of one client assertion, one wins', async (store, t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const jwks = { 'db/agent': [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'EdDSA', use: 'sig' }] };
  const plane = await openPlane(t, slowed(store), { jwks: jwks as never, wallClock: true });
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    iss: id('db/agent'),
    sub: id('db/agent'),
    aud: plane.issuer,
    jti: randomUUID(),
    iat: now,
    exp: now + 60,
  };
  const input = `${part({ alg: 'EdDSA', kid: 'k1', typ: 'client-authentication+jwt' })}.${part(claims)}`;
  const form = {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`,
  };
  exactlyOneWon(await twentyAtOnce(() => post(plane, '/oauth/token', form)), 401, 'invalid_client');
});
