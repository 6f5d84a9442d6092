// Which records share a flush. What a flush is worth on disk is log.test.ts and crash-check.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeEngine } from '@writ/core/node';
import { AuditUnavailable } from './errors.ts';
import { event } from './fixture.ts';
import { type AuditEntry, groupCommit } from './group-commit.ts';

/** A disk that is written when the test says so. */
function commitTo(fails = false) {
  const flushes: number[] = [];
  const durable: AuditEntry[] = [];
  const waiting: (() => void)[] = [];
  let held = false;
  const commit = groupCommit({
    engine: nodeEngine,
    from: 0,
    async write(frames) {
      if (fails) throw new Error('no disk');
      if (held) await new Promise<void>((resolve) => waiting.push(resolve));
      flushes.push(frames.length);
    },
    onDurable: (entries) => durable.push(...entries),
    queuedBytesMax: 2 ** 20,
  });
  return {
    commit,
    flushes,
    durable,
    hold: () => {
      held = true;
    },
    letGo: () => {
      held = false;
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}

test('a record that nobody waits for goes along with the next that somebody does, in its place', async () => {
  const { commit, flushes, durable } = commitTo();
  const outcome = commit.append(event(0), 'soon');
  const decision = commit.append(event(1));
  await decision.durable;
  await outcome.durable;
  assert.deepEqual(flushes, [2]);
  assert.deepEqual(
    durable.map(({ sequence }) => sequence),
    [0, 1],
  );
});

test('alone it has a flush of its own before long', async () => {
  const { commit, flushes } = commitTo();
  await commit.append(event(0), 'soon').durable;
  assert.deepEqual(flushes, [1]);
  await commit.append(event(1), 'soon').durable;
  assert.deepEqual(flushes, [1, 1]);
});

test('while a flush is under way it is in the next one', async () => {
  const { commit, flushes, hold, letGo } = commitTo();
  hold();
  const first = commit.append(event(0));
  await new Promise((resolve) => setImmediate(resolve));
  const rest = [commit.append(event(1), 'soon'), commit.append(event(2), 'soon')];
  letGo();
  await Promise.all([first, ...rest].map(({ durable }) => durable));
  assert.deepEqual(flushes, [1, 2]);
});

test('idle means written, also for what nobody waits for', async () => {
  const { commit, durable } = commitTo();
  commit.append(event(0), 'soon');
  await commit.idle();
  assert.equal(durable.length, 1);
  assert.equal(commit.durable(), 1);
});

test('a disk that fails refuses it like any other, and all that come after', async () => {
  const { commit } = commitTo(true);
  await assert.rejects(commit.append(event(0), 'soon').durable, AuditUnavailable);
  assert.throws(() => commit.append(event(1), 'soon'), AuditUnavailable);
});
