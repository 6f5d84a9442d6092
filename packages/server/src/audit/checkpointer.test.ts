import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkpointer } from './checkpointer.ts';
import type { Published } from './publisher.ts';

const published = (size: number): Published => ({ size, root: new Uint8Array(32), note: new Uint8Array(0) });

/** A checkpointer whose publications the test completes, over a log whose size it sets. */
function setup(intervalMillis: number) {
  const state = { size: 0, started: 0, nowMillis: 0, errors: [] as unknown[] };
  let release: PromiseWithResolvers<void> = Promise.withResolvers();
  const schedule = checkpointer({
    clock: { nowMillis: () => state.nowMillis },
    intervalMillis,
    newest: published(0),
    async publish() {
      state.started += 1;
      const { size } = state;
      await release.promise;
      release = Promise.withResolvers();
      return published(size);
    },
    onError: (error) => state.errors.push(error),
  });
  return { state, schedule, complete: () => release.resolve(), break: (error: Error) => release.reject(error) };
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.ok(condition());
}

test('records that arrive during a publication get one of their own', async () => {
  const { state, schedule, complete } = setup(0);
  state.size = 3;
  schedule.wake();
  const first = schedule.covering(2);
  await until(() => state.started === 1);
  state.size = 5;
  schedule.wake();
  const second = schedule.covering(4);
  complete();
  assert.equal((await first).size, 3);
  await until(() => state.started === 2);
  complete();
  assert.equal((await second).size, 5);
  assert.equal(schedule.newest().size, 5);
});

test('within the interval nothing is published twice, even when the clock is set back', async () => {
  const { state, schedule, complete } = setup(60_000);
  state.nowMillis = 1_000_000;
  state.size = 1;
  schedule.wake();
  complete();
  await schedule.covering(0);
  state.nowMillis = 0;
  state.size = 2;
  schedule.wake();
  const waiting = schedule.covering(1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(state.started, 1);
  const stopped = new Error('closed');
  const rejected = assert.rejects(waiting, stopped);
  await schedule.stop(stopped);
  await rejected;
  await assert.rejects(schedule.covering(1), stopped);
  assert.equal((await schedule.covering(0)).size, 1);
});
