// One caller's flood is its own trouble: so many of its calls are under way at once and no more, streams included.

import type { Call } from '@writ/core';

export interface Crowd {
  /** A place, and how to give it back; null where the caller has all it may have. */
  enter(call: Call): (() => void) | null;
  /** Calls under way. */
  inside(): number;
}

export function createCrowd(perCallerMax: number): Crowd {
  const under = new Map<string, number>();
  let inside = 0;
  return {
    inside: () => inside,
    enter({ peer }) {
      // Whoever is on the wire; where nobody is known yet, the machine that called.
      const known = peer.listener !== 'oauth' && peer.spiffeId;
      const key = known || `at ${peer.remote.replace(/:\d+$/, '')}`;
      const now = under.get(key) ?? 0;
      if (now >= perCallerMax) return null;
      under.set(key, now + 1);
      inside++;
      return () => {
        inside--;
        const left = under.get(key)! - 1;
        if (left === 0) under.delete(key);
        else under.set(key, left);
      };
    },
  };
}
