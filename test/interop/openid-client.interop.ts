// The OpenID client that many Node programs use, against the same authorization server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import * as openid from 'openid-client';
import {
  agreeAsHoward,
  CONTINUATION,
  DB_AGENT,
  EXCHANGE,
  type OAuthWorld,
  REDIRECT,
  startOAuthWorld,
} from './oauth-world.ts';

let world: OAuthWorld;

before(async () => {
  world = await startOAuthWorld();
});
after(() => world?.close());

const execute = [openid.allowInsecureRequests]; // the plane of the test is on loopback

function discover(clientId: string, more: object = {}, auth: openid.ClientAuth = openid.None()) {
  return openid.discovery(new URL(world.issuer), clientId, more, auth, { algorithm: 'oauth2', execute });
}

/** As `db/agent`, by its SVID, at the aliases for mutual TLS. */
async function agentBySvid(): Promise<openid.Configuration> {
  const config = await discover(DB_AGENT, { use_mtls_endpoint_aliases: true }, openid.TlsClientAuth());
  config[openid.customFetch] = world.mtlsFetch as never;
  return config;
}

async function signIn(config: openid.Configuration) {
  const verifier = openid.randomPKCECodeVerifier();
  const state = openid.randomState();
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: 'files:read_text_file',
    resource: world.files,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  });
  const back = await agreeAsHoward(world.issuer, url);
  return openid.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state });
}

test('a person signs in by code and PKCE, and the client refreshes without asking again', async () => {
  const config = await discover('desktop');
  const tokens = await signIn(config);
  assert.equal(decodeJwt(tokens.access_token).sub, 'howard');
  const renewed = await openid.refreshTokenGrant(config, tokens.refresh_token!);
  assert.equal(decodeJwt(renewed.access_token).task, decodeJwt(tokens.access_token).task);
  assert.notEqual(renewed.refresh_token, tokens.refresh_token);
});

test('a refresh token from before is not taken once its successor was used', async () => {
  const config = await discover('desktop');
  const first = await signIn(config);
  const second = await openid.refreshTokenGrant(config, first.refresh_token!);
  await openid.refreshTokenGrant(config, second.refresh_token!);
  await assert.rejects(openid.refreshTokenGrant(config, first.refresh_token!), { error: 'invalid_grant' });
});

test('a device gets its token once its person has typed the code elsewhere, and not before', async () => {
  const config = await discover('desktop');
  const ask = { scope: 'files:read_text_file', resource: world.files };
  const device = await openid.initiateDeviceAuthorization(config, ask);
  const poll = () =>
    openid.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:device_code', {
      device_code: device.device_code,
    });
  await assert.rejects(poll(), { error: 'authorization_pending' });
  await agreeAsHoward(world.issuer, device.verification_uri, device.user_code);
  assert.equal(decodeJwt((await poll()).access_token).sub, 'howard');
  await assert.rejects(poll(), { error: 'invalid_grant' });
});

test('an agent gets its own token and a person’s by its SVID', async () => {
  const config = await agentBySvid();
  assert.equal(decodeJwt((await openid.clientCredentialsGrant(config)).access_token).sub, DB_AGENT);
  const taken = await openid.genericGrantRequest(config, EXCHANGE, {
    subject_token: await world.continuation(),
    subject_token_type: CONTINUATION,
    audience: `${world.mtls}/mcp/files`,
    scope: 'files:read_text_file',
  });
  assert.equal(decodeJwt(taken.access_token).sub, 'howard');
  const { active, client_id } = await openid.tokenIntrospection(config, taken.access_token);
  assert.deepEqual([active, client_id], [true, DB_AGENT]);
});
