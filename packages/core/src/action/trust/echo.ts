// A server that was told a value may say it back, and its own voice would make it look better than it was. So the gate remembers
// what left as an argument, and at which level (rules §3.9): in later outputs of that server it counts at most that much.

import { activeTokensIn, idsIn } from './active.ts';
import { type Level, lower, OUTPUT_MAX } from './levels.ts';
import { keysOf, type Scalar } from './typed-value.ts';

/** Server and typed value → level. The plane keeps keyed digests of the names for 90 days; here they are in the clear. */
export type EchoMemory = ReadonlyMap<string, Level>;

export const noEchoes: EchoMemory = new Map();

export interface SentValue {
  readonly value: Scalar;
  readonly level: Level;
}

/**
 * What left in an allowed call: the values themselves, and every link, address, account number or id inside them.
 * `returned` is the level at which this server had said a value before: said twice, it is no better than it was the first time.
 */
export function withSent(
  memory: EchoMemory,
  server: string,
  sent: readonly SentValue[],
  returned: (value: Scalar) => Level | null,
): EchoMemory {
  const next = new Map(memory);
  const remember = (value: Scalar, level: Level): void => {
    // No output is above this, so there would be nothing to hold down.
    if (level >= OUTPUT_MAX) return;
    for (const key of keysOf(value)) {
      const name = nameOf(server, key);
      next.set(name, lower(level, next.get(name) ?? level));
    }
  };
  for (const { value, level } of sent) {
    if (typeof value === 'boolean') continue;
    remember(value, level);
    if (typeof value !== 'string') continue;
    const inside = new Set([...activeTokensIn(value).tokens.map(({ text }) => text), ...idsIn(value)]);
    inside.delete(value);
    for (const token of inside) {
      const before = returned(token);
      remember(token, before !== null && before > level ? before : level);
    }
  }
  return next;
}

/** At most this, or null for a value that never left to that server. */
export function echoCap(memory: EchoMemory, server: string, value: Scalar): Level | null {
  if (memory.size === 0) return null;
  let cap: Level | null = null;
  for (const key of keysOf(value)) {
    const found = memory.get(nameOf(server, key));
    if (found !== undefined) cap = cap === null ? found : lower(cap, found);
  }
  return cap;
}

function nameOf(server: string, key: string): string {
  return `${server}\u0000${key}`;
}
