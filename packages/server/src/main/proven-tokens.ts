// Remembers which tokens were found genuine, by a digest of their exact text: the memory holds no text that could be presented
// again, and no decision (rules §2.15). Only tokens that a configured key signed come in, so strangers cannot fill it; a holder
// of many genuine ones can push others out, which costs those a signature check and nothing else.

import { hash } from 'node:crypto';
import type { Proven, ProvenTokens } from '@writ/core';

export interface ProvenBounds {
  readonly tokensMax: number;
  /** Characters of all remembered tokens together; what is kept of one takes about ten times its text. */
  readonly charsMax: number;
}

export interface ForgetfulTokens extends ProvenTokens {
  /** Forgets all, for a change of keys. */
  clear(): void;
  /** Tokens remembered. */
  size(): number;
}

const boundsDefault: ProvenBounds = { tokensMax: 2048, charsMax: 2 * 2 ** 20 };

export function createProvenTokens({ tokensMax, charsMax }: ProvenBounds = boundsDefault): ForgetfulTokens {
  // In the order of last use.
  const held = new Map<string, { readonly proven: Proven; readonly chars: number }>();
  let chars = 0;

  const forget = (name: string) => {
    chars -= held.get(name)?.chars ?? 0;
    held.delete(name);
  };

  return {
    recall(text) {
      const name = digestOf(text);
      const found = held.get(name);
      if (!found) return null;
      held.delete(name);
      held.set(name, found);
      return found.proven;
    },
    keep(text, proven) {
      const name = digestOf(text);
      forget(name);
      // Every later call is judged by this very object: nobody may change what the signature stands for.
      deepFreeze(proven.claims);
      deepFreeze(proven.chain);
      held.set(name, { proven, chars: text.length });
      chars += text.length;
      for (const oldest of held.keys()) {
        if (held.size <= tokensMax && chars <= charsMax) break;
        forget(oldest);
      }
    },
    clear() {
      held.clear();
      chars = 0;
    },
    size: () => held.size,
  };
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64url');
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
}
