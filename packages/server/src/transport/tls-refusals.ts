// Refusals before the spine, counted instead of written one by one (rules §1.7): one entry per reason, source and minute,
// and never more entries than the bound, so that nobody without an identity can fill the log.

import type { Denial, DenialCode } from '@writ/core';

export interface CountedRefusal {
  readonly code: DenialCode;
  /** Address without port; `other` for sources beyond the bound. */
  readonly source: string;
  /** Start of the minute, seconds since 1970. */
  readonly minuteSeconds: number;
  readonly count: number;
  /** The first of them, for its detail. */
  readonly first: Denial;
}

export interface RefusalCounter {
  count(refused: Denial, info: { readonly source: string }): void;
  /** Hands over the minutes that are over; with `all` the current one too, as when the plane stops. */
  flush(options?: { readonly all: boolean }): void;
}

export interface RefusalCounterOptions {
  readonly clock: { nowSeconds(): number };
  onCounted(counted: CountedRefusal): void;
  /** Distinct reasons and sources kept in one minute. Default: 1024. */
  readonly entriesMax?: number;
}

/** The caller's timer calls `flush` about once a minute. */
export function refusalCounter({ clock, onCounted, entriesMax = 1024 }: RefusalCounterOptions): RefusalCounter {
  const counts = new Map<string, { -readonly [Field in keyof CountedRefusal]: CountedRefusal[Field] }>();
  let minuteSeconds = minuteOf(clock.nowSeconds());

  function flush({ all } = { all: false }): void {
    const now = minuteOf(clock.nowSeconds());
    if (!all && now === minuteSeconds) return;
    const over = [...counts.values()];
    counts.clear();
    minuteSeconds = now;
    for (const counted of over) onCounted(counted);
  }

  return {
    flush,
    count(refused, { source }) {
      flush();
      const known = counts.has(`${refused.code} ${source}`);
      // `other` has room of its own: one entry per reason, and the reasons are few.
      const kept = known || counts.size < entriesMax ? source : 'other';
      const key = `${refused.code} ${kept}`;
      const counted = counts.get(key);
      if (counted !== undefined) counted.count += 1;
      else counts.set(key, { code: refused.code, source: kept, minuteSeconds, count: 1, first: refused });
    },
  };
}

function minuteOf(seconds: number): number {
  return seconds - (seconds % 60);
}
