// Events about processes that nobody knows: a refused identity, a refused launch. The first few are written, the rest counted, so
// that a process which asks for ever gets no more of the log than one that asks once (rules §1.7).

import type { JsonObject } from '@writ/core';
import type { RefusalCounter } from '../gateway/refusal-counter.ts';

export interface StrangerEvent {
  readonly name: string;
  readonly uid: number;
  /** What it is counted under. */
  readonly code: string;
  readonly members: JsonObject;
}

export interface StrangerEventPorts {
  readonly refusals: Pick<RefusalCounter, 'countsStranger'>;
  event(name: string, members: JsonObject): void;
}

export function createStrangerEvents({ refusals, event }: StrangerEventPorts): (told: StrangerEvent) => void {
  return ({ name, uid, code, members }) => {
    if (!refusals.countsStranger(`${name} ${code}`, `uid ${uid}`)) event(name, { ...members, uid });
  };
}
