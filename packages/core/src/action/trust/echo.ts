// A server that was told a value may say it back, and its own voice would make it look better than it was. So the gate remembers
// what left as an argument, and at which level (rules §3.9): in later outputs of that server it counts at most that much.

import { activeTokensIn, idsIn } from './active.ts';
import { type Level, lower, OUTPUT_MAX } from './levels.ts';
import { keysOf, type Scalar } from './typed-value.ts';

/** What has left to each server. The plane keeps it for 90 days under keyed digests. */
export interface EchoMemory {
  /** True while nothing that counts has left to it: spares looking at every field of an output. */
  isEmpty(server: string): boolean;
  /** Level of a value (by its typed key) when it left; null where it never did. */
  levelOf(server: string, key: string): Level | null;
}

/** One value to remember, by one of its typed keys. */
export interface Echo {
  readonly key: string;
  readonly level: Level;
}

/** A memory in the clear, for a single task in a replay or a test. */
export interface PlainEchoes extends EchoMemory {
  readonly levels: ReadonlyMap<string, Level>;
}

export const noEchoes: PlainEchoes = plainEchoes(new Map());

export interface SentValue {
  readonly value: Scalar;
  readonly level: Level;
}

/**
 * What left in an allowed call: the values themselves, and every link, address, account number or id inside them.
 * `returned` is the level at which this server had said a value before: said twice, it is no better than it was the first time.
 */
export function echoesOf(sent: readonly SentValue[], returned: (value: Scalar) => Level | null): readonly Echo[] {
  const levels = new Map<string, Level>();
  const remember = (value: Scalar, level: Level): void => {
    // No output is above this, so there would be nothing to hold down.
    if (level >= OUTPUT_MAX) return;
    for (const key of keysOf(value)) levels.set(key, lower(level, levels.get(key) ?? level));
  };
  for (const { value, level } of sent) {
    if (typeof value === 'boolean') continue;
    remember(value, level);
    if (typeof value !== 'string') continue;
    // All of them: what is not remembered comes back as good as the server's own voice. The size of a request bounds them.
    const inside = new Set([
      ...activeTokensIn(value, Number.POSITIVE_INFINITY).tokens.map(({ text }) => text),
      ...idsIn(value),
    ]);
    inside.delete(value);
    for (const token of inside) {
      const before = returned(token);
      remember(token, before !== null && before > level ? before : level);
    }
  }
  return [...levels].map(([key, level]) => ({ key, level }));
}

export function withSent(
  { levels }: PlainEchoes,
  server: string,
  sent: readonly SentValue[],
  returned: (value: Scalar) => Level | null,
): PlainEchoes {
  const next = new Map(levels);
  for (const { key, level } of echoesOf(sent, returned)) {
    const name = nameOf(server, key);
    next.set(name, lower(level, next.get(name) ?? level));
  }
  return plainEchoes(next);
}

/** At most this, or null for a value that never left to that server. */
export function echoCap(memory: EchoMemory, server: string, value: Scalar): Level | null {
  if (memory.isEmpty(server)) return null;
  let cap: Level | null = null;
  for (const key of keysOf(value)) {
    const found = memory.levelOf(server, key);
    if (found !== null) cap = cap === null ? found : lower(cap, found);
  }
  return cap;
}

function plainEchoes(levels: ReadonlyMap<string, Level>): PlainEchoes {
  return {
    levels,
    isEmpty: () => levels.size === 0,
    levelOf: (server, key) => levels.get(nameOf(server, key)) ?? null,
  };
}

function nameOf(server: string, key: string): string {
  return `${server}\u0000${key}`;
}
