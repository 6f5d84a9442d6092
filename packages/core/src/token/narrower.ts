// Is a link no wider than the one it came from? One total question per dimension; the first no is named.
// Safety never rests on this alone: every link is asked to admit each call (admits.ts). Rules §2.1.

import { type Denial, denial } from '../denial.ts';
import type { Budget, Constraint, Detail, Link } from './chain.ts';
import { constraintContained } from './constraints.ts';
import { anyScopeCovers } from './scope.ts';

/** A link's limits, without who and where. */
export type Limits = Pick<Link, 'scopes' | 'details' | 'budget' | 'depth' | 'untilSeconds' | 'ceiling'>;

/** Null when `child` is no wider than `parent` in every dimension. `takes`: 1 when an actor was added, 0 for a move. */
export function widening(child: Limits, parent: Limits, takes: 0 | 1): Denial | null {
  const scope = child.scopes.find((one) => !anyScopeCovers(parent.scopes, one));
  if (scope !== undefined) return denial('token.scope_widened', { scope });
  if (!detailsContained(child.details, parent.details)) return denial('token.constraint_widened', {});
  if (!budgetContained(child.budget, parent.budget)) return denial('token.constraint_widened', { dimension: 'budget' });
  if (child.depth > parent.depth - takes) return denial('token.depth_exceeded', { depth: child.depth });
  if (child.untilSeconds > parent.untilSeconds) return denial('token.expiry_widened', { until: child.untilSeconds });
  if (child.ceiling > parent.ceiling) return denial('token.scope_widened', { ceiling: child.ceiling });
  return null;
}

/** True when the limits of `child` are no wider. Total: anything it cannot show is false. */
export function narrower(child: Limits, parent: Limits, takes: 0 | 1 = 1): boolean {
  return widening(child, parent, takes) === null;
}

/** Each entry of the child lies inside one entry of the parent. Absent in the child: inherited, so the parent's. */
export function detailsContained(child: readonly Detail[] | undefined, parent: readonly Detail[] | undefined): boolean {
  if (parent === undefined || child === undefined) return true;
  return child.every((entry) => parent.some((outer) => detailContained(entry, outer)));
}

function detailContained(child: Detail, parent: Detail): boolean {
  if (!child.actions.every((action) => anyScopeCovers(parent.actions, action))) return false;
  if (parent.arguments === undefined) return true;
  if (child.arguments === undefined) return false;
  // The child must hold each constraint of the parent, and may speak of no argument the parent does not admit. `{ "": any }` asks
  // for nothing and admits every argument, so it need not be said again.
  const own = child.arguments;
  const outer = parent.arguments;
  const isOpen = outer[''] !== undefined && 'any' in outer[''];
  return (
    Object.entries(outer).every(([pointer, limit]) => (pointer === '' && isOpen) || holdsWithin(own[pointer], limit)) &&
    (isOpen || Object.keys(own).every((pointer) => outer[pointer] !== undefined))
  );
}

function holdsWithin(own: Constraint | undefined, limit: Constraint): boolean {
  return own !== undefined && constraintContained(own, limit);
}

/** No ceiling is raised. A unit the child does not name is inherited: every link is debited. */
function budgetContained(child: readonly Budget[], parent: readonly Budget[]): boolean {
  return parent.every((outer) => child.every((own) => own.unit !== outer.unit || own.max <= outer.max));
}
