import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeniedError } from './denied.ts';
import type { TakeRequest, Token } from './token.ts';
import { openTokenCache } from './token-cache.ts';

const request: TakeRequest = { continuation: 'C1', audience: 'https://g/mcp/files', scopes: ['files:a', 'files:b'] };

function setting(entriesMax?: number) {
  const clock = { seconds: 0, nowSeconds: () => clock.seconds };
  const log: string[] = [];
  let count = 0;
  let refusal: Error | null = null;
  const give = async ({ audience, scopes }: { audience: string; scopes: readonly string[] }): Promise<Token> => {
    await Promise.resolve();
    if (refusal) throw refusal;
    return { token: `T${++count}`, audience, scopes, expiresAt: clock.seconds + 100, chain: null };
  };
  const client = {
    take(asked: TakeRequest) {
      log.push(`take ${asked.scopes.join(' ')}`);
      return give(asked);
    },
    async renew(token: Token, estimatedSeconds?: number) {
      log.push(`renew ${token.token}${estimatedSeconds === undefined ? '' : ` for ${estimatedSeconds} s`}`);
      return give(token);
    },
  };
  const refuseWith = (error: Error | null) => {
    refusal = error;
  };
  const cache = openTokenCache({ client, clock, ...(entriesMax === undefined ? {} : { entriesMax }) });
  return { cache, clock, log, client, refuseWith };
}

function denied(code: string): DeniedError {
  return new DeniedError({ code, says: '', decisionId: null, approvalUrl: null, scopesNeeded: [] });
}

test('calls that want the same token at once share one question', async () => {
  const { cache, log } = setting();
  const reordered = { ...request, scopes: ['files:b', 'files:a'] };
  const tokens = await Promise.all([cache.obtain(request), cache.obtain(reordered), cache.obtain(request)]);
  assert.deepEqual([tokens.map(({ token }) => token), log.length], [['T1', 'T1', 'T1'], 1]);
});

test('another continuation, audience, scope or estimate is another token', async () => {
  const { cache, log } = setting();
  await cache.obtain(request);
  for (const other of [
    { continuation: 'C2' },
    { audience: 'https://g/mcp/mail' },
    { scopes: ['files:a'] },
    { estimatedSeconds: 5 },
  ]) {
    await cache.obtain({ ...request, ...other });
  }
  assert.equal(log.length, 5);
});

test('a token is renewed before its end, once for all who notice', async () => {
  const { cache, clock, log } = setting();
  await cache.obtain(request);
  clock.seconds = 79;
  assert.equal((await cache.obtain(request)).token, 'T1');
  clock.seconds = 80;
  const tokens = await Promise.all([cache.obtain(request), cache.obtain(request)]);
  assert.deepEqual(
    tokens.map(({ token }) => token),
    ['T2', 'T2'],
  );
  assert.deepEqual(log.slice(1), ['renew T1']);
});

test('a renewal is for as long as the first token was', async () => {
  const { cache, clock, log } = setting();
  const brief = { ...request, estimatedSeconds: 5 };
  await cache.obtain(brief);
  clock.seconds = 80;
  await cache.obtain(brief);
  assert.deepEqual(log.slice(1), ['renew T1 for 5 s']);
});

test('a token refused as expired is replaced once, however many calls come back with it', async () => {
  const { cache, log } = setting();
  const old = await cache.obtain(request);
  const [first, second] = await Promise.all([cache.replace(request, old), cache.replace(request, old)]);
  const late = await cache.replace(request, old);
  assert.deepEqual([first.token, second.token, late.token], ['T2', 'T2', 'T2']);
  assert.deepEqual(log.slice(1), ['renew T1']);
});

test('where the link has ended a new one is taken from the continuation', async () => {
  const { cache, client, log } = setting();
  const old = await cache.obtain(request);
  client.renew = async () => Promise.reject(denied('token.expired'));
  assert.equal((await cache.replace(request, old)).token, 'T2');
  assert.deepEqual(log, ['take files:a files:b', 'take files:a files:b']);
});

test('a withdrawn token is not replaced by a new one', async () => {
  const { cache, client, log } = setting();
  const old = await cache.obtain(request);
  client.renew = async () => Promise.reject(denied('token.revoked'));
  await assert.rejects(cache.replace(request, old), { name: 'DeniedError' });
  assert.equal(log.length, 1);
});

test('a refusal is not kept: the next call asks again', async () => {
  const { cache, refuseWith } = setting();
  refuseWith(denied('token.scope_widened'));
  await assert.rejects(cache.obtain(request), { name: 'DeniedError' });
  refuseWith(null);
  assert.equal((await cache.obtain(request)).token, 'T1');
});

test('a forgotten token is asked for anew, and only that token is forgotten', async () => {
  const { cache } = setting();
  const first = await cache.obtain(request);
  cache.forget(request, { ...first, token: 'another' });
  await Promise.resolve();
  assert.equal((await cache.obtain(request)).token, 'T1');
  cache.forget(request, first);
  await Promise.resolve();
  assert.equal((await cache.obtain(request)).token, 'T2');
});

test('the number of tokens is bounded, and the one left alone longest goes first', async () => {
  const { cache, log } = setting(2);
  const [a, b, c] = [['files:a'], ['files:b'], ['files:c']].map((scopes) => ({
    ...request,
    scopes,
  })) as readonly TakeRequest[] as [TakeRequest, TakeRequest, TakeRequest];
  await cache.obtain(a);
  await cache.obtain(b);
  await cache.obtain(a);
  await cache.obtain(c);
  log.length = 0;
  await cache.obtain(a);
  await cache.obtain(c);
  assert.deepEqual(log, []);
  await cache.obtain(b);
  assert.deepEqual(log, ['take files:b']);
});
