// How far the text at hand may be trusted, as the gateway signed it, for an agent that wants to know before it tries (rules §3.14).
// It decides nothing: the gateway judges by its own evidence, whatever is believed here.

import type { Level } from '@writ/core';
import { currentContext } from './context.ts';

export interface TrustContext {
  /** 4 principal … 0 unlabelled. */
  readonly floor: Level;
  /** The plain rule: a floor below the tool's risk forbids. */
  canInvoke(risk: 0 | 1 | 2 | 3 | 4 | 5): boolean;
}

/** Of the call being served; level 0 where no gate has said anything. */
export function trustContext(): TrustContext {
  const floor = currentContext()?.caller?.floor ?? 0;
  return { floor, canInvoke: (risk) => floor >= risk };
}
