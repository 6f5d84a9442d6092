// A tool server that answers 401 or 403: the broker as its OAuth client (MCP authorization, RFC 9728, RFC 6750). The server is the MCP
// SDK's with its own bearer check, its authorization server oidc-provider, and between them and us stands the gateway's own upstream.

import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { OauthRef } from '../../config/config.ts';
import type { Behalf } from '../../gateway/mcp/upstream.ts';
import { createHttpUpstream } from '../../gateway/mcp/upstream-http.ts';
import { readChallenge, scopesToAsk } from './challenge.ts';
import { asks, brokerOver, howard, issuer } from './testing.ts';
import {
  clientOf,
  clientSecret,
  type GuardedMcp,
  serve,
  startGuardedMcp,
  startThirdParty,
  type ThirdParty,
} from './third-party.fixture.ts';

let party: ThirdParty;
before(async () => {
  party = await startThirdParty(issuer);
});
after(() => party.close());

const refTo = (over: Partial<OauthRef> = {}): OauthRef =>
  clientOf(party.url, { challenged: true, stepUp: ['notes.write'], ...over });

/** The gateway's way to the server, with the broker behind it. */
function upstreamTo(t: TestContext, url: string, ref: OauthRef) {
  const world = brokerOver({ notes: { url, credential: ref } }, { environment: { SECRET: clientSecret } });
  const upstream = createHttpUpstream({
    ...{ server: 'notes', url, challenged: world.broker.challenged },
    async credentialFor(server, behalf) {
      const found = await world.broker.credentialFor(server, behalf);
      if (found.outcome === 'deny') throw new Error(String(found.denial.detail.cause));
      return found.facts;
    },
  });
  t.after(() => upstream.close());
  const behalf: Behalf = { key: 'k', root: howard, task: 'one' };
  world.broker.leaseFor('notes', asks(howard, 'one'));
  const call = async (name: string) => {
    const params = { name, arguments: { text: 'hello' } };
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
    const bytes = Buffer.from(JSON.stringify(body));
    const reply = await upstream.send(
      { method: 'tools/call', params, id: 1, era: 'legacy', bytes, headers: {}, isAction: true },
      behalf,
      null,
    );
    return JSON.stringify(reply.first.value);
  };
  return { ...world, upstream, behalf, call };
}

async function guarded(t: TestContext, lies: Parameters<typeof startGuardedMcp>[1] = {}): Promise<GuardedMcp> {
  const mcp = await startGuardedMcp(party.url, lies);
  t.after(() => mcp.close());
  return mcp;
}

test('nothing is sent until the server asks; then a token for it alone, and more scopes when a call needs them', async (t) => {
  const mcp = await guarded(t);
  const { call, events } = upstreamTo(t, `${mcp.url}/mcp`, refTo());
  const before = party.asked.length;
  assert.match(await call('read'), /"text":"read hello/);
  assert.equal(mcp.authorizations[0], undefined);
  assert.deepEqual([party.asked.length - before, party.asked.at(-1)!.get('resource')], [1, `${mcp.url}/mcp`]);
  assert.equal(party.asked.at(-1)!.get('scope'), 'notes.read');
  assert.match(await call('write'), /"text":"write hello/);
  assert.equal(party.asked.at(-1)!.get('scope'), 'notes.read notes.write');
  assert.deepEqual(
    mcp.through.filter(({ method }) => method === 'tools/call').map(({ scope }) => scope),
    ['notes.read', 'notes.read notes.write'],
  );
  assert.equal(party.asked.length - before, 2);
  assert.deepEqual(
    events.map(({ event, status, scopes, decision }) => [event, status, scopes, decision]),
    [
      ['credential.challenged', 401, ['notes.read'], 'decision-one'],
      ['credential.challenged', 403, ['notes.read', 'notes.write'], 'decision-one'],
    ],
    'each elevation is recorded',
  );
});

describe('is not followed:', () => {
  const refusal = async (t: TestContext, mcp: { url: string }, ref: OauthRef, tool = 'read') => {
    const { call, warnings } = upstreamTo(t, `${mcp.url}/mcp`, ref);
    const asked = party.asked.length;
    await assert.rejects(call(tool), /refused the gateway's credential: HTTP 40[13]/);
    return { says: warnings.join('\n'), asked: party.asked.length - asked };
  };

  test('a server that names another authorization server', async (t) => {
    const mcp = await guarded(t, { issuer: 'https://evil.example' });
    const { says, asked } = await refusal(t, mcp, refTo());
    assert.match(says, /takes no tokens of/);
    assert.equal(asked, 0);
  });

  test('a server that speaks of another resource', async (t) => {
    const { says, asked } = await refusal(t, await guarded(t, { resource: 'https://bank.example/mcp' }), refTo());
    assert.match(says, /speaks of another resource/);
    assert.equal(asked, 0);
  });

  test('a step-up beyond what the operator wrote', async (t) => {
    const { says } = await refusal(t, await guarded(t), refTo({ stepUp: [] }), 'write');
    assert.match(says, /wants scopes that neither `scopes` nor `stepUp` has: `notes.write`/);
  });

  test('metadata at another origin (SSRF)', async (t) => {
    let heard = 0;
    const inner = await serve(() => (_req, res) => {
      heard++;
      res.end('{}');
    });
    t.after(() => inner.close());
    for (const place of [
      `${inner.url}/latest/meta-data`,
      'http://169.254.169.254/latest',
      'file:///etc/passwd',
      'http://[::1]:1/x',
      '//evil.example/x',
    ]) {
      const server = await serve(() => (_req, res) => {
        res.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${place}"` }).end();
      });
      t.after(() => server.close());
      assert.match((await refusal(t, server, refTo())).says, /points to metadata at another origin/);
    }
    assert.equal(heard, 0);
  });

  test('metadata that redirects', async (t) => {
    const mcp = await guarded(t);
    const server = await serve((self) => (req, res) => {
      if (req.method === 'GET')
        res.writeHead(302, { location: `${mcp.url}/.well-known/oauth-protected-resource/mcp` }).end();
      else res.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${self}/metadata"` }).end();
    });
    t.after(() => server.close());
    assert.match((await refusal(t, server, refTo())).says, /redirects, which is not followed/);
  });

  test('metadata without end', async (t) => {
    const server = await serve((self) => (req, res) => {
      if (req.method === 'GET') res.end('x'.repeat(1024 * 1024));
      else res.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${self}/metadata"` }).end();
    });
    t.after(() => server.close());
    assert.match((await refusal(t, server, refTo())).says, /more than \d+ bytes/);
  });

  test('a server that is never content: three tokens in a task, and no more', async (t) => {
    const server = await serve((self) => (req, res) => {
      if (req.method === 'GET') {
        const body = { resource: `${self}/mcp`, authorization_servers: [party.url], scopes_supported: [] };
        res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      } else res.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
    });
    t.after(() => server.close());
    const { call, warnings } = upstreamTo(t, `${server.url}/mcp`, refTo());
    const asked = party.asked.length;
    for (let i = 0; i < 5; i++) await assert.rejects(call('read'));
    assert.ok(party.asked.length - asked <= 3, `${party.asked.length - asked} tokens`);
    assert.match(warnings.join(), /asked for another token 4 times in one task/);
  });

  test('a redirect of a call to another host, which would carry the token there (rules §7.6)', async (t) => {
    const heard: (string | undefined)[] = [];
    const other = await serve(() => (req, res) => {
      heard.push(req.headers.authorization);
      res.end('{}');
    });
    const server = await serve(() => (_req, res) => void res.writeHead(307, { location: `${other.url}/mcp` }).end());
    t.after(() => Promise.all([other.close(), server.close()]));
    const { call } = upstreamTo(t, `${server.url}/mcp`, refTo({ challenged: false }));
    await assert.rejects(call('read'), /redirects, which is not followed|HTTP 307/);
    assert.deepEqual(heard, []);
  });
});

test('a challenge has one reading or none', () => {
  const metadataUrl = 'https://notes.example/.well-known/oauth-protected-resource/mcp';
  assert.deepEqual(
    readChallenge(`Bearer error="insufficient_scope", scope="a b", resource_metadata="${metadataUrl}"`),
    {
      ...{ error: 'insufficient_scope', scopes: ['a', 'b'], metadataUrl },
    },
  );
  assert.deepEqual(readChallenge('Basic realm="x", Bearer scope=a'), { error: null, scopes: ['a'], metadataUrl: null });
  assert.deepEqual(readChallenge('bearer'), { error: null, scopes: [], metadataUrl: null });
  for (const odd of [
    'Basic realm="x"',
    'Bearer scope="a", Bearer scope="b"',
    'Bearer scope="a", scope="b"',
    '',
    'x'.repeat(5000),
  ]) {
    assert.equal(readChallenge(odd), null, odd.slice(0, 40));
  }
});

test('scopes: the challenge’s, else what the server offers of ours, else ours; held ones stay', () => {
  const ref = { scopes: ['a', 'b'], stepUp: ['c'] };
  const challenge = { error: null, scopes: [] as string[], metadataUrl: null };
  assert.deepEqual(scopesToAsk(ref, [], challenge, ['b', 'z']), ['b']);
  assert.deepEqual(scopesToAsk(ref, [], challenge, ['z']), ['a', 'b']);
  assert.deepEqual(scopesToAsk(ref, ['a'], { ...challenge, scopes: ['c'] }, []), ['a', 'c']);
  assert.throws(() => scopesToAsk(ref, [], { ...challenge, scopes: ['z'] }, []), /neither `scopes` nor `stepUp`/);
});
