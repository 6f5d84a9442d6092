// Refusals of callers nobody knows yet are counted, not written one by one: a flood of them must not use up the space or the
// rate kept for authenticated calls. The first few of a kind in a minute are written, so that one mistake can be explained.
// Rules §1.7.

import type { Call, Decision, JsonObject } from '@writ/core';

export interface RefusalCounter {
  /** True when this refusal was only counted, and must not be recorded by itself. */
  countsInstead(call: Call, decision: Decision): boolean;
  /** True when a refusal of somebody unknown is only counted; for doors that write records of their own. */
  countsStranger(reason: string, source: string): boolean;
  /** A refusal before any call could be parsed: a failed handshake, a peer without an edge. */
  count(reason: string, source: string): void;
  /** Writes what was counted in minutes that are over. */
  flush(): void;
}

interface CounterDeps {
  readonly clock: { nowMillis(): number };
  append(record: JsonObject): { readonly durable: Promise<void> };
  newId(): string;
  report(what: string, error: unknown): void;
}

const recordedPerMinuteMax = 20;
/** Of all strangers together: whoever has many addresses gets no more of the log than a few who have one. */
const recordedInAllPerMinuteMax = 200;
// Sources past this share one line: the table is bounded whatever is thrown at it.
const keysPerMinuteMax = 500;

export function createRefusalCounter(deps: CounterDeps): RefusalCounter {
  let minute = 0;
  let counted = new Map<string, number>();
  let recorded = new Map<string, number>();
  let recordedInAll = 0;

  function roll(): void {
    const now = Math.floor(deps.clock.nowMillis() / 60_000);
    if (now === minute) return;
    write();
    minute = now;
    counted = new Map();
    recorded = new Map();
    recordedInAll = 0;
  }

  function write(): void {
    if (counted.size === 0) return;
    const counts = [...counted].map(([key, times]) => {
      const [reason, source] = key.split('\n') as [string, string];
      return { reason, source, times };
    });
    counted = new Map();
    try {
      const { durable } = deps.append({
        kind: 'event',
        id: deps.newId(),
        time: new Date(deps.clock.nowMillis()).toISOString(),
        event: 'refusals.counted',
        minute: new Date(minute * 60_000).toISOString(),
        counts,
      });
      durable.catch((error: unknown) => deps.report('refusals', error));
    } catch (error) {
      deps.report('refusals', error);
    }
  }

  function bump(table: Map<string, number>, reason: string, source: string): number {
    const key =
      table.has(`${reason}\n${source}`) || table.size < keysPerMinuteMax ? `${reason}\n${source}` : `${reason}\nothers`;
    const times = (table.get(key) ?? 0) + 1;
    table.set(key, times);
    return times;
  }

  function countsStranger(reason: string, remote: string): boolean {
    roll();
    const source = withoutPort(remote);
    if (recordedInAll < recordedInAllPerMinuteMax && bump(recorded, reason, source) <= recordedPerMinuteMax) {
      recordedInAll++;
      return false;
    }
    bump(counted, reason, source);
    return true;
  }

  return {
    countsStranger,
    countsInstead({ peer }, decision) {
      if (decision.outcome !== 'deny' || isKnown(decision)) return false;
      const source = peer.listener === 'oauth' ? peer.remote : (peer.spiffeId ?? peer.remote);
      return countsStranger(decision.denial!.code, source);
    },
    count(reason, source) {
      roll();
      bump(counted, reason, withoutPort(source));
    },
    flush() {
      roll();
      write();
    },
  };
}

/** `127.0.0.1` of `127.0.0.1:4711`: every connection comes from another port. An address without port stays, a SPIFFE ID too. */
function withoutPort(remote: string): string {
  return /^(\[[^\]]*\]|[0-9.]+):\d+$/.exec(remote)?.[1] ?? remote;
}

/** A caller who passed check 1 by certificate, or holds a genuine token, is somebody. */
function isKnown(decision: Decision): boolean {
  return decision.transport.facts?.kind === 'workload' || decision.token.seen !== null;
}
