// Every way to say no, as a caller sees it on the wire. Contract §5.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { DENIALS, type DenialCode, says } from '@writ/core';
import { type ModernUpstream, startModern } from './servers.fixture.ts';
import { ask, modernRequest, startGateway, type TestGateway } from './world.fixture.ts';

const CREDENTIAL_FAULTS: ReadonlySet<string> = new Set([
  'token.missing',
  'token.malformed',
  'token.ambiguous',
  'token.signature_invalid',
  'token.issuer_unknown',
  'token.expired',
  'token.not_yet_valid',
  'token.wrong_audience',
  'token.bound_to_other_peer',
  'token.bound_to_other_key',
  'token.unbound',
  'token.proof_invalid',
  'token.replayed',
  'token.revoked',
]);

const GATEWAY: Readonly<Record<string, number>> = {
  'gateway.malformed': 400,
  'gateway.header_mismatch': 400,
  'gateway.body_unseen': 400,
  'gateway.too_large': 413,
  'gateway.misdirected': 421,
  'gateway.overloaded': 429,
  'gateway.draining': 503,
  'gateway.store_unreachable': 503,
  'gateway.outage': 503,
  'audit.unavailable': 503,
  'gateway.upstream_unreachable': 502,
};

/** Status and `error` of a code, written down here once more from the contract. */
function wanted(code: DenialCode): readonly [number, string | null] {
  if (code === 'token.scope_insufficient') return [403, 'insufficient_scope'];
  if (CREDENTIAL_FAULTS.has(code)) return [401, 'invalid_token'];
  if (code.startsWith('transport.')) return [403, 'access_denied'];
  if (GATEWAY[code] !== undefined) return [GATEWAY[code], null];
  return [200, null];
}

describe('a refusal', () => {
  let notes: ModernUpstream;
  let gateway: TestGateway;

  before(async () => {
    notes = await startModern();
    gateway = await startGateway({ notes: notes.upstream });
  });
  after(async () => {
    await gateway.close();
    await notes.close();
  });

  for (const code of Object.keys(DENIALS) as DenialCode[]) {
    test(`of ${code} names its decision and its code, and shows no detail`, async () => {
      gateway.say = () => code;
      const call = { name: 'echo', arguments: { text: 'hi' } };
      const { status, headers, body } = await ask(gateway.endpoint('notes'), modernRequest('tools/call', call));
      const [wantedStatus, wantedError] = wanted(code);
      assert.equal(status, wantedStatus);
      const decisionId = gateway.answered.at(-1)!.decision.id;
      assert.equal(headers.get('writ-decision'), decisionId);
      if (wantedStatus === 200) {
        const data = { code, decisionId, says: says(code) };
        assert.deepEqual(body, { jsonrpc: '2.0', id: 7, error: { code: -31001, message: says(code), data } });
      } else {
        const { error, ...rest } = body;
        assert.equal(typeof error, 'string');
        if (wantedError !== null) assert.equal(error, wantedError);
        assert.deepEqual(rest, { error_description: says(code), code, decisionId });
      }
    });
  }

  test('without a credential says how to begin, and not that something was wrong', async () => {
    gateway.say = () => null;
    const init = modernRequest('tools/call', { name: 'echo' }, { authorization: undefined });
    const { status, headers } = await ask(gateway.endpoint('notes'), init);
    assert.equal(status, 401);
    const metadata = `${gateway.url}/.well-known/oauth-protected-resource/mcp/notes`;
    assert.equal(headers.get('www-authenticate'), `Bearer resource_metadata="${metadata}", scope="notes:echo"`);
    const document = await ask(metadata, {});
    assert.deepEqual(document.body, {
      resource: gateway.endpoint('notes'),
      authorization_servers: ['http://127.0.0.1:1/issuer'],
      bearer_methods_supported: ['header'],
      resource_name: 'notes',
    });
  });

  test('of a bad token says so', async () => {
    gateway.say = () => 'token.expired';
    const { headers } = await ask(gateway.endpoint('notes'), modernRequest('tools/list'));
    assert.match(headers.get('www-authenticate')!, /^Bearer resource_metadata="[^"]+", error="invalid_token"$/);
  });

  test('of a missing scope names all scopes the operation needs', async () => {
    gateway.say = () => 'token.scope_insufficient';
    for (const [method, params, scope] of [
      ['tools/call', { name: 'echo' }, 'notes:echo'],
      ['prompts/get', { name: 'greet' }, 'notes:prompts/greet'],
      ['resources/read', { uri: 'note://motto' }, 'notes:resources'],
    ] as const) {
      const { status, headers } = await ask(gateway.endpoint('notes'), modernRequest(method, params));
      assert.equal(status, 403);
      assert.match(headers.get('www-authenticate')!, new RegExp(`scope="${scope}", error="insufficient_scope"$`));
    }
  });

  test('that a person can lift names where', async () => {
    gateway.say = () => ({ approval: 'action.target_untrusted' });
    const { status, body } = await ask(gateway.endpoint('notes'), modernRequest('tools/call', { name: 'echo' }));
    const decisionId = gateway.answered.at(-1)!.decision.id;
    assert.equal(status, 200);
    assert.equal(body.error?.code, -31002);
    assert.deepEqual(body.error?.data, {
      code: 'action.target_untrusted',
      decisionId,
      says: says('action.target_untrusted'),
      approvalUrl: `http://127.0.0.1:1/approvals/${decisionId}`,
    });
  });

  test('reaches the caller of a stock client with its decision', async () => {
    gateway.say = (call) => (call.isAction ? 'action.policy_forbids' : null);
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
    const requestInit = { headers: { authorization: 'Bearer howard' } };
    await client.connect(new StreamableHTTPClientTransport(new URL(gateway.endpoint('notes')), { requestInit }));
    const call = client.callTool({ name: 'echo', arguments: { text: 'hi' } });
    await assert.rejects(call, (error: Error & { code?: number; data?: { code?: string; decisionId?: string } }) => {
      assert.equal(error.code, -31001);
      assert.equal(error.data?.code, 'action.policy_forbids');
      assert.equal(error.data?.decisionId, gateway.answered.at(-1)!.decision.id);
      return true;
    });
    await client.close();
  });

  test('never reached the server', () => {
    assert.ok(!notes.heard.some(({ body }) => body.includes('tools/call')));
  });
});

describe('a credential', () => {
  let notes: ModernUpstream;
  let gateway: TestGateway;
  before(async () => {
    notes = await startModern();
    gateway = await startGateway({ notes: notes.upstream });
    gateway.say = () => 'token.malformed';
  });
  after(async () => {
    await gateway.close();
    await notes.close();
  });

  for (const [title, headers, kind] of [
    ['in `Authorization` as Bearer is one', { authorization: 'Bearer a.b.c' }, 'jwt'],
    ['in `Authorization` as DPoP is one', { authorization: 'DPoP a.b.c' }, 'jwt'],
    ['of another scheme is judged as a token and fails', { authorization: 'Basic YTpi' }, 'jwt'],
    ['of an AIP header besides is one too many', { 'x-aip-token': 'x' }, 'ambiguous'],
    ['for a proxy besides is one too many', { 'proxy-authorization': 'Bearer x' }, 'ambiguous'],
    ['that is absent is none', { authorization: undefined }, 'none'],
  ] as const) {
    test(title, async () => {
      await ask(gateway.endpoint('notes'), modernRequest('tools/list', {}, headers));
      assert.equal(gateway.answered.at(-1)!.call.credential.kind, kind);
    });
  }

  test('in the query is not even looked at', async () => {
    const { status } = await ask(`${gateway.endpoint('notes')}?access_token=x`, modernRequest('tools/list'));
    assert.equal(status, 400);
    assert.equal(gateway.malformed.at(-1)!.denialCode, 'gateway.malformed');
  });
});
