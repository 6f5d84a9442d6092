import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLaunchRegistry, type LaunchToAdd } from './launch-registry.ts';
import type { ProcessRef } from './observe.ts';

const ref = (pid: number, startTicks = pid): ProcessRef => ({ pid, startTicks });

/** Processes that live and die as the test says, with a count of holds that were not given back. */
function world() {
  const dead = new Set<number>();
  let open = 0;
  const hold = (pid: number) => {
    let held = true;
    open++;
    const close = () => {
      if (held) open--;
      held = false;
    };
    return { pid, isAlive: () => held && !dead.has(pid), close };
  };
  const launchOf = (agent: string, pid: number, change: Partial<LaunchToAdd> = {}): LaunchToAdd => {
    const launch = { agent, uid: 5, process: ref(pid), runner: ref(1), adopts: false, sinceSeconds: 0, ...change };
    return { ...launch, processHandle: hold(launch.process.pid), runnerHandle: hold(launch.runner.pid) };
  };
  return { dead, launchOf, openHolds: () => open };
}

test('a launch covers its process and everything below, and nothing beside or above', () => {
  const { launchOf } = world();
  const registry = createLaunchRegistry();
  assert.equal(registry.add(launchOf('a', 10)), null);
  assert.equal(registry.find([ref(10), ref(1)])?.agent, 'a');
  assert.equal(registry.find([ref(12), ref(11), ref(10), ref(1)])?.agent, 'a');
  assert.equal(registry.find([ref(13), ref(1)]), null);
  assert.equal(registry.find([ref(1)]), null);
});

test('a later process with the same number is not covered', () => {
  const { launchOf } = world();
  const registry = createLaunchRegistry();
  registry.add(launchOf('a', 10));
  assert.equal(registry.find([ref(10, 99), ref(1)]), null);
  assert.equal(registry.isInsideLaunchedTree([ref(10, 99), ref(1)]), false);
});

test('a launch ends with its process, and its holds are given back', () => {
  const { dead, launchOf, openHolds } = world();
  const registry = createLaunchRegistry();
  registry.add(launchOf('a', 10));
  dead.add(10);
  assert.equal(registry.find([ref(11), ref(10), ref(1)]), null);
  assert.deepEqual(registry.list(), []);
  assert.equal(openHolds(), 0);
});

test('an orphan under a runner that adopts is the runner’s one agent', () => {
  const { dead, launchOf, openHolds } = world();
  const registry = createLaunchRegistry();
  registry.add(launchOf('a', 10, { adopts: true }));
  assert.equal(registry.find([ref(12), ref(1)])?.agent, 'a');
  assert.equal(registry.find([ref(1), ref(0)]), null, 'the runner itself is nobody');
  assert.equal(registry.isInsideLaunchedTree([ref(1), ref(0)]), false);
  dead.add(10);
  assert.equal(registry.find([ref(12), ref(1)]), null);
  assert.equal(registry.isInsideLaunchedTree([ref(12), ref(1)]), true, 'an orphan of an ended launch may not launch');
  dead.add(1);
  assert.equal(registry.isInsideLaunchedTree([ref(12), ref(1)]), false);
  assert.equal(openHolds(), 0);
});

test('a runner that carries the calls of its tree is covered by the launch, and may still launch (rules §1.2)', () => {
  const { dead, launchOf } = world();
  const registry = createLaunchRegistry();
  registry.add(launchOf('a', 10, { adopts: true, sidecar: { inbound: null } }));
  assert.equal(registry.find([ref(1), ref(0)])?.agent, 'a');
  assert.equal(registry.find([ref(0)]), null, 'who started it stays nobody');
  assert.equal(registry.find([ref(20), ref(0)]), null, 'and so does what stands beside it');
  assert.equal(registry.isInsideLaunchedTree([ref(1), ref(0)]), false);
  dead.add(10);
  assert.equal(registry.find([ref(1), ref(0)]), null, 'its identity ends with the tree');
});

test('an orphan under a parent of several launches is nobody', () => {
  const { launchOf } = world();
  const registry = createLaunchRegistry();
  registry.add(launchOf('a', 10));
  registry.add(launchOf('b', 11));
  assert.equal(registry.find([ref(12), ref(1)]), null);
});

test('a runner that adopts launches one agent only, whichever comes first', () => {
  for (const [first, second] of [
    [true, false],
    [false, true],
    [true, true],
  ]) {
    const { launchOf, openHolds } = world();
    const registry = createLaunchRegistry();
    assert.equal(registry.add(launchOf('a', 10, { adopts: first! })), null);
    assert.match(registry.add(launchOf('b', 11, { adopts: second! }))!, /launches one agent only/);
    assert.equal(registry.find([ref(11), ref(1)])?.agent, first ? 'a' : undefined);
    assert.equal(openHolds(), 2);
  }
});

test('the same process again is the same launch, and as another agent a refusal', () => {
  const { launchOf, openHolds } = world();
  const registry = createLaunchRegistry();
  registry.add(launchOf('a', 10));
  assert.equal(registry.add(launchOf('a', 10)), null);
  assert.match(registry.add(launchOf('b', 10))!, /already launched as `a`/);
  assert.match(registry.add(launchOf('a', 10, { runner: ref(2) }))!, /already launched as `a`/);
  assert.equal(registry.list().length, 1);
  assert.equal(openHolds(), 2);
  registry.close();
  assert.equal(openHolds(), 0);
});

test('a process that ended while it was registered is no launch', () => {
  const { dead, launchOf, openHolds } = world();
  const registry = createLaunchRegistry();
  dead.add(10);
  assert.match(registry.add(launchOf('a', 10))!, /ended before/);
  assert.equal(openHolds(), 0);
});
