import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { authority, openOwnTasks } from './authority.ts';
import { type CallContext, currentContext, withContext } from './context.ts';

const serving = (continuation: string | null): CallContext => ({
  continuation,
  task: null,
  traceparent: null,
  caller: null,
  denial: null,
});
const own = (task: string) => ({ task, token: `C-${task}`, expiresAt: 0 });

test('a call made while serving another goes on that one’s authority, not on the own task', () => {
  const tasks = openOwnTasks();
  tasks.open(own('mine'));
  assert.equal(
    withContext(serving('C-theirs'), () => authority(tasks)),
    'C-theirs',
  );
  assert.equal(authority(tasks), 'C-mine');
});

test('serving a call without context gives no authority, and the own task does not stand in', () => {
  const tasks = openOwnTasks();
  tasks.open(own('mine'));
  assert.throws(() => withContext(serving(null), () => authority(tasks)), { message: /^token\.missing/ });
});

test('outside any call the one open task is used; none and several are refused', () => {
  const tasks = openOwnTasks();
  assert.throws(() => authority(tasks), { message: /^token\.missing/ });
  tasks.open(own('a'));
  tasks.open(own('a'));
  assert.equal(authority(tasks), 'C-a');
  tasks.open(own('b'));
  assert.throws(() => authority(tasks), { message: /^token\.ambiguous/ });
  tasks.close('a');
  assert.equal(authority(tasks), 'C-b');
});

test('calls served at once never lend each other authority, through timers, promises and generators', async () => {
  const tasks = openOwnTasks();
  async function* steps() {
    for (let step = 0; step < 5; step++) {
      await sleep(step % 3);
      yield authority(tasks);
    }
  }
  const serve = (name: string) =>
    withContext(serving(name), async () => {
      const seen = new Set<string>();
      for await (const used of steps()) seen.add(used);
      await Promise.all([1, 2].map(async () => sleep(1).then(() => seen.add(authority(tasks)))));
      return [...seen];
    });
  const names = Array.from({ length: 50 }, (_, at) => `C${at}`);
  assert.deepEqual(
    await Promise.all(names.map(serve)),
    names.map((name) => [name]),
  );
  assert.equal(currentContext(), null);
});
