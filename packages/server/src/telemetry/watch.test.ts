// Watching changes nothing about a call: what is returned and thrown stays what it was, and a fault of the watcher is its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Call, type Decision, denial, refusal } from '@writ/core';
import type { CallTrace, Course } from './types.ts';
import { createWatch } from './watch.ts';

const call = { decisionId: 'd-1', target: { kind: 'server', server: 'files', name: 'read' } } as unknown as Call;
const allowed = { id: 'd-1', outcome: 'allow', denial: null } as unknown as Decision;

function watching(trace: () => CallTrace | null = () => null, ended?: (course: Course) => void) {
  let now = 0;
  const courses: Course[] = [];
  const reported: unknown[] = [];
  const watch = createWatch({
    nowMillis: () => (now += 10),
    trace,
    ended: ended ?? ((course) => courses.push({ ...course })),
    report: (_what, error) => reported.push(error),
  });
  return { watch, courses, reported };
}

const exchange = (more: object = {}) => ({
  call,
  kept: 'as it was',
  forward: async (_decision: Decision) => 'reply',
  refuse: async (_decision: Decision) => {},
  release: async (_reply: string, _decision: Decision) => ({ state: 'complete', digest: 'd' }),
  ...more,
});

test('a call that goes well is seen at each of its moments', async () => {
  const { watch, courses } = watching();
  const watched = watch.around(exchange());
  assert.equal(watched.exchange.kept, 'as it was');
  watch.handed('d-1', { durable: Promise.resolve() });
  await Promise.resolve();
  assert.equal(await watched.exchange.forward(allowed), 'reply');
  assert.deepEqual(await watched.exchange.release('reply', allowed), { state: 'complete', digest: 'd' });
  watched.done();
  const { begun, judged, recorded, forwarded, answered, ended, answer } = courses[0]!;
  assert.deepEqual([begun, judged, recorded, forwarded, answered, ended], [10, 20, 30, 40, 50, 60]);
  assert.equal(answer, 'complete');
});

test('the last word about a call is what it is counted as', async () => {
  const { watch, courses } = watching();
  const unreachable = new Error('no answer');
  const watched = watch.around(exchange({ forward: () => Promise.reject(unreachable) }));
  await assert.rejects(watched.exchange.forward(allowed), unreachable);
  await watched.exchange.refuse(refusal('d-1', denial('gateway.upstream_unreachable')));
  watched.done();
  assert.equal(courses[0]!.decision!.denial!.code, 'gateway.upstream_unreachable');
});

test('a record that never becomes durable and a caller that is gone leave a course without them', async () => {
  const { watch, courses } = watching();
  const watched = watch.around(exchange());
  watch.handed('d-1', { durable: Promise.reject(new Error('disk')) });
  watch.handed('of nobody', { durable: Promise.resolve() });
  await Promise.resolve();
  watched.done();
  assert.deepEqual([courses[0]!.recorded, courses[0]!.decision], [null, null]);
});

test('a watcher that throws is reported, and the call is as it would be without it', async () => {
  const fault = () => {
    throw new Error('of the watcher');
  };
  const { watch, reported } = watching(fault, fault);
  const watched = watch.around(exchange());
  assert.equal(await watched.exchange.forward(allowed), 'reply');
  watched.done();
  assert.equal(reported.length, 2);
});
