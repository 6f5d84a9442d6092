// Trust levels (rules §3.3): 4 the principal, 3 the system, 2 a tool, 1 somebody outside, 0 nobody knows.
// Levels are only ever compared and lowered here; what each thing's level is, the other files of this folder say.

import type { Level } from '../../token/chain.ts';

export type { Level };

/** The highest level that an output may be given, whatever its manifest says. The principal's own words alone are above it. */
export const OUTPUT_MAX: Level = 3;
/** Text that nobody described. */
export const EXTERNAL: Level = 1;

/** From here on the task has read something that an outsider may have written. */
export function isTainted(floor: Level): boolean {
  return floor <= EXTERNAL;
}

export function lower(a: Level, b: Level): Level {
  return a < b ? a : b;
}

export function higher(a: Level, b: Level): Level {
  return a > b ? a : b;
}

/** Null for none. */
export function lowestOf(levels: Iterable<Level>): Level | null {
  let found: Level | null = null;
  for (const level of levels) found = found === null ? level : lower(found, level);
  return found;
}

/** Labels of another trust domain: at most its configured ceiling (default 1), and never the principal's. Rules §3.15. */
export function foreignLevel(level: Level, ceiling: Level = EXTERNAL): Level {
  return lower(lower(level, ceiling), OUTPUT_MAX);
}
