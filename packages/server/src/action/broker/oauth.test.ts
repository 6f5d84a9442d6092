// Tokens of somebody else's authorization server: RFC 6749 §4.4, RFC 8693, RFC 8707. The server is oidc-provider.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import type { OauthRef } from '../../config/config.ts';
import { asks, brokerOver, eve, howard, issuer, type Options, told } from './testing.ts';
import { clientOf, clientSecret, serve, startThirdParty, type ThirdParty } from './third-party.fixture.ts';

let party: ThirdParty;
let folder: string;
before(async () => {
  party = await startThirdParty(issuer);
  folder = await mkdtemp(join(tmpdir(), 'writ-oauth-'));
  await writeFile(join(folder, 'client.pem'), party.clientKey, { mode: 0o600 });
});
after(async () => {
  await party.close();
  await rm(folder, { recursive: true });
});

const url = 'http://127.0.0.1:9/mcp';

const refTo = (over: Partial<OauthRef> = {}): OauthRef => clientOf(party.url, over);

function over(ref: OauthRef, assertion = party.assert as Options['assertion']) {
  const ports = { environment: { SECRET: clientSecret }, assertion: assertion! };
  const world = brokerOver({ notes: { url, credential: ref } }, ports);
  const fetch = async (root = howard, task = 'one') => {
    world.broker.leaseFor('notes', asks(root, task));
    return told(await world.broker.credentialFor('notes', asks(root, task)));
  };
  return { ...world, fetch };
}

const prepared = async (...people: string[]) => {
  const { prepare } = party.assert as unknown as { prepare(sub: string, audience: string): Promise<void> };
  for (const sub of people) await prepare(sub, party.url);
};

test('client credentials: one token for one resource with the scopes that were written', async () => {
  const { fetch, clock } = over(refTo());
  const token = await fetch();
  const { aud, scope, client_id: client } = decodeJwt(token);
  assert.deepEqual({ aud, scope, client }, { aud: url, scope: 'notes.read', client: 'writ' });
  assert.equal(await fetch(), token);
  clock.now += 300 - 31;
  assert.equal(await fetch(), token);
  clock.now += 1;
  assert.notEqual(await fetch(), token, 'taken anew before it ends, less the skew');
});

test('private_key_jwt: the assertion is for the issuer', async () => {
  const { fetch } = over(refTo({ clientId: 'writ-key', auth: { kind: 'key', path: join(folder, 'client.pem') } }));
  assert.equal(decodeJwt(await fetch()).client_id, 'writ-key');
  assert.equal(decodeJwt(party.asked.at(-1)!.get('client_assertion')!).aud, party.url);
});

test('a client id metadata document: the id is its URL, proven by its key', async () => {
  const asked: URLSearchParams[] = [];
  const server = await serve((self) => async (req, res) => {
    const metadata = { issuer: self, token_endpoint: `${self}/token`, client_id_metadata_document_supported: true };
    if (req.url === '/token') asked.push(new URLSearchParams((await req.toArray()).join('')));
    const body =
      req.url === '/token' ? { access_token: 'token-of-the-document', token_type: 'Bearer', expires_in: 60 } : metadata;
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  const clientId = 'https://plane.example/client.json';
  const auth = { kind: 'key', path: join(folder, 'client.pem') } as const;
  assert.equal(await over(refTo({ issuer: server.url, clientId, auth })).fetch(), 'token-of-the-document');
  const { iss, sub, aud } = decodeJwt(asked[0]!.get('client_assertion')!);
  assert.deepEqual({ iss, sub, aud }, { iss: clientId, sub: clientId, aud: server.url });
  await server.close();
});

describe('token exchange', () => {
  test('each person’s token is their own, whoever asks first and at once (cache key confusion)', async () => {
    await prepared('howard', 'eve');
    const { fetch } = over(refTo({ grant: 'token_exchange' }));
    const tokens = await Promise.all([howard, eve, howard, eve].map((root) => fetch(root)));
    const people = tokens.map((token) => decodeJwt(token).person);
    assert.deepEqual(people, ['howard', 'eve', 'howard', 'eve']);
    assert.equal(tokens[0], tokens[2]);
    assert.notEqual(await fetch(howard, 'two'), tokens[0], 'another task has another token');
    const { sub: _, ...asked } = Object.fromEntries(party.asked.at(-1)!);
    assert.equal(asked.requested_token_type, 'urn:ietf:params:oauth:token-type:access_token');
    assert.equal(asked.resource, url);
  });

  test('names that could be written alike in one key are not', async () => {
    const people = ['a","b', 'a', 'b', 'a\u0000b'];
    await prepared(...people);
    const { fetch } = over(refTo({ grant: 'token_exchange' }));
    for (const sub of people) assert.equal(decodeJwt(await fetch({ iss: issuer, sub }, 'b')).person, sub);
    for (const sub of people) assert.equal(decodeJwt(await fetch({ iss: issuer, sub }, 'a')).person, sub);
  });

  test('nothing is said about a person of another issuer', async () => {
    const ports = { environment: { SECRET: clientSecret }, assertion: () => null };
    const { broker } = brokerOver({ notes: { url, credential: refTo({ grant: 'token_exchange' }) } }, ports);
    const foreign = { iss: 'https://elsewhere.example', sub: 'howard' };
    broker.leaseFor('notes', asks(foreign, 'one'));
    assert.match(told(await broker.credentialFor('notes', asks(foreign, 'one'))), /signed in elsewhere/);
  });

  test('the token is taken back at the end of its task', async () => {
    await prepared('howard');
    const { fetch, leases } = over(refTo({ grant: 'token_exchange' }));
    const token = await fetch();
    await leases.close();
    assert.equal(party.revoked.at(-1), token);
  });
});

describe('an authorization server that', () => {
  const refused = async (
    answers: (path: string, self: string) => { status?: number; body: unknown } | null,
    ref: Partial<OauthRef> = {},
  ) => {
    const server = await serve((self) => (req, res) => {
      const known = answers(new URL(req.url!, self).pathname, self);
      const metadata = { issuer: self, token_endpoint: `${self}/token` };
      const { status = 200, body } = known ?? { body: metadata };
      res
        .writeHead(status, { 'content-type': 'application/json', location: 'http://127.0.0.1:1/' })
        .end(JSON.stringify(body));
    });
    const { fetch, warnings } = over(refTo({ issuer: server.url, ...ref }), () => 'a statement about howard');
    const says = `${await fetch()} ${warnings}`;
    await server.close();
    assert.ok(!says.includes(clientSecret));
    return says;
  };
  const token = (over: object) => (path: string) =>
    path === '/token'
      ? { body: { access_token: 'token-of-the-third-party', token_type: 'Bearer', expires_in: 60, ...over } }
      : null;

  test('calls itself otherwise is not asked for a token', async () => {
    const says = await refused((path) =>
      path.startsWith('/.well-known')
        ? { body: { issuer: 'https://other.example', token_endpoint: 'https://other.example/token' } }
        : null,
    );
    assert.match(says, /the metadata of `.*` cannot be used/);
  });
  test('sends the token request into a private network is not followed there (SSRF)', async () => {
    for (const endpoint of [
      'http://169.254.169.254/token',
      'https://10.0.0.1/token',
      'http://127.0.0.1:22/token',
      'https://[::1]/token',
    ]) {
      const says = await refused((path, self) =>
        path.startsWith('/.well-known') ? { body: { issuer: self, token_endpoint: endpoint } } : null,
      );
      assert.match(says, /is not asked: it is no public address, and the configuration does not name it/);
    }
  });
  test('redirects the token request is not followed', async () => {
    assert.match(
      await refused((path) => (path === '/token' ? { status: 307, body: {} } : null)),
      /redirects, which is not followed/,
    );
  });
  test('repeats the secret in its error is not quoted', async () => {
    const body = { error: 'invalid_client', error_description: `no client with ${clientSecret}` };
    const says = await refused((path) => (path === '/token' ? { status: 401, body } : null));
    assert.match(says, /gave no token \(HTTP 401: invalid_client\)/);
  });
  test('repeats the secret as its error code is not quoted', async () => {
    assert.match(
      await refused((path) => (path === '/token' ? { status: 400, body: { error: clientSecret } } : null)),
      /\(HTTP 400\)/,
    );
  });
  test('gives more than was asked is refused', async () => {
    assert.match(await refused(token({ scope: 'notes.read notes.admin' })), /gave more scopes than were asked for/);
  });
  test('gives another kind of token is refused', async () => {
    assert.match(await refused(token({ token_type: 'DPoP' })), /no bearer token/);
    const kind = 'urn:ietf:params:oauth:token-type:refresh_token';
    const says = await refused((path) => token({ issued_token_type: kind })(path), { grant: 'token_exchange' });
    assert.match(says, /something else than an access token/);
  });
  test('takes no metadata documents is not given one for a client id', async () => {
    assert.match(
      await refused(token({}), { clientId: 'https://plane.example/client.json' }),
      /takes no client id metadata documents/,
    );
  });
});
