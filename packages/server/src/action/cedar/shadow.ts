// Shadow mode: of a sample of decisions, cedar-wasm is asked again what the compiled evaluator answered. Which decisions is told
// by a hash of their ids, so that the same log names the same sample; the asking happens later, one at a time, and what does
// not fit into the queue is counted and not asked. A difference alarms and changes no answer.

import { type Answer, gistOf } from './compiled.ts';
import type { Answered } from './evaluator.ts';

export interface ShadowDifference extends Pick<Answered, 'decisionId' | 'action' | 'version'> {
  /** Decision, determining policies and failing policies, as JSON; `failure` for no answer. Nothing of the request. */
  readonly compiled: string;
  readonly reference: string;
  /** The first that was found under this policy. */
  readonly first: boolean;
}

export interface ShadowPorts {
  /** One of this many decisions. 1: all of them. */
  readonly oneIn: number;
  /** Answers that may wait at a time; each holds its question. */
  readonly waitingMax: number;
  /** Runs it once, not now. */
  later(work: () => void): void;
  differs(told: ShadowDifference): void;
}

export interface ShadowCounts {
  /** Answers of the sample that were asked again. */
  readonly compared: number;
  readonly differed: number;
  /** Of the sample, and not asked again: the queue was full. */
  readonly dropped: number;
  readonly waiting: number;
}

export interface Shadow {
  /** Returns at once. */
  answered(one: Answered): void;
  counts(): ShadowCounts;
}

export function createShadow({ oneIn, waitingMax, later, differs }: ShadowPorts): Shadow {
  const waiting: Answered[] = [];
  let [compared, differed, dropped] = [0, 0, 0];
  let differedUnder: string | null = null;

  const compare = (): void => {
    const one = waiting.shift()!;
    if (waiting.length > 0) later(compare);
    const [compiled, reference] = [gistOf(one.answer), gistOf(again(one))];
    compared++;
    if (compiled === reference) return;
    differed++;
    const { decisionId, action, version } = one;
    const first = differedUnder !== version;
    differedUnder = version;
    differs({ decisionId, action, version, compiled, reference, first });
  };

  return {
    answered(one) {
      if (fnv1a(one.decisionId) % oneIn !== 0) return;
      if (waiting.length >= waitingMax) dropped++;
      else if (waiting.push(one) === 1) later(compare);
    },
    counts: () => ({ compared, differed, dropped, waiting: waiting.length }),
  };
}

/** A throw is no answer, and no answer to what the other one answered is a difference. */
function again(one: Answered): Answer | null {
  try {
    return one.again();
  } catch {
    return null;
  }
}

/** FNV-1a, 32 bits, over UTF-16 units. Not for secrets: ids are random and the gateway's own. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
