// What a change of configuration changes about a holder's reach. A change whose effect cannot be told counts as wider: a
// widening reload waits for a person (rules §7.2), and so does one that might be.

import type { BlastRadius, Reach } from './blast-radius.ts';

export interface ReachChange {
  readonly action: string;
  readonly actor: string;
  /** Null: it was not there before. */
  readonly was: Reach | null;
  /** Null: it is gone. */
  readonly is: Reach | null;
  /** Why this is wider, in words; empty when it is not. */
  readonly wider: readonly string[];
}

export interface RadiusDiff {
  readonly widens: boolean;
  readonly changes: readonly ReachChange[];
}

export function radiusDiff(before: BlastRadius | null, after: BlastRadius | null): RadiusDiff {
  const was = byKey(before);
  const is = byKey(after);
  const changes = [...new Set([...was.keys(), ...is.keys()])].sort().flatMap((key): ReachChange[] => {
    const [old, now] = [was.get(key) ?? null, is.get(key) ?? null];
    const { action, actor } = (old ?? now)!;
    const wider = widening(old, now);
    const same = old !== null && now !== null && wider.length === 0 && isSame(old, now);
    return same ? [] : [{ action, actor, was: old, is: now, wider }];
  });
  return { widens: changes.some(({ wider }) => wider.length > 0), changes };
}

function byKey(radius: BlastRadius | null): ReadonlyMap<string, Reach> {
  return new Map((radius?.reach ?? []).map((reach) => [`${reach.action} ${reach.actor}`, reach]));
}

const freedom: { readonly [when in Reach['when']]: number } = { asks: 0, maybe: 1, always: 2 };

function widening(was: Reach | null, is: Reach | null): readonly string[] {
  if (is === null) return [];
  if (was === null) return ['new'];
  const people = is.users.filter((user) => !was.users.includes(user));
  return [
    ...(freedom[is.when] > freedom[was.when] ? [`${was.when} became ${is.when}`] : []),
    ...(people.length > 0 ? [`also for ${people.join(', ')}`] : []),
    ...(is.when !== 'always' && was.when !== 'always' && is.conditions !== was.conditions ? ['other conditions'] : []),
    ...(is.risk > was.risk ? [`risk ${was.risk} became ${is.risk}`] : []),
    ...(is.reviewed && !was.reviewed ? ['reviewed meanwhile'] : []),
  ];
}

function isSame(was: Reach, is: Reach): boolean {
  return (
    was.when === is.when &&
    was.risk === is.risk &&
    was.reviewed === is.reviewed &&
    was.users.join(' ') === is.users.join(' ') &&
    was.through.join(' ') === is.through.join(' ')
  );
}
