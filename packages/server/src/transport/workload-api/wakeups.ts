// When an open stream looks again: at a time, or because something changed. Never a queue: a stream that was busy
// meanwhile finds out once, and reads the present state then.

export interface Wakeups {
  /** Counts changes. Taken before the state is read, it makes a change in between impossible to miss. */
  generation(): number;
  /** Something changed: every stream looks again. */
  wakeAll(): void;
  /** Until the clock reaches `atSeconds`, the generation is no longer `seen`, or the signal aborts. */
  sleep(atSeconds: number, seen: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/**
 * One timer for all streams. It looks at the clock every `lookMillis` instead of sleeping until a time, because a
 * machine that slept, or a clock that was set, would make one long timer ring at the wrong moment.
 */
export function createWakeups(clock: { nowSeconds(): number }, lookMillis: number): Wakeups {
  let generation = 0;
  const sleepers = new Set<{ readonly atSeconds: number; wake(): void }>();
  const timer = setInterval(() => {
    const now = clock.nowSeconds();
    for (const sleeper of sleepers) if (now >= sleeper.atSeconds) sleeper.wake();
  }, lookMillis);
  timer.unref();

  return {
    generation: () => generation,
    wakeAll() {
      generation++;
      for (const sleeper of sleepers) sleeper.wake();
    },
    sleep: (atSeconds, seen, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          sleepers.delete(sleeper);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { atSeconds, wake };
        if (signal.aborted || generation !== seen || clock.nowSeconds() >= atSeconds) return resolve();
        sleepers.add(sleeper);
        signal.addEventListener('abort', wake, { once: true });
      }),
    close() {
      clearInterval(timer);
      for (const sleeper of sleepers) sleeper.wake();
    },
  };
}
