// The launches that live: which process tree is which agent (rules §1.1). Kept in memory only, because a launch is a
// hold on a living process; after a restart of the plane `writ run` registers again.

import type { LaunchSidecar } from './launch-protocol.ts';
import type { ProcessRef } from './observe.ts';
import type { ProcessHandle } from './peercred.ts';

/** One launched process, and the `writ run` (or other parent) that registered it. */
export interface Launch {
  readonly agent: string;
  readonly uid: number;
  readonly process: ProcessRef;
  readonly runner: ProcessRef;
  /** The runner is the subreaper of this one tree: what comes back to it as an orphan still belongs to the launch. */
  readonly adopts: boolean;
  /** The runner carries the calls of the launch, so the launch covers it as well. */
  readonly sidecar?: LaunchSidecar | null;
  readonly sinceSeconds: number;
}

/** A launch with its holds on both processes. The registry closes them from here on. */
export interface LaunchToAdd extends Launch {
  readonly processHandle: ProcessHandle;
  readonly runnerHandle: ProcessHandle;
}

export interface LaunchRegistry {
  /** Null, or the sentence why not; the holds are closed then. The same process again is no second launch. */
  add(launch: LaunchToAdd): string | null;
  /** The live launch that covers the first process of an ancestry, or null. */
  find(ancestry: readonly ProcessRef[]): Launch | null;
  /** True below a launched process and below a runner that adopts, also while only orphans are left of the tree. */
  isInsideLaunchedTree(ancestry: readonly ProcessRef[]): boolean;
  /** Launches whose process lives. */
  list(): readonly Launch[];
  close(): void;
}

export function createLaunchRegistry(): LaunchRegistry {
  const held = new Map<string, LaunchToAdd>();

  /** An ended launch is kept while its runner can still adopt orphans of it: those are nobody, but inside the tree. */
  const prune = () => {
    for (const [key, launch] of held) {
      if (launch.processHandle.isAlive() || (launch.adopts && launch.runnerHandle.isAlive())) continue;
      release(launch);
      held.delete(key);
    }
  };
  const withRunner = (runner: ProcessRef) => [...held.values()].filter((launch) => same(launch.runner, runner));

  return {
    add(launch) {
      prune();
      const key = keyOf(launch.process);
      const problem = problemOf(launch, held.get(key), withRunner(launch.runner));
      if (problem !== null) {
        release(launch);
        return problem;
      }
      const before = held.get(key);
      if (before) release(before);
      held.set(key, launch);
      return null;
    },
    find(ancestry) {
      prune();
      for (const [depth, ancestor] of ancestry.entries()) {
        const launched = held.get(keyOf(ancestor));
        if (launched) return launched.processHandle.isAlive() ? launched : null;
        // The runner itself is nobody, unless it said that it is the sidecar of its tree.
        const adopting = withRunner(ancestor).find(({ adopts, sidecar }) => adopts && (depth > 0 || sidecar));
        if (adopting) return adopting.processHandle.isAlive() ? adopting : null;
      }
      return null;
    },
    isInsideLaunchedTree(ancestry) {
      prune();
      return ancestry.some(
        (ancestor, depth) =>
          held.has(keyOf(ancestor)) || (depth > 0 && withRunner(ancestor).some(({ adopts }) => adopts)),
      );
    },
    list() {
      prune();
      return [...held.values()].filter(({ processHandle }) => processHandle.isAlive());
    },
    close() {
      for (const launch of held.values()) release(launch);
      held.clear();
    },
  };
}

function problemOf(launch: LaunchToAdd, before: Launch | undefined, siblings: readonly Launch[]): string | null {
  if (!launch.processHandle.isAlive() || !launch.runnerHandle.isAlive())
    return 'the process ended before it was registered';
  if (before && (before.agent !== launch.agent || before.uid !== launch.uid || !same(before.runner, launch.runner))) {
    return `the process is already launched as \`${before.agent}\``;
  }
  // An orphan under a parent of several launches could be any of theirs.
  const others = siblings.filter(({ process }) => !same(process, launch.process));
  if (others.some(({ adopts }) => adopts || launch.adopts)) {
    return 'a parent that adopts orphans launches one agent only; start another `writ run`';
  }
  return null;
}

function release(launch: LaunchToAdd): void {
  launch.processHandle.close();
  launch.runnerHandle.close();
}

function same(a: ProcessRef, b: ProcessRef): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks;
}

function keyOf({ pid, startTicks }: ProcessRef): string {
  return `${pid}:${startTicks}`;
}
