import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { openSqliteForTest } from '../store/testing.ts';
import { formBytesMax } from './front-request.ts';
import {
  claimsOf,
  continuationOf,
  DB_AGENT,
  exchange,
  get,
  headerOf,
  ORCHESTRATOR,
  openHowardsTask,
  openPlane,
  post,
} from './testing.ts';

const open = async (t: TestContext) => openPlane(t, await openSqliteForTest(t));

/** `fetch` would not send these headers. */
function rawGet(url: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      res.on('end', () => resolve(text));
    });
    sent.on('error', reject).end();
  });
}

test('the metadata names what there is, and nothing that is switched off', async (t) => {
  const plane = await open(t);
  const { body, status } = await get(`${plane.issuer}/.well-known/oauth-authorization-server`);
  assert.equal(status, 200);
  assert.equal(body.issuer, plane.issuer);
  assert.equal(body.token_endpoint, `${plane.issuer}/oauth/token`);
  assert.equal(body.authorization_endpoint, `${plane.issuer}/oauth/authorize`);
  assert.deepEqual(body.mtls_endpoint_aliases, {
    token_endpoint: `${plane.mtls}/oauth/token`,
    introspection_endpoint: `${plane.mtls}/oauth/introspect`,
    revocation_endpoint: `${plane.mtls}/oauth/revoke`,
  });
  assert.deepEqual(body.code_challenge_methods_supported, ['S256']);
  assert.deepEqual(body.response_types_supported, ['code']);
  assert.deepEqual([...(body.grant_types_supported as string[])].sort(), [
    'authorization_code',
    'client_credentials',
    'refresh_token',
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:ietf:params:oauth:grant-type:token-exchange',
  ]);
  assert.deepEqual(body.token_endpoint_auth_methods_supported, ['none', 'private_key_jwt', 'tls_client_auth']);
  assert.deepEqual(body.token_endpoint_auth_signing_alg_values_supported, ['EdDSA', 'Ed25519', 'ES256']);
  assert.equal(body.authorization_response_iss_parameter_supported, true);
  assert.equal(body.registration_endpoint, undefined);
  assert.equal(body.userinfo_endpoint, undefined);
  assert.deepEqual((await get(`${plane.issuer}/.well-known/openid-configuration`)).body, body);
});

test('a forged Host, Forwarded or X-Forwarded-… changes no address', async (t) => {
  const plane = await open(t);
  const url = `${plane.issuer}/.well-known/oauth-authorization-server`;
  const plain = await rawGet(url, {});
  const forgeries: readonly Record<string, string>[] = [
    { host: 'evil.test' },
    { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' },
    { forwarded: 'host=evil.test;proto=https', 'x-forwarded-port': '1' },
    { host: 'evil.test', 'x-original-url': '/oauth/jwks' },
  ];
  for (const headers of forgeries) assert.equal(await rawGet(url, headers), plain);
  assert.ok(!plain.includes('evil'));
});

test('the published keys verify tokens, contexts have keys of their own, and no private member leaves', async (t) => {
  const plane = await open(t);
  const tokens = await get(`${plane.issuer}/oauth/jwks`);
  const contexts = await get(`${plane.issuer}/.well-known/writ-context-jwks.json`);
  const keys = tokens.body.keys as { kid: string; alg: string; d?: string }[];
  assert.deepEqual(
    keys.map(({ kid, alg }) => [kid, alg]),
    [
      [plane.keys.token.kid, 'EdDSA'],
      [plane.keys.tokenEs256.kid, 'ES256'],
    ],
  );
  assert.deepEqual(contexts.body, { keys: [plane.keys.context.publicJwk] });
  assert.notEqual(plane.keys.context.kid, plane.keys.token.kid);
  assert.ok(!JSON.stringify([tokens.body, contexts.body]).includes('"d"'));
});

test('paths that are not the issuer’s are left to others, and each listener has only its own', async (t) => {
  const plane = await open(t);
  for (const path of [
    '/',
    '/console/',
    '/oauth',
    '/oauth/reg',
    '/oauth/par',
    '/OAUTH/TOKEN',
    '/oauth/token/',
    '/me',
    '/session/end',
  ]) {
    assert.equal((await get(`${plane.issuer}${path}`)).status, 404, path);
  }
  for (const path of ['/oauth/authorize', '/oauth/device', '/oauth/jwks', '/.well-known/oauth-authorization-server']) {
    assert.equal((await get(`${plane.mtls}${path}`, { 'x-test-peer': DB_AGENT })).status, 404, path);
  }
});

test('a program is answered in JSON whatever it accepts, and a body past the bound is not read', async (t) => {
  const plane = await open(t);
  const refused = await post(plane, '/oauth/token', { grant_type: 'password' }, { headers: { accept: 'text/html' } });
  assert.equal(refused.body.error, 'invalid_request');
  const form = { grant_type: 'client_credentials', padding: 'x'.repeat(formBytesMax) };
  const large = await post(plane, '/oauth/token', form);
  assert.deepEqual([large.status, large.body.code], [413, 'gateway.too_large']);
  const told = plane.events.find(({ id }) => id === large.body.decisionId);
  assert.ok(told?.event === 'token.refused' && told.code === 'gateway.too_large' && told.client === null);
});

test('pages where a person agrees may not be framed', async (t) => {
  const plane = await open(t);
  for (const path of ['/oauth/device', '/oauth/authorize?client_id=nobody', '/interaction/x']) {
    const { headers } = await get(`${plane.issuer}${path}`, { accept: 'text/html' });
    assert.equal(headers.get('x-frame-options'), 'DENY', path);
    assert.match(headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/, path);
  }
});

test('an outage is answered 503 and told to the operator, not to the caller', async (t) => {
  const plane = await open(t);
  await plane.store.close();
  const form = { grant_type: 'client_credentials', client_id: DB_AGENT };
  const answer = await post(plane, '/oauth/token', form, { as: DB_AGENT });
  assert.deepEqual(
    [answer.status, answer.body.error, answer.body.code],
    [503, 'temporarily_unavailable', 'gateway.outage'],
  );
  assert.ok(plane.reported.some((line) => line.includes('/oauth/token')));
});

test('the agent of a task fetches its continuation over its own connection, again and again, and nobody else can', async (t) => {
  const plane = await open(t);
  const task = await openHowardsTask(plane);
  const fetched = await continuationOf(plane, task.task, ORCHESTRATOR);
  assert.equal(fetched.status, 200);
  assert.deepEqual(Object.keys(fetched.body).sort(), ['expires', 'subjectToken', 'task']);
  assert.deepEqual([fetched.body.task, fetched.body.expires], [task.task, task.expires]);
  assert.equal(headerOf(String(fetched.body.subjectToken)).typ, 'writ-continuation+jwt');
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  assert.equal((await exchange(plane, ORCHESTRATOR, String(fetched.body.subjectToken), asks)).status, 200);
  for (const [task_, peer] of [
    [task.task, DB_AGENT],
    ['tsk_none', ORCHESTRATOR],
  ] as const) {
    const refused = await continuationOf(plane, task_, peer);
    assert.deepEqual([refused.status, refused.body.code], [403, 'token.bound_to_other_peer']);
    assert.equal(refused.headers.get('writ-decision'), refused.body.decisionId);
  }
  await plane.server.tasks.end(task.task, 'howard');
  assert.equal((await continuationOf(plane, task.task, ORCHESTRATOR)).body.code, 'token.revoked');
  assert.equal(
    (await get(`${plane.mtls}/oauth/tasks/${task.task}/continuation`)).body.code,
    'transport.identity_invalid',
  );
});

test('a continuation says it is one, is for the issuer, has a holder and no scope', async (t) => {
  const plane = await open(t);
  const { subjectToken, expires } = await openHowardsTask(plane);
  const claims = claimsOf(subjectToken);
  assert.deepEqual(
    [claims.aud, claims.iss, claims.holder, claims.scope, claims.exp, claims.sub],
    [plane.issuer, plane.issuer, ORCHESTRATOR, undefined, expires, 'howard'],
  );
});

test('an issuer below a path answers at its own addresses', async (t) => {
  const store = await openSqliteForTest(t);
  const plane = await openPlane(t, store, { issuerPath: '/t1' });
  const metadata = [
    '/.well-known/oauth-authorization-server/t1',
    '/.well-known/openid-configuration/t1',
    '/t1/.well-known/openid-configuration',
  ];
  for (const path of metadata) {
    const { body } = await get(`${new URL(plane.issuer).origin}${path}`);
    assert.deepEqual([body.issuer, body.token_endpoint], [plane.issuer, `${plane.issuer}/oauth/token`], path);
  }
  assert.equal((await get(`${new URL(plane.issuer).origin}/oauth/jwks`)).status, 404);
  assert.equal((await get(`${plane.issuer}/oauth/jwks`)).status, 200);
});
