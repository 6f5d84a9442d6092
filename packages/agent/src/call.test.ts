import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Caller, fetchFor } from './call.ts';
import { DeniedError, refusedHere } from './denied.ts';
import { calleeOf, planeFromReady } from './plane.ts';
import type { TakeRequest, Token } from './token.ts';

const plane = planeFromReady({
  gateway: { mtls: 'https://127.0.0.1:8443' },
  issuer: 'http://127.0.0.1:8420',
  gatewayId: 'spiffe://zylos.local/writ/gateway',
});
const files = calleeOf(plane, 'files');
const body = JSON.stringify({ method: 'tools/call', params: { name: 'read_file' } });
const post = { method: 'POST', body };

const refusal = (status: number, code: string, headers = {}) =>
  Response.json({ error: 'x', error_description: 'No.', code, decisionId: 'd1' }, { status, headers });

/** A gateway that answers in this order. */
function setting(...answers: readonly Response[]) {
  const sent: Request[] = [];
  const log: string[] = [];
  const remaining = [...answers];
  const tokenFor = (name: string, { audience, scopes }: TakeRequest): Token => ({
    token: name,
    audience,
    scopes,
    expiresAt: 0,
    chain: null,
  });
  const caller: Caller = {
    tokens: {
      async obtain(request) {
        log.push(`obtain ${request.continuation} ${request.scopes.join(' ')}`);
        return tokenFor('T1', request);
      },
      async replace(request, refused) {
        log.push(`replace ${refused.token}`);
        return tokenFor('T2', request);
      },
      forget: (_, refused) => void log.push(`forget ${refused.token}`),
    },
    async fetch(input, init) {
      sent.push(new Request(input, init));
      return remaining.shift()!;
    },
    authority: () => 'C1',
    trace: () => '00-trace',
  };
  return { caller, sent, log };
}

const bearers = (sent: readonly Request[]) => sent.map(({ headers }) => headers.get('authorization'));

test('a call carries one token, of this side, with the scope of what is sent', async () => {
  const { caller, sent, log } = setting(Response.json({ ok: true }));
  const answer = await fetchFor(caller, files)(files.url, {
    ...post,
    headers: { authorization: 'Bearer stolen', 'mcp-name': 'read_file' },
  });
  assert.deepEqual(await answer.json(), { ok: true });
  assert.deepEqual(log, ['obtain C1 files:read_file']);
  assert.deepEqual(bearers(sent), ['Bearer T1']);
  assert.deepEqual([sent[0]!.headers.get('mcp-name'), sent[0]!.headers.get('traceparent')], ['read_file', '00-trace']);
  assert.equal(await sent[0]!.text(), body);
});

test('a token that ran out on the way is renewed once and the same bytes are sent again', async () => {
  const { caller, sent, log } = setting(refusal(401, 'token.expired'), Response.json({ ok: true }));
  const answer = await fetchFor(caller, files)(new Request(files.url, post));
  assert.equal(answer.status, 200);
  assert.deepEqual(bearers(sent), ['Bearer T1', 'Bearer T2']);
  assert.equal(await sent[1]!.text(), body);
  assert.deepEqual(log.slice(1), ['replace T1']);
});

test('a second refusal is thrown; there is no third try', async () => {
  const { caller, sent } = setting(refusal(401, 'token.expired'), refusal(401, 'token.expired'));
  await assert.rejects(fetchFor(caller, files)(files.url, post), {
    name: 'DeniedError',
    message: 'token.expired: No.',
  });
  assert.equal(sent.length, 2);
});

test('a withdrawn token is let go of and not tried again', async () => {
  const { caller, sent, log } = setting(refusal(401, 'token.revoked'));
  await assert.rejects(fetchFor(caller, files)(files.url, post), { message: /^token\.revoked/ });
  assert.deepEqual([sent.length, log.slice(1)], [1, ['forget T1']]);
});

test('a missing scope is thrown with the scopes that are needed', async () => {
  const challenge = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="files:read_file files:list"' };
  const { caller } = setting(refusal(403, 'token.scope_insufficient', challenge));
  await assert.rejects(fetchFor(caller, files)(files.url, post), (error) => {
    assert.ok(error instanceof DeniedError);
    assert.deepEqual(error.denial.scopesNeeded, ['files:read_file', 'files:list']);
    assert.equal(error.denial.decisionId, 'd1');
    return true;
  });
});

test('an answer of the callee comes back whole, refusals of its own included', async () => {
  for (const answer of [
    new Response('not today', { status: 403 }),
    Response.json({ jsonrpc: '2.0' }, { status: 400 }),
    refusal(503, 'gateway.draining'),
  ]) {
    const copy = answer.clone();
    const { caller } = setting(answer);
    const got = await fetchFor(caller, files)(files.url, post);
    assert.deepEqual([got.status, await got.text()], [copy.status, await copy.text()]);
  }
});

test('a token goes to its callee and nowhere else', async () => {
  const { caller, sent } = setting();
  const fetch = fetchFor(caller, files);
  for (const url of [
    'https://127.0.0.1:8443/mcp/mail',
    'https://127.0.0.1:8443/mcp/files2',
    'https://127.0.0.1:8443/mcp/files/../mail',
    'https://127.0.0.1:8443/mcp/files/%2e%2e/mail',
    'https://127.0.0.1:9443/mcp/files',
    'http://127.0.0.1:8443/mcp/files',
  ]) {
    await assert.rejects(fetch(url, post), /is not at/, url);
  }
  assert.equal(sent.length, 0);
});

test('a token handed in is the only one that is used', async () => {
  const token: Token = { token: 'S1', audience: files.url, scopes: ['files:read_file'], expiresAt: 0, chain: null };
  const { caller, sent, log } = setting(refusal(401, 'token.expired'));
  await assert.rejects(fetchFor(caller, files, { token })(files.url, post), { message: /^token\.expired/ });
  assert.deepEqual([bearers(sent), log], [['Bearer S1'], []]);
  assert.throws(() => fetchFor(caller, calleeOf(plane, 'mail'), { token }), /the token is for/);
});

test('without authority nothing is sent', async () => {
  const { caller, sent } = setting();
  const silent = {
    ...caller,
    authority: () => {
      throw refusedHere('token.missing');
    },
  };
  await assert.rejects(fetchFor(silent, files)(files.url, post), { message: /^token\.missing/ });
  assert.equal(sent.length, 0);
});

test('what the message delegates is asked for with the scope to send it', async () => {
  const { caller, log } = setting(Response.json({}));
  const agent = calleeOf(plane, 'db/agent');
  await fetchFor(caller, agent, { delegate: ['files:read_file'] })(agent.url, { method: 'POST', body: '{}' });
  assert.deepEqual(log, ['obtain C1 db/agent:send files:read_file']);
});
