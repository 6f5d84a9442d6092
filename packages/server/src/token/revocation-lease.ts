// What a verifier knows of withdrawals, and how old that knowledge is (rules §2.15). The store is read every 200 ms; knowledge
// older than 500 ms by a clock that never goes back is worth nothing, and everything is refused until it can be read again.

import type { Revocations } from '@writ/core';
import type { NumberedRevocation } from '../store/revocations.ts';
import type { Store } from '../store/store.ts';

export interface RevocationLease {
  /** The sets as last read; `fresh` says whether they may still be relied on. */
  view(): Revocations;
  /** How old what is known is, by a clock that never goes back. */
  ageMillis(): number;
  /** True when something was withdrawn after `sequence`, or when nobody can say. */
  changedSince(sequence: number): boolean;
  /** Reads the store now; rejects when it cannot be read. */
  refresh(): Promise<void>;
  /** Reads the store only when what is known is older than half its life. Never rejects: `view().fresh` tells. */
  ensure(): Promise<void>;
  /** Called with each view that brings something new; the way to stop hearing. For closing streams of the withdrawn. */
  subscribe(listener: (view: Revocations) => void): () => void;
  stop(): void;
}

export interface LeaseOptions {
  readonly store: Pick<Store, 'revocations'>;
  readonly clock: { nowSeconds(): number };
  readonly monotonicMillis: () => number;
  report(what: string, error: unknown): void;
  readonly everyMillis?: number;
}

const leaseMillis = 500;

/** Starts reading; resolves after the first read. */
export async function openRevocationLease(options: LeaseOptions): Promise<RevocationLease> {
  const { store, monotonicMillis } = options;
  const known = new Map<string, NumberedRevocation>();
  const listeners = new Set<(view: Revocations) => void>();
  let sets = setsOf(known);
  let sequence = 0;
  let readMillis = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;
  let next: Promise<void> | null = null;

  const fresh = () => monotonicMillis() - readMillis <= leaseMillis;
  const view = (): Revocations => ({ sequence, fresh: fresh(), ...sets });

  async function read(): Promise<void> {
    // What is read is at least as new as the moment of asking, and no newer may be claimed.
    const askedMillis = monotonicMillis();
    const found = await store.revocations.since(sequence);
    for (const entry of found.entries) known.set(`${entry.kind} ${entry.value}`, entry);
    const newest = Math.max(found.sequence, ...found.entries.map((entry) => entry.sequence));
    readMillis = askedMillis;
    if (newest === sequence) return;
    sequence = newest;
    forget(known, options.clock.nowSeconds());
    sets = setsOf(known);
    for (const listener of listeners) listener(view());
  }

  function start(): Promise<void> {
    reading = read().finally(() => {
      reading = null;
    });
    return reading;
  }

  /** A read under way was asked before this moment, so what the caller wants to see may have come after: one more follows it. */
  function refresh(): Promise<void> {
    if (!reading) return start();
    next ??= reading
      .catch(() => {})
      .then(() => {
        next = null;
        return start();
      });
    return next;
  }

  const quietly = () => refresh().catch((error: unknown) => options.report('revocations', error));

  await refresh();
  const timer = setInterval(() => reading ?? quietly(), options.everyMillis ?? 200);
  timer.unref();
  return {
    view,
    ageMillis: () => monotonicMillis() - readMillis,
    changedSince: (since) => !fresh() || sequence !== since,
    refresh,
    ensure: async () => {
      if (monotonicMillis() - readMillis > leaseMillis / 2) await quietly();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => clearInterval(timer),
  };
}

const forgetSeconds = 3_600;

/** Drops what ended long ago, so that the sets stay as small as what can still be alive. */
function forget(known: Map<string, NumberedRevocation>, nowSeconds: number): void {
  for (const [name, { untilSeconds }] of known) {
    if (untilSeconds !== null && untilSeconds + forgetSeconds <= nowSeconds) known.delete(name);
  }
}

/** New sets each time: a decision keeps the ones it was judged with. */
function setsOf(known: ReadonlyMap<string, NumberedRevocation>) {
  const sets = {
    rows: new Set<string>(),
    tasks: new Set<string>(),
    users: new Set<string>(),
    agents: new Set<string>(),
  };
  for (const { kind, value } of known.values()) sets[SET[kind]].add(value);
  return sets;
}

const SET = { row: 'rows', task: 'tasks', user: 'users', agent: 'agents' } as const;
