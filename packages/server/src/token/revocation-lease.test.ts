import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openSqliteForTest, systemClock } from '../store/testing.ts';
import { openRevocationLease } from './revocation-lease.ts';

async function open(t: TestContext) {
  const store = await openSqliteForTest(t);
  const time = { millis: 0, readMillis: 0 };
  let down = false;
  const revocations = {
    ...store.revocations,
    since: async (sequence: number) => {
      if (down) throw new Error('the store is gone');
      const found = await store.revocations.since(sequence);
      time.millis += time.readMillis;
      return found;
    },
  };
  const clock = { seconds: systemClock.nowSeconds(), nowSeconds: () => clock.seconds };
  const reported: string[] = [];
  const options = {
    store: { revocations },
    clock,
    monotonicMillis: () => time.millis,
    report: (what: string) => void reported.push(what),
    everyMillis: 3_600_000, // read only when the test says so
  };
  const lease = await openRevocationLease(options);
  t.after(() => lease.stop());
  const setDown = (value: boolean) => {
    down = value;
  };
  return { store, lease, time, clock, reported, setDown };
}

test('what is known is good for 500 ms of a clock that never goes back, and then for nothing', async (t) => {
  const { lease, time } = await open(t);
  time.millis = 500;
  assert.equal(lease.view().fresh, true);
  assert.equal(lease.changedSince(0), false);
  time.millis = 501;
  assert.equal(lease.view().fresh, false);
  assert.equal(lease.changedSince(0), true, 'nobody can say, so something may have changed');
});

test('a withdrawal is seen with the next reading, and told to whoever listens', async (t) => {
  const { store, lease } = await open(t);
  const heard: number[] = [];
  const stop = lease.subscribe((view) => heard.push(view.sequence));
  const before = lease.view();
  await store.revocations.add([
    { kind: 'row', value: 'r', untilSeconds: null },
    { kind: 'task', value: 't', untilSeconds: null },
    { kind: 'user', value: 'issuer howard', untilSeconds: null },
    { kind: 'agent', value: 'spiffe://zylos.local/db/agent', untilSeconds: null },
  ]);
  await lease.refresh();
  const view = lease.view();
  assert.deepEqual(
    [view.rows, view.tasks, view.users, view.agents].map((set) => [...set]),
    [['r'], ['t'], ['issuer howard'], ['spiffe://zylos.local/db/agent']],
  );
  assert.equal(lease.changedSince(before.sequence), true);
  assert.equal(lease.changedSince(view.sequence), false);
  assert.deepEqual([...before.rows], [], 'a decision keeps the view it was judged with');
  assert.deepEqual(heard, [4]);
  stop();
  await store.revocations.add([{ kind: 'row', value: 'r2', untilSeconds: null }]);
  await lease.refresh();
  assert.deepEqual(heard, [4]);
});

test('a reading that began before a withdrawal does not count as having seen it', async (t) => {
  const { store, lease } = await open(t);
  const early = lease.refresh();
  await store.revocations.add([{ kind: 'row', value: 'r', untilSeconds: null }]);
  await Promise.all([early, lease.refresh(), lease.refresh()]);
  assert.ok(lease.view().rows.has('r'));
});

test('a slow reading is as old as its question, not as its answer', async (t) => {
  const { lease, time } = await open(t);
  time.readMillis = 400;
  await lease.refresh();
  assert.equal(lease.view().fresh, true);
  time.millis += 101;
  assert.equal(lease.view().fresh, false);
});

test('a store that cannot be read lets the lease run out, and its return restores it', async (t) => {
  const { lease, time, reported, setDown } = await open(t);
  setDown(true);
  time.millis = 400;
  await lease.ensure();
  assert.deepEqual(reported, ['revocations']);
  await assert.rejects(lease.refresh());
  assert.equal(lease.view().fresh, true);
  time.millis = 900;
  assert.equal(lease.view().fresh, false);
  setDown(false);
  await lease.ensure();
  assert.equal(lease.view().fresh, true);
});

test('asking again is spared while what is known is young', async (t) => {
  const { store, lease, time } = await open(t);
  await store.revocations.add([{ kind: 'row', value: 'r', untilSeconds: null }]);
  time.millis = 200;
  await lease.ensure();
  assert.equal(lease.view().rows.size, 0);
  time.millis = 251;
  await lease.ensure();
  assert.equal(lease.view().rows.size, 1);
});

test('what ended long ago is forgotten', async (t) => {
  const { store, lease, clock } = await open(t);
  await store.revocations.add([{ kind: 'row', value: 'r', untilSeconds: clock.seconds + 60 }]);
  await lease.refresh();
  assert.equal(lease.view().rows.size, 1);
  clock.seconds += 60 + 3_600;
  await store.revocations.add([{ kind: 'row', value: 'r2', untilSeconds: null }]);
  await lease.refresh();
  assert.deepEqual([...lease.view().rows], ['r2']);
});
