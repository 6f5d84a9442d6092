import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  floorAfterTake,
  floorUsed,
  type Memory,
  memoryOf,
  type Remembering,
  type Residues,
  residueOf,
  startLevel,
  withForgotten,
  withReceived,
} from './floor.ts';
import { foreignLevel, isTainted, type Level } from './levels.ts';

const who = (memory: Memory, more: Partial<Remembering> = {}): Remembering => ({
  agent: 'mail/reader',
  memory,
  task: 'tsk_1',
  process: 'pid-1',
  ...more,
});

describe('residue', () => {
  const received = (memory: Memory): Residues => withReceived(new Map(), who(memory), 1);
  // What each kind of memory still holds: in the same task, in another task, in another process.
  const kinds: [Memory, same: Level, otherTask: Level, otherProcess: Level][] = [
    ['task', 1, 4, 1],
    ['none', 1, 1, 4],
    ['persistent', 1, 1, 1],
  ];
  for (const [memory, same, otherTask, otherProcess] of kinds) {
    test(`memory ${memory}`, () => {
      const residues = received(memory);
      assert.equal(residueOf(residues, who(memory)), same);
      assert.equal(residueOf(residues, who(memory, { task: 'tsk_2' })), otherTask);
      assert.equal(residueOf(residues, who(memory, { process: 'pid-2' })), otherProcess);
      assert.equal(residueOf(residues, who(memory, { agent: 'other/one' })), 4);
    });
  }

  test('a fresh task does not clean an agent that remembers', () => {
    assert.equal(floorUsed(3, residueOf(received('persistent'), who('persistent', { task: 'tsk_9' }))), 1);
  });

  test('is forgotten when an admin says so, and only for that agent', () => {
    const two = withReceived(received('persistent'), who('persistent', { agent: 'other/one' }), 0);
    const left = withForgotten(two, 'mail/reader');
    assert.equal(residueOf(left, who('persistent')), 4);
    assert.equal(residueOf(left, who('persistent', { agent: 'other/one' })), 0);
  });

  test('only sinks', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<Level>(0, 1, 2, 3, 4)), (levels) => {
        let residues: Residues = new Map();
        for (const level of levels) residues = withReceived(residues, who('task'), level);
        assert.equal(residueOf(residues, who('task')), Math.min(4, ...levels));
      }),
    );
  });

  test('names of agents and tasks cannot be put together into another place', () => {
    const odd = withReceived(new Map(), who('task', { agent: 'a', task: 'b/c' }), 0);
    assert.equal(residueOf(odd, who('task', { agent: 'a/b', task: 'c' })), 4);
  });
});

test('memory that nobody stated is persistent, and nothing of risk 3 and above runs', () => {
  assert.deepEqual(memoryOf(null), { memory: 'persistent', riskMax: 2 });
  assert.deepEqual(memoryOf('task'), { memory: 'task', riskMax: 5 });
});

test('an agent that reads past the gate starts tainted, and taking a task on taints it', () => {
  assert.equal(startLevel('gated'), 3);
  assert.equal(startLevel('open'), 1);
  assert.equal(floorAfterTake(3, startLevel('open')), 1);
  assert.equal(floorAfterTake(1, startLevel('gated')), 1);
  assert.equal(isTainted(1), true);
  assert.equal(isTainted(2), false);
});

test('labels of another trust domain are at most its ceiling and never the principal’s', () => {
  assert.equal(foreignLevel(3), 1);
  assert.equal(foreignLevel(3, 2), 2);
  assert.equal(foreignLevel(4, 4), 3);
  assert.equal(foreignLevel(0, 4), 0);
});
