// A server that does not answer is left alone, and comes back by one call.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withBreaker } from './breaker.ts';
import { UpstreamError } from './exchange.ts';
import type { Outbound, Upstream, UpstreamReply } from './mcp/upstream.ts';

const request = {} as Outbound;
const behalf = { key: 'k', root: null, task: null };

function stage() {
  const time = { millis: 1 };
  const said: string[] = [];
  const asked: PromiseWithResolvers<UpstreamReply>[] = [];
  const upstream = {
    send: () => {
      asked.push(Promise.withResolvers<UpstreamReply>());
      return asked.at(-1)!.promise;
    },
  } as unknown as Upstream;
  const options = { server: 's', monotonicMillis: () => time.millis, failuresMax: 2, pauseMillis: 100 };
  const guarded = withBreaker(upstream, { ...options, say: (sentence) => void said.push(sentence) });
  const fail = async (error: Error = new UpstreamError('silence'), signal: AbortSignal | null = null) => {
    const sent = guarded.send(request, behalf, signal);
    asked.at(-1)!.reject(error);
    await assert.rejects(sent);
  };
  return { time, said, asked, guarded, fail };
}

test('after failures in a row nobody is sent there until the pause is over, and then one', async () => {
  const { time, said, asked, guarded, fail } = stage();
  await fail();
  await fail();
  await assert.rejects(guarded.send(request, behalf, null), /left alone/);
  assert.equal(asked.length, 2);
  time.millis += 100;
  const first = guarded.send(request, behalf, null);
  await assert.rejects(guarded.send(request, behalf, null), /left alone/, 'one tries, the others do not');
  asked.at(-1)!.resolve({} as UpstreamReply);
  await first;
  const next = guarded.send(request, behalf, null);
  asked.at(-1)!.resolve({} as UpstreamReply);
  await next;
  assert.deepEqual(said.length, 2);
});

test('a try that fails doubles the pause', async () => {
  const { time, asked, guarded, fail } = stage();
  await fail();
  await fail();
  time.millis += 100;
  await fail();
  time.millis += 199;
  await assert.rejects(guarded.send(request, behalf, null), /left alone/);
  assert.equal(asked.length, 3);
  time.millis += 1;
  await fail();
  assert.equal(asked.length, 4);
});

test('what is no silence of the server counts for nothing', async () => {
  const { asked, guarded, fail } = stage();
  const gone = AbortSignal.abort();
  for (let i = 0; i < 3; i++) {
    await fail(new UpstreamError('no credential', { code: 'action.credential_missing' }));
    await fail(new UpstreamError('the caller left'), gone);
  }
  await fail();
  const sent = guarded.send(request, behalf, null);
  asked.at(-1)!.resolve({} as UpstreamReply);
  await sent;
});
