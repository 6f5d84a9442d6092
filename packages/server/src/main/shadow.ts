// The plane's shadow mode: how much of what policy answers is asked again, when, and where a difference is told.

import type { JsonObject } from '@writ/core';
import { createShadow, type Shadow } from '../action/cedar/shadow.ts';

export interface ShadowDeps {
  say(sentence: string): void;
  /** An event for the log that nothing waits for. */
  event(name: string, members: JsonObject): void;
}

const oneIn = 1000;
const waitingMax = 64;
/** Between two questions to cedar-wasm, which each hold the thread for some milliseconds. */
const apartMillis = 50;

export function openShadow({ say, event }: ShadowDeps): Shadow {
  return createShadow({
    oneIn,
    waitingMax,
    later: (work) => void setTimeout(work, apartMillis).unref(),
    differs({ decisionId, action, version, compiled, reference, first }) {
      event('policy.shadow_differs', { decision: decisionId, action, policy: version, compiled, reference });
      if (!first) return;
      say(
        `the compiled policy and Cedar's own evaluator answered a question about \`${action}\` differently: the call is ` +
          `\`writ explain ${decisionId}\`, both answers are the event \`policy.shadow_differs\` in the log. ` +
          'Take out the policies that they name, and tell the makers of Writ',
      );
    },
  });
}
