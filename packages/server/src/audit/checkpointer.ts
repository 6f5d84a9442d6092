// When a checkpoint is due: soon after new records, but not more often than once per interval, and once more at the end.

import type { Published } from './publisher.ts';

export interface Checkpointer {
  /** Records are durable that the newest checkpoint does not cover. */
  wake(): void;
  newest(): Published;
  /** The first checkpoint that covers a record. Rejects when the log fails before. */
  covering(sequence: number): Promise<Published>;
  /** Ends the schedule, waits for what is under way, and rejects whoever still waits. */
  stop(reason: Error): Promise<void>;
}

export interface CheckpointerOptions {
  readonly clock: { nowMillis(): number };
  readonly intervalMillis: number;
  readonly newest: Published;
  /** Called once at a time. */
  readonly publish: () => Promise<Published>;
  readonly onError: (error: unknown) => void;
}

interface Waiter {
  readonly sequence: number;
  readonly done: PromiseWithResolvers<Published>;
}

export function checkpointer(options: CheckpointerOptions): Checkpointer {
  const { clock, intervalMillis, publish, onError } = options;
  let newest = options.newest;
  let publishedMillis = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let dirty = false;
  let stopped: Error | null = null;
  let waiters: Waiter[] = [];

  function wake(): void {
    dirty = true;
    if (timer || running || stopped) return;
    // Clamped on both sides, so that a clock that was set does not stop the schedule.
    const sinceMillis = Math.max(0, clock.nowMillis() - publishedMillis);
    timer = setTimeout(run, Math.max(0, intervalMillis - sinceMillis));
    // Only somebody who waits keeps a process alive; a checkpoint that a crash prevents is made at the next start.
    if (waiters.length === 0) timer.unref();
  }

  function run(): void {
    timer = null;
    dirty = false;
    running = publish()
      .then(accept, onError)
      .finally(() => {
        running = null;
        if (dirty) wake();
      });
  }

  function accept(published: Published): void {
    newest = published;
    publishedMillis = clock.nowMillis();
    for (const { sequence, done } of waiters) if (sequence < newest.size) done.resolve(newest);
    waiters = waiters.filter(({ sequence }) => sequence >= newest.size);
  }

  function covering(sequence: number): Promise<Published> {
    if (sequence < newest.size) return Promise.resolve(newest);
    if (stopped) return Promise.reject(stopped);
    const done = Promise.withResolvers<Published>();
    waiters.push({ sequence, done });
    timer?.ref();
    return done.promise;
  }

  async function stop(reason: Error): Promise<void> {
    stopped ??= reason;
    if (timer) clearTimeout(timer);
    timer = null;
    for (const { done } of waiters.splice(0)) done.reject(stopped);
    await running;
  }

  return { wake, newest: () => newest, covering, stop };
}
