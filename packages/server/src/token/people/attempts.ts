// How often somebody may try. A try is taken before the password is looked at, so that many at once count as many.

export interface Attempts {
  /** 0: go on. Else the seconds until the next try. */
  take(key: string): number;
  /** It was no guess. */
  giveBack(key: string): void;
}

export interface AttemptLimits {
  /** Tries in a row. */
  readonly tries: number;
  /** Then one more each so many seconds. */
  readonly refillSeconds: number;
  readonly keysMax?: number;
}

export function createAttempts(limits: AttemptLimits, nowSeconds: () => number): Attempts {
  const { tries, refillSeconds, keysMax = 10_000 } = limits;
  /** Key → when its tries would all be back. In the order of last use, so that the first one is the one to forget. */
  const fullAt = new Map<string, number>();

  function set(key: string, seconds: number): void {
    fullAt.delete(key);
    if (seconds <= nowSeconds()) return;
    fullAt.set(key, seconds);
    if (fullAt.size > keysMax) fullAt.delete(fullAt.keys().next().value!);
  }

  return {
    take(key) {
      const now = nowSeconds();
      const after = Math.max(fullAt.get(key) ?? now, now) + refillSeconds;
      const excess = after - (now + tries * refillSeconds);
      if (excess > 0) return excess;
      set(key, after);
      return 0;
    },
    giveBack(key) {
      const at = fullAt.get(key);
      if (at !== undefined) set(key, at - refillSeconds);
    },
  };
}
