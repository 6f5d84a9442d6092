// Who a client is: by the certificate on its connection, or by a signed assertion that only this issuer can be shown.

import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { openSqliteForTest } from '../store/testing.ts';
import {
  type Answer,
  claimsOf,
  DB_AGENT,
  DB_READER,
  headerOf,
  id,
  ORCHESTRATOR,
  openPlane,
  type Plane,
  post,
} from './testing.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const JWK = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'EdDSA', use: 'sig' };

async function open(t: TestContext): Promise<Plane> {
  return openPlane(t, await openSqliteForTest(t), { jwks: { 'db/agent': [JWK as never] } });
}

function assertion(
  plane: Plane,
  over: { readonly [claim: string]: unknown } = {},
  key: KeyObject = privateKey,
): string {
  const now = plane.clock.seconds;
  const claims = {
    iss: DB_AGENT,
    sub: DB_AGENT,
    aud: plane.issuer,
    jti: randomUUID(),
    iat: now,
    exp: now + 60,
    ...over,
  };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ alg: 'EdDSA', kid: 'k1' })}.${part(claims)}`;
  return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`;
}

function withAssertion(plane: Plane, client_assertion: string): Promise<Answer> {
  return post(plane, '/oauth/token', {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion,
  });
}

const bySvid = (plane: Plane, client_id: string, as = client_id, more = {}) =>
  post(plane, '/oauth/token', { grant_type: 'client_credentials', client_id, ...more }, { as });

test('an agent gets a token of its own by its SVID: itself as subject, the issuer as audience, nobody behind it', async (t) => {
  const plane = await open(t);
  const { status, body } = await bySvid(plane, ORCHESTRATOR);
  assert.equal(status, 200, JSON.stringify(body));
  const claims = claimsOf(body.access_token);
  assert.deepEqual(headerOf(String(body.access_token)), { alg: 'EdDSA', typ: 'at+jwt', kid: plane.keys.token.kid });
  assert.deepEqual(
    { iss: claims.iss, sub: claims.sub, aud: claims.aud, client_id: claims.client_id, act: claims.act, wc: claims.wc },
    { iss: plane.issuer, sub: ORCHESTRATOR, aud: plane.issuer, client_id: ORCHESTRATOR, act: undefined, wc: undefined },
  );
  const row = await plane.server.registry.find(String(claims.jti));
  assert.deepEqual([row?.kind, row?.task, row?.clientId], ['client', null, ORCHESTRATOR]);
});

test('the same by private_key_jwt, for an agent that has keys', async (t) => {
  const plane = await open(t);
  const { status, body } = await withAssertion(plane, assertion(plane));
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(claimsOf(body.access_token).sub, DB_AGENT);
  assert.equal((await bySvid(plane, DB_AGENT)).status, 200);
});

test('a certificate proves its own client and no other', async (t) => {
  const plane = await open(t);
  for (const [client, as] of [
    [ORCHESTRATOR, DB_AGENT],
    [id('db/agent2'), id('db/agent2')],
    [id('db'), DB_AGENT],
    [`${DB_AGENT}/`, DB_AGENT],
  ] as const) {
    const refused = await bySvid(plane, client, as);
    assert.deepEqual([refused.status, refused.body.error], [401, 'invalid_client'], client);
  }
  assert.equal(
    (await post(plane, '/oauth/token', { grant_type: 'client_credentials', client_id: DB_AGENT })).status,
    401,
  );
  assert.ok(plane.events.every((event) => event.event !== 'token.refused' || event.client === null));
});

test('an assertion is for this issuer alone, signed by the configured key, short and used once', async (t) => {
  const plane = await open(t);
  const once = assertion(plane);
  assert.equal((await withAssertion(plane, once)).status, 200);
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const cases: readonly [string, string][] = [
    ['used before', once],
    ['a list of audiences with this issuer in it', assertion(plane, { aud: [plane.issuer, 'https://other.example'] })],
    ['a list of this issuer alone', assertion(plane, { aud: [plane.issuer] })],
    ['the token endpoint as audience', assertion(plane, { aud: `${plane.issuer}/oauth/token` })],
    ['another issuer as audience', assertion(plane, { aud: 'https://other.example' })],
    ['expired', assertion(plane, { exp: plane.clock.seconds - 60 })],
    ['without jti', assertion(plane, { jti: undefined })],
    ['without exp', assertion(plane, { exp: undefined })],
    ['another key', assertion(plane, {}, stranger)],
    ['another client’s name', assertion(plane, { iss: DB_READER, sub: DB_READER })],
    ['issuer and subject apart', assertion(plane, { iss: DB_READER })],
    ['unsigned', `${assertion(plane).split('.').slice(0, 2).join('.')}.`],
  ];
  for (const [what, text] of cases) {
    await t.test(what, async () => {
      const refused = await withAssertion(plane, text);
      assert.deepEqual([refused.status, refused.body.error], [401, 'invalid_client'], JSON.stringify(refused.body));
    });
  }
});

test('two ways to prove a client in one request are one too many', async (t) => {
  const plane = await open(t);
  const both = await post(
    plane,
    '/oauth/token',
    {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion(plane),
    },
    { headers: { authorization: `Basic ${Buffer.from(`${DB_AGENT}:x`).toString('base64')}` } },
  );
  assert.deepEqual([both.status, both.body.error], [400, 'invalid_request']);
});

test('by itself an agent gets no token for a tool server or another agent', async (t) => {
  const plane = await open(t);
  for (const resource of [
    plane.aud('mcp', 'files'),
    plane.aud('a2a', 'db/agent'),
    `${plane.issuer}/api/v1`,
    'https://other.example/',
  ]) {
    const refused = await bySvid(plane, ORCHESTRATOR, ORCHESTRATOR, { resource });
    assert.deepEqual([refused.body.error, refused.body.code], ['unauthorized_client', 'token.no_mandate'], resource);
  }
  const scoped = await bySvid(plane, ORCHESTRATOR, ORCHESTRATOR, { scope: 'files:read_file' });
  assert.deepEqual([scoped.status, scoped.body.error], [400, 'invalid_scope']);
});

test('an agent may not use the grants of people', async (t) => {
  const plane = await open(t);
  for (const grant_type of [
    'authorization_code',
    'refresh_token',
    'urn:ietf:params:oauth:grant-type:device_code',
    'password',
    'implicit',
  ]) {
    const refused = await post(plane, '/oauth/token', { grant_type, client_id: DB_AGENT, code: 'x' }, { as: DB_AGENT });
    assert.equal(refused.status, 400, grant_type);
    assert.match(String(refused.body.error), /invalid_request|unsupported_grant_type/, grant_type);
  }
});

test('a withdrawn agent gets no token, by whatever it proves itself', async (t) => {
  const plane = await open(t);
  await plane.server.revoke({ agent: DB_AGENT }, 'howard');
  for (const refused of [await bySvid(plane, DB_AGENT), await withAssertion(plane, assertion(plane))]) {
    assert.deepEqual([refused.status, refused.body.code], [400, 'transport.identity_revoked']);
  }
});

test('oauth4webapi discovers the issuer and gets a client-credentials token by assertion', async (t) => {
  const plane = await open(t);
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(plane.issuer);
  const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
  const as = await oauth.processDiscoveryResponse(issuer, discovered);
  const key = await crypto.subtle.importKey(
    'pkcs8',
    privateKey.export({ type: 'pkcs8', format: 'der' }),
    'Ed25519',
    false,
    ['sign'],
  );
  const auth = oauth.PrivateKeyJwt({ key, kid: 'k1' });
  const client = { client_id: DB_AGENT };
  const response = await oauth.clientCredentialsGrantRequest(as, client, auth, new URLSearchParams(), insecure);
  const answer = await oauth.processClientCredentialsResponse(as, client, response);
  assert.equal(answer.token_type, 'bearer');
  assert.equal(claimsOf(answer.access_token).sub, DB_AGENT);
});
