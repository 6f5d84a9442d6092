// Clients without an SVID: a person signs in, agrees, and the client acts for that person and for nobody else (rules §1.2).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { openSqliteForTest } from '../store/testing.ts';
import { hashed } from './hashed.ts';
import { claimsOf, continueFor, DB_AGENT, exchange, headerOf, openPlane, post } from './testing.ts';
import { agreeing, codeRequest, openBrowser } from './testing-browser.ts';
import { DESKTOP, filesCode, filesToken, openWithClients, REDIRECT } from './testing-clients.ts';

test('a person’s consent gives the client a chain of two: the person, and the client that acts', async (t) => {
  const plane = await openWithClients(t);
  const { claims, body } = await filesToken(plane);
  assert.deepEqual([body.token_type, body.scope], ['Bearer', 'files:read_file']);
  assert.deepEqual([claims.sub, claims.client_id, claims.aud], ['howard', 'desktop', plane.aud('mcp', 'files')]);
  assert.deepEqual(claims.act, { iss: plane.issuer, sub: 'desktop' });
  const [root, hop, ...rest] = claims.wc as unknown as {
    actor: object;
    aud: string;
    depth: number;
    scope: string[];
    row: string;
  }[];
  assert.deepEqual(rest, []);
  assert.deepEqual([root!.actor, root!.aud, root!.depth], [{ iss: plane.issuer, sub: 'howard' }, plane.issuer, 3]);
  assert.deepEqual(
    [hop!.actor, hop!.scope, hop!.row],
    [{ iss: plane.issuer, sub: 'desktop' }, ['files:read_file'], claims.jti],
  );
  const task = await plane.store.db.selectFrom('tasks').selectAll().executeTakeFirstOrThrow();
  assert.deepEqual(
    [task.id, task.client_id, task.prompt, task.floor, task.origin],
    [claims.task, 'desktop', null, 1, 'none'],
  );
});

test('a refusal of somebody who only gave a public client’s name is a refusal of nobody', async (t) => {
  const plane = await openWithClients(t);
  const guess = { grant_type: 'authorization_code', client_id: 'desktop', code: 'guess', redirect_uri: REDIRECT };
  const refused = await post(plane, '/oauth/token', { ...guess, code_verifier: 'v'.repeat(43) });
  assert.equal(refused.status, 400);
  await fetch(`${plane.issuer}/oauth/authorize?client_id=desktop&response_type=code`, { redirect: 'manual' });
  const events = plane.events.filter((event) => event.event === 'token.refused');
  assert.equal(events.length, 2);
  for (const event of events) assert.deepEqual([event.client, event.detail.named], [null, 'desktop']);
});

test('the answer names the issuer (RFC 9207), and a state comes back', async (t) => {
  const plane = await openWithClients(t);
  const { back } = await filesCode(plane);
  assert.deepEqual([back.searchParams.get('iss'), back.searchParams.get('state')], [plane.issuer, 'st']);
});

test('refreshing keeps task and root, rotates, and a later use of the old one ends the family', async (t) => {
  const plane = await openWithClients(t);
  const first = await filesToken(plane);
  const refresh = (token: unknown) =>
    post(plane, '/oauth/token', { grant_type: 'refresh_token', client_id: 'desktop', refresh_token: String(token) });
  const second = await refresh(first.body.refresh_token);
  assert.equal(second.status, 200, JSON.stringify(second.body));
  assert.notEqual(second.body.refresh_token, first.body.refresh_token);
  const claims = claimsOf(second.body.access_token);
  assert.equal(claims.task, first.claims.task);
  assert.deepEqual((claims.wc as unknown[])[0], (first.claims.wc as unknown[])[0]);
  // The thief comes back with it a minute later.
  await plane.store.db
    .updateTable('oidc_payloads')
    .set({ consumed: plane.deps.clock.nowSeconds() - 60 })
    .where('id_hash', '=', hashed(String(first.body.refresh_token)))
    .execute();
  assert.equal((await refresh(first.body.refresh_token)).body.error, 'invalid_grant');
  assert.equal((await refresh(second.body.refresh_token)).body.error, 'invalid_grant');
  const { rows, tasks } = plane.server.revocations.view();
  assert.ok((rows.has(String(claims.jti)) && rows.has(String(first.claims.jti))) || tasks.has(String(claims.task)));
});

test('redeeming a code again later revokes what it gave', async (t) => {
  const plane = await openWithClients(t);
  const { form, claims } = await filesToken(plane);
  await plane.store.db
    .updateTable('oidc_payloads')
    .set({ consumed: 1 })
    .where('id_hash', '=', hashed(form.code))
    .execute();
  assert.equal((await post(plane, '/oauth/token', form)).body.error, 'invalid_grant');
  assert.ok(plane.server.revocations.view().tasks.has(String(claims.task)));
});

test('a code is bound to its client, its redirect address and its verifier', async (t) => {
  const plane = await openWithClients(t);
  for (const over of [
    { client_id: 'bound' },
    { redirect_uri: 'http://127.0.0.1:4711/other' },
    { code_verifier: 'x'.repeat(43) },
    { code_verifier: '' },
  ]) {
    const { form } = await filesCode(plane);
    const refused = await post(plane, '/oauth/token', { ...form, ...over });
    assert.deepEqual([refused.status, refused.body.error], [400, 'invalid_grant'], JSON.stringify(over));
  }
});

test('an authorization request without PKCE, or for something the client may not have, comes back refused', async (t) => {
  const plane = await openWithClients(t);
  const files = plane.aud('mcp', 'files');
  const base = { clientId: 'desktop', redirectUri: REDIRECT, resource: files, scope: 'files:read_file' };
  const cases: readonly [string, object, string][] = [
    ['no PKCE', { extra: { code_challenge: '', code_challenge_method: '' } }, 'invalid_request'],
    ['plain PKCE', { extra: { code_challenge_method: 'plain' } }, 'invalid_request'],
    ['an unknown scope', { scope: 'files:read_file files:nope' }, 'invalid_scope'],
    ['a scope of somebody else', { scope: 'mail:send' }, 'invalid_scope'],
    ['an unknown resource', { resource: 'https://other.example/mcp' }, 'invalid_target'],
    ['a server without an edge', { resource: plane.aud('mcp', 'mail'), scope: 'files:read_file' }, 'invalid_target'],
    ['no resource', { resource: [] }, 'invalid_target'],
    ['the first-party API', { resource: `${plane.issuer}/api/v1`, scope: 'api' }, 'invalid_target'],
    ['a token in the front channel', { extra: { response_type: 'token' } }, 'unsupported_response_type'],
  ];
  for (const [what, over, error] of cases) {
    await t.test(what, async () => {
      const { url } = await openBrowser(plane)(codeRequest(plane, { ...base, ...over }).url);
      const answered = new URLSearchParams(url.search || url.hash.slice(1));
      assert.equal(url.origin, new URL(REDIRECT).origin, url.href);
      assert.deepEqual([answered.get('error'), answered.get('iss')], [error, plane.issuer], url.href);
    });
  }
});

test('a client or redirect address that is not known is never redirected to', async (t) => {
  const plane = await openWithClients(t);
  const base = {
    clientId: 'desktop',
    redirectUri: REDIRECT,
    resource: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
  };
  for (const over of [
    { clientId: 'nobody' },
    { redirectUri: 'http://127.0.0.1:4711/cb/' },
    { redirectUri: 'http://127.0.0.2:4711/cb' },
    { redirectUri: 'https://evil.test/cb' },
    { redirectUri: 'http://localhost:4711/cb' },
  ]) {
    const page = await openBrowser(plane)(codeRequest(plane, { ...base, ...over }).url);
    assert.deepEqual([page.url.origin, page.status], [plane.issuer, 400], JSON.stringify(over));
    assert.match(page.text, /That did not work/);
  }
});

test('a client that is not listed as bearer must prove a key, and gets a token bound to it', async (t) => {
  const plane = await openWithClients(t);
  const { form } = await filesCode(plane, { clientId: 'bound' });
  const bare = await post(plane, '/oauth/token', form);
  assert.deepEqual([bare.status, bare.body.error], [400, 'invalid_grant']);

  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(plane.issuer);
  const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
  const as = await oauth.processDiscoveryResponse(issuer, discovered);
  const client: oauth.Client = { client_id: 'bound' };
  const keys = await oauth.generateKeyPair('Ed25519');
  const { back, form: again } = await filesCode(plane, { clientId: 'bound' });
  const parameters = oauth.validateAuthResponse(as, client, back, 'st');
  const options = { DPoP: oauth.DPoP(client, keys), ...insecure };
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    oauth.None(),
    parameters,
    REDIRECT,
    again.code_verifier,
    options,
  );
  const answer = await oauth.processAuthorizationCodeResponse(as, client, response);
  assert.equal(answer.token_type, 'dpop');
  const { cnf, act } = claimsOf(answer.access_token);
  assert.equal(typeof (cnf as { jkt?: unknown }).jkt, 'string');
  assert.deepEqual(act, { iss: plane.issuer, sub: 'bound' });
});

test('openid-client discovers the issuer and signs a person in by code and PKCE', async (t) => {
  const plane = await openWithClients(t);
  const config = await openid.discovery(new URL(plane.issuer), 'desktop', undefined, openid.None(), {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  });
  const verifier = openid.randomPKCECodeVerifier();
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: 'files:read_file',
    resource: plane.aud('mcp', 'files'),
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: 'xyz',
  });
  const { url: back } = await openBrowser(plane)(url.href);
  const tokens = await openid.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier,
    expectedState: 'xyz',
  });
  assert.equal(claimsOf(tokens.access_token).sub, 'howard');
  const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token!);
  assert.equal(claimsOf(refreshed.access_token).task, claimsOf(tokens.access_token).task);
});

test('an agent that a client calls continues the person’s chain', async (t) => {
  const plane = await openWithClients(t);
  const { form } = await filesCode(plane, {
    resource: plane.aud('a2a', 'db/agent'),
    scope: 'db/agent:send files:read_file',
  });
  const token = await post(plane, '/oauth/token', form);
  const continuation = await continueFor(plane, token.body.access_token, DB_AGENT);
  const taken = await exchange(plane, DB_AGENT, continuation, {
    audience: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
  });
  assert.equal(taken.status, 200, JSON.stringify(taken.body));
  const { act, sub } = claimsOf(taken.body.access_token);
  assert.equal(sub, 'howard');
  assert.deepEqual(act, {
    iss: 'spiffe://zylos.local',
    sub: DB_AGENT,
    act: { iss: plane.issuer, sub: 'desktop' },
  });
});

test('a person who says no, or who is not one, gives nothing', async (t) => {
  const clients = { desktop: DESKTOP };
  const people = agreeing();
  const refusing = {
    ...people,
    handleInteraction: (async (req, res, interactions) =>
      (await interactions.read(req, res))?.asks === 'consent'
        ? interactions.refuse(req, res)
        : people.handleInteraction(req, res, interactions)) as typeof people.handleInteraction,
  };
  const plane = await openPlane(t, await openSqliteForTest(t), { people: refusing, clients, wallClock: true });
  const ask = {
    clientId: 'desktop',
    redirectUri: REDIRECT,
    resource: plane.aud('mcp', 'files'),
    scope: 'files:read_file',
  };
  const { url } = await openBrowser(plane)(codeRequest(plane, ask).url);
  assert.deepEqual([url.searchParams.get('error'), url.searchParams.get('code')], ['access_denied', null]);
});

test('a client that cannot verify EdDSA gets its tokens signed with ES256, and they are worth the same', async (t) => {
  const clients = { desktop: { ...DESKTOP, tokenAlg: 'ES256' } } as const;
  const plane = await openPlane(t, await openSqliteForTest(t), { people: agreeing(), clients, wallClock: true });
  const { form } = await filesCode(plane, {
    resource: plane.aud('a2a', 'db/agent'),
    scope: 'db/agent:send files:read_file',
  });
  const { body } = await post(plane, '/oauth/token', form);
  assert.deepEqual(headerOf(String(body.access_token)), {
    alg: 'ES256',
    typ: 'at+jwt',
    kid: plane.keys.tokenEs256.kid,
  });
  const asks = { audience: plane.aud('mcp', 'files'), scope: 'files:read_file' };
  assert.equal((await exchange(plane, DB_AGENT, String(body.access_token), asks)).status, 200);
});

test('a withdrawn person gets nothing more through a client that still holds a refresh token', async (t) => {
  const plane = await openWithClients(t);
  const { body } = await filesToken(plane);
  await plane.server.revoke({ user: { iss: plane.issuer, sub: 'howard' } }, 'admin');
  const form = { grant_type: 'refresh_token', client_id: 'desktop', refresh_token: String(body.refresh_token) };
  const refused = await post(plane, '/oauth/token', form);
  assert.deepEqual([refused.status, refused.body.code], [400, 'token.revoked']);
});

test('no code and no refresh token can be read out of the database', async (t) => {
  const plane = await openWithClients(t);
  const { form, body } = await filesToken(plane);
  const rows = JSON.stringify(await plane.store.db.selectFrom('oidc_payloads').selectAll().execute());
  assert.ok(rows.includes('RefreshToken'));
  for (const secret of [form.code, String(body.refresh_token)]) assert.ok(!rows.includes(secret));
});
