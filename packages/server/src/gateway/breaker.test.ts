// A callee that does not answer is left alone, and comes back by one call.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBreaker } from './breaker.ts';
import { UpstreamError } from './exchange.ts';

const silence = () => new UpstreamError('silence', { silence: true });

function stage() {
  const time = { millis: 1 };
  const said: string[] = [];
  const asked: PromiseWithResolvers<void>[] = [];
  const options = { callee: 's', monotonicMillis: () => time.millis, failuresMax: 2, pauseMillis: 100 };
  const breaker = createBreaker({ ...options, say: (sentence) => void said.push(sentence) });
  const ask = (signal: AbortSignal | null = null) =>
    breaker.guard(() => {
      asked.push(Promise.withResolvers());
      return asked.at(-1)!.promise;
    }, signal);
  const fail = async (error: Error = silence(), signal: AbortSignal | null = null) => {
    const sent = ask(signal);
    asked.at(-1)!.reject(error);
    await assert.rejects(sent);
  };
  return { time, said, asked, breaker, ask, fail };
}

test('after silences in a row nobody is sent there until the pause is over, and then one', async () => {
  const { time, said, asked, breaker, ask, fail } = stage();
  await fail();
  await fail();
  assert.equal(breaker.isOpen(), true);
  await assert.rejects(ask(), /left alone/);
  assert.equal(asked.length, 2);
  time.millis += 100;
  const first = ask();
  await assert.rejects(ask(), /left alone/, 'one tries, the others do not');
  asked.at(-1)!.resolve();
  await first;
  const next = ask();
  asked.at(-1)!.resolve();
  await next;
  assert.deepEqual([said.length, breaker.isOpen()], [2, false]);
});

test('a try that fails doubles the pause', async () => {
  const { time, asked, ask, fail } = stage();
  await fail();
  await fail();
  time.millis += 100;
  await fail();
  time.millis += 199;
  await assert.rejects(ask(), /left alone/);
  assert.equal(asked.length, 3);
  time.millis += 1;
  await fail();
  assert.equal(asked.length, 4);
});

test('calls that were under way when it opened do not lengthen the pause', async () => {
  const { time, said, asked, ask } = stage();
  const all = Array.from({ length: 8 }, () => ask());
  for (const one of asked) one.reject(silence());
  await Promise.allSettled(all);
  assert.equal(said.length, 1);
  time.millis += 100;
  void ask().catch(() => {});
  assert.equal(asked.length, 9, 'the first pause is over');
  asked.at(-1)!.reject(silence());
});

test('what is no silence of the callee counts for nothing', async () => {
  const { asked, ask, fail } = stage();
  const gone = AbortSignal.abort();
  for (let i = 0; i < 3; i++) {
    await fail(new UpstreamError('no credential', { code: 'action.credential_missing' }));
    await fail(new UpstreamError('it refused the credential: HTTP 401'));
    await fail(new Error('ours'));
    await fail(silence(), gone);
  }
  await fail();
  const sent = ask();
  asked.at(-1)!.resolve();
  await sent;
});
