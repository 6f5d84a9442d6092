import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeniedError } from './denied.ts';
import type { FetchLike } from './fetch.ts';
import { openTokenClient } from './token.ts';

const audience = 'https://127.0.0.1:8443/mcp/files';
const plane = { mtls: 'https://127.0.0.1:8443', tokenUrl: 'https://127.0.0.1:8443/oauth/token' };

/** A plane that answers every question the same way and remembers what it was asked. */
function planeAnswering(status: number, body: object) {
  const asked: { url: string; form: Record<string, string> }[] = [];
  const fetch: FetchLike = async (url, init) => {
    asked.push({ url: String(url), form: Object.fromEntries(new URLSearchParams(String(init?.body ?? ''))) });
    return Response.json(body, { status });
  };
  const client = openTokenClient({
    plane,
    clientId: 'spiffe://zylos.local/db/agent',
    fetch,
    clock: { nowSeconds: () => 1_000 },
  });
  return { asked, client };
}

const given = { access_token: 'T1', token_type: 'Bearer', expires_in: 60, scope: 'files:read_file' };

test('a take presents the continuation and asks for one audience and exact scopes', async () => {
  const { asked, client } = planeAnswering(200, given);
  const token = await client.take({ continuation: 'C1', audience, scopes: ['files:read_file'], estimatedSeconds: 30 });
  assert.deepEqual(asked, [
    {
      url: plane.tokenUrl,
      form: {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        client_id: 'spiffe://zylos.local/db/agent',
        subject_token: 'C1',
        subject_token_type: 'urn:writ:params:oauth:token-type:continuation',
        requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        audience,
        scope: 'files:read_file',
        estimated_seconds: '30',
      },
    },
  ]);
  assert.deepEqual(token, { token: 'T1', audience, scopes: ['files:read_file'], expiresAt: 1_060, chain: null });
});

test('a renewal is a move of the own token with the audience and scopes it has', async () => {
  const { asked, client } = planeAnswering(200, { ...given, access_token: 'T2', scope: undefined });
  const old = { token: 'T1', audience, scopes: ['files:read_file'], expiresAt: 900, chain: null };
  const renewed = await client.renew(old);
  const { subject_token, subject_token_type, scope, audience: asked1 } = asked[0]!.form;
  assert.deepEqual(
    [subject_token, subject_token_type, asked1, scope],
    ['T1', 'urn:ietf:params:oauth:token-type:access_token', audience, 'files:read_file'],
  );
  assert.deepEqual([renewed.token, renewed.scopes], ['T2', ['files:read_file']]);
});

test('a move may narrow the scope and keeps the audience', async () => {
  const { asked, client } = planeAnswering(200, given);
  const token = { token: 'T1', audience, scopes: ['files:read_file', 'files:list'], expiresAt: 2_000, chain: null };
  await client.move({ token, scopes: ['files:list'] });
  assert.deepEqual([asked[0]!.form.scope, asked[0]!.form.audience], ['files:list', audience]);
});

test('a refusal is thrown as a DeniedError with the code of the plane', async () => {
  const says = 'A delegation may only narrow the scope.';
  const { client } = planeAnswering(400, {
    error: 'invalid_scope',
    error_description: says,
    code: 'token.scope_widened',
    decisionId: 'd7',
  });
  await assert.rejects(client.take({ continuation: 'C1', audience, scopes: ['files:write_file'] }), (error) => {
    assert.ok(error instanceof DeniedError);
    assert.deepEqual(
      [error.denial.code, error.denial.says, error.denial.decisionId],
      ['token.scope_widened', says, 'd7'],
    );
    return true;
  });
});

test('an outage is not a denial', async () => {
  const { client } = planeAnswering(503, { error: 'temporarily_unavailable', code: 'gateway.store_unreachable' });
  await assert.rejects(client.renew({ token: 'T', audience, scopes: [], expiresAt: 0, chain: null }), (error) => {
    assert.ok(error instanceof Error && !(error instanceof DeniedError));
    assert.match(error.message, /answered 503 to `\/oauth\/token`/);
    return true;
  });
});

for (const [what, answer] of [
  ['no token', { ...given, access_token: undefined }],
  ['another token type', { ...given, token_type: 'N_A' }],
  ['no life', { ...given, expires_in: 0 }],
] as const) {
  test(`an answer with ${what} is not taken for a token`, async () => {
    const { client } = planeAnswering(200, answer);
    await assert.rejects(client.take({ continuation: 'C1', audience, scopes: ['files:a'] }), /not a token/);
  });
}

test('the continuation of a task is fetched by its name, with nothing of the name left to be a path', async () => {
  const answer = { task: 'tsk_1/../2', subjectToken: 'C9', expires: '1970-01-01T01:00:00.000Z' };
  const { asked, client } = planeAnswering(200, answer);
  assert.deepEqual(await client.fetchContinuation('tsk_1/../2'), { token: 'C9', task: 'tsk_1/../2', expiresAt: 3_600 });
  assert.equal(asked[0]!.url, 'https://127.0.0.1:8443/oauth/tasks/tsk_1%2F..%2F2/continuation');
});

test('the continuation of another task is not accepted', async () => {
  const { client } = planeAnswering(200, { task: 'tsk_2', subjectToken: 'C9', expires: 5_000 });
  await assert.rejects(client.fetchContinuation('tsk_1'), /not a token/);
});
