// One caller's flood is its own trouble: so many of its calls are under way at once and no more; the next one is told to come back.
// Before anything is judged, so that refusing costs next to nothing.

import { type Call, denial, refusal } from '@writ/core';
import type { Exchange, Spine } from './exchange.ts';

export interface CrowdOptions {
  /** Calls of one caller under way at once, streams included. */
  readonly perCallerMax: number;
  /** Puts a refusal on record; resolves when it is durable. */
  record(call: Call): Promise<void>;
  report(what: string, error: unknown): void;
}

export interface Crowd {
  readonly spine: Spine;
  /** Calls under way. */
  inside(): number;
}

export function createCrowd(spine: Spine, { perCallerMax, record, report }: CrowdOptions): Crowd {
  const under = new Map<string, number>();
  let inside = 0;

  async function turnedAway<Reply>(exchange: Exchange<Reply>): Promise<void> {
    const { call } = exchange;
    try {
      // A refusal stands even when it cannot be recorded: nothing took effect.
      await record(call).catch((error: unknown) => report('record of a refusal', error));
      await exchange.refuse(refusal(call.decisionId, denial('gateway.overloaded', { most: perCallerMax })));
    } catch (error) {
      report('refuse', error); // the caller is gone
    }
  }

  return {
    inside: () => inside,
    async spine(exchange) {
      const key = callerOf(exchange.call);
      const now = under.get(key) ?? 0;
      if (now >= perCallerMax) return turnedAway(exchange);
      under.set(key, now + 1);
      inside++;
      try {
        return await spine(exchange);
      } finally {
        inside--;
        const left = under.get(key)! - 1;
        if (left === 0) under.delete(key);
        else under.set(key, left);
      }
    },
  };
}

/** Whoever is on the wire; where nobody is known yet, the machine that called. */
function callerOf({ peer }: Call): string {
  return peer.listener !== 'oauth' && peer.spiffeId ? peer.spiffeId : `at ${peer.remote.replace(/:\d+$/, '')}`;
}
