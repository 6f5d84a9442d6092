// A strict OAuth client without opinions of its own: every answer of the authorization server is checked as the RFCs have it.

import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import {
  agreeAsHoward,
  CONTINUATION,
  DB_AGENT,
  EXCHANGE,
  type OAuthWorld,
  REDIRECT,
  startOAuthWorld,
} from './oauth-world.ts';

// The plane of the test is on loopback.
const insecure = { [oauth.allowInsecureRequests]: true } as const;

let world: OAuthWorld;
let as: oauth.AuthorizationServer;
let overMtls: { readonly [oauth.customFetch]: never };

before(async () => {
  world = await startOAuthWorld();
  overMtls = { [oauth.customFetch]: world.mtlsFetch as never };
});
after(() => world?.close());

const bySvid: oauth.Client = { client_id: DB_AGENT, use_mtls_endpoint_aliases: true };

const signingKey = () =>
  webcrypto.subtle.importKey(
    'pkcs8',
    new Uint8Array(world.agentKey.export({ type: 'pkcs8', format: 'der' })),
    'Ed25519',
    false,
    ['sign'],
  );

test('the issuer is discovered both ways, and says the same', async () => {
  const issuer = new URL(world.issuer);
  const asOAuth = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
  as = await oauth.processDiscoveryResponse(issuer, asOAuth);
  const asOpenId = await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...insecure });
  assert.deepEqual(await oauth.processDiscoveryResponse(issuer, asOpenId), as);
  assert.deepEqual(as.code_challenge_methods_supported, ['S256']);
  assert.equal(as.authorization_response_iss_parameter_supported, true);
  assert.ok(as.grant_types_supported?.includes(EXCHANGE));
  assert.equal(as.mtls_endpoint_aliases?.token_endpoint, `${world.mtls}/oauth/token`);
});

test('an agent gets a token of its own by private_key_jwt', async () => {
  const client: oauth.Client = { client_id: DB_AGENT };
  const proof = oauth.PrivateKeyJwt({ key: await signingKey(), kid: 'k1' });
  const answered = await oauth.clientCredentialsGrantRequest(as, client, proof, {}, insecure);
  const { access_token } = await oauth.processClientCredentialsResponse(as, client, answered);
  const { sub, aud, client_id } = decodeJwt(access_token);
  assert.deepEqual([sub, aud, client_id], [DB_AGENT, world.issuer, DB_AGENT]);
});

test('an agent gets a token of its own by its X.509-SVID, at the published alias', async () => {
  const answered = await oauth.clientCredentialsGrantRequest(as, bySvid, oauth.TlsClientAuth(), {}, overMtls);
  const { access_token } = await oauth.processClientCredentialsResponse(as, bySvid, answered);
  assert.equal(decodeJwt(access_token).sub, DB_AGENT);
});

test('for a tool server an agent by itself gets nothing', async () => {
  const ask = { resource: `${world.mtls}/mcp/files`, scope: 'files:read_text_file' };
  const answered = await oauth.clientCredentialsGrantRequest(as, bySvid, oauth.TlsClientAuth(), ask, overMtls);
  await assert.rejects(oauth.processClientCredentialsResponse(as, bySvid, answered), { error: 'unauthorized_client' });
});

async function take(scope: string) {
  const ask = {
    subject_token: await world.continuation(),
    subject_token_type: CONTINUATION,
    audience: `${world.mtls}/mcp/files`,
    scope,
  };
  const answered = await oauth.genericTokenEndpointRequest(as, bySvid, oauth.TlsClientAuth(), EXCHANGE, ask, overMtls);
  // RFC 8693 §2.2.1 allows other types than the library knows by itself.
  const recognizedTokenTypes = { n_a: () => {} };
  return oauth.processGenericTokenEndpointResponse(as, bySvid, answered, { recognizedTokenTypes });
}

test('token exchange gives a token that verifies by the published keys and carries person and agent', async () => {
  const answer = await take('files:read_text_file');
  assert.equal(answer.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token');
  const keys = createRemoteJWKSet(new URL(as.jwks_uri!));
  const { payload, protectedHeader } = await jwtVerify(answer.access_token, keys, {
    issuer: world.issuer,
    audience: `${world.mtls}/mcp/files`,
    typ: 'at+jwt',
  });
  assert.equal(protectedHeader.alg, 'EdDSA');
  assert.deepEqual([payload.sub, payload.act], ['howard', { iss: 'spiffe://zylos.local', sub: DB_AGENT }]);
});

test('token exchange never widens', async () => {
  await assert.rejects(take('files:write_file'), { error: 'invalid_scope' });
});

test('a token is introspected, and after revocation it is not active', async () => {
  const { access_token } = await take('files:read_text_file');
  const introspect = async () => {
    const answered = await oauth.introspectionRequest(as, bySvid, oauth.TlsClientAuth(), access_token, overMtls);
    return oauth.processIntrospectionResponse(as, bySvid, answered);
  };
  assert.equal((await introspect()).active, true);
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(as, bySvid, oauth.TlsClientAuth(), access_token, overMtls),
  );
  assert.equal((await introspect()).active, false);
});

/** Howard agrees, and the client redeems the code. */
async function signIn(client: oauth.Client, dpop?: oauth.DPoPHandle) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(as.authorization_endpoint!);
  const ask = {
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'files:read_text_file',
    resource: world.files,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(ask)) url.searchParams.set(name, value);
  const back = await agreeAsHoward(world.issuer, url);
  const answered = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    oauth.None(),
    oauth.validateAuthResponse(as, client, back, state),
    REDIRECT,
    verifier,
    { ...insecure, ...(dpop ? { DPoP: dpop } : {}) },
  );
  return oauth.processAuthorizationCodeResponse(as, client, answered);
}

test('a person signs in at the pages and agrees, and the client gets a token by code and PKCE', async () => {
  const answer = await signIn({ client_id: 'desktop' });
  assert.equal(answer.token_type, 'bearer');
  const { sub, act, aud } = decodeJwt(answer.access_token);
  assert.deepEqual([sub, act, aud], ['howard', { iss: world.issuer, sub: 'desktop' }, world.files]);
});

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'interop', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } });
const listHeaders = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/list',
};

const listTools = (authorization: string) =>
  fetch(world.files, { method: 'POST', headers: { ...listHeaders, authorization }, body: list });

test('a client calls a tool server with what it got', async () => {
  const { access_token } = await signIn({ client_id: 'desktop' });
  const url = new URL(world.files);
  const headers = new Headers(listHeaders);
  const answered = await oauth.protectedResourceRequest(access_token, 'POST', url, headers, list, insecure);
  assert.match(await answered.text(), /read_text_file/);
});

test('a client that proves a key gets a token bound to it (RFC 9449), which is nothing without the proof', async () => {
  for (const client_id of ['bound', 'desktop']) {
    const client: oauth.Client = { client_id };
    const { access_token, token_type } = await signIn(client, oauth.DPoP(client, await oauth.generateKeyPair('ES256')));
    assert.equal(token_type, 'dpop');
    assert.match(String((decodeJwt(access_token).cnf as { jkt?: string }).jkt), /^[\w-]{43}$/);
    for (const scheme of ['Bearer', 'DPoP'])
      assert.equal((await listTools(`${scheme} ${access_token}`)).status, 401, `${client_id} as ${scheme}`);
  }
});

test('a bound token is taken with its proof, and with nobody else’s', async () => {
  const client: oauth.Client = { client_id: 'bound' };
  const dpop = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const { access_token } = await signIn(client, dpop);
  const call = (DPoP: oauth.DPoPHandle) =>
    oauth.protectedResourceRequest(access_token, 'POST', new URL(world.files), new Headers(listHeaders), list, {
      ...insecure,
      DPoP,
    });
  assert.equal((await call(dpop)).status, 200);
  const stolen = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  await assert.rejects(call(stolen), oauth.WWWAuthenticateChallengeError);
});
