// A frozen set of compiled policies and the answer to one request. Scopes are not tested one by one: the policies stand in a
// tree of principal, action and resource, and a request walks only the branches its entities, their ancestors and their
// types open. So a decision costs what the fitting policies cost.

import type { EntitySource } from './entities.ts';
import { type CedarRequest, NOT_BOOLEAN, type Scene } from './operators.ts';
import type { Compiled, Scope } from './policy.ts';
import { type EntityUid, type FaultKind, isFault } from './value.ts';

export interface PolicyFailure {
  readonly id: string;
  readonly fault: FaultKind;
  /** Words of the policy and of Cedar; nothing of the request. */
  readonly says: string;
}

/** Cedar's own answer: a policy that fails is left out of `decision`, and what that means is the caller's to decide. */
export interface CedarAnswer {
  readonly decision: 'allow' | 'deny';
  /** All forbids that hold; without any, all permits that hold. In the order of the set. */
  readonly reasons: readonly string[];
  readonly errors: readonly PolicyFailure[];
}

export interface PolicySet {
  readonly policies: readonly Compiled[];
  evaluate(request: CedarRequest, entities: EntitySource): CedarAnswer;
}

/** Throws when two policies share an id: their answers could not be told apart. */
export function compileSet(policies: readonly Compiled[]): PolicySet {
  const ids = new Set(policies.map(({ id }) => id));
  if (ids.size !== policies.length) throw new RangeError('two policies of one set share an id');
  const root = branch<Branch<Branch<number[]>>>();
  for (const [at, policy] of policies.entries()) {
    for (const byAction of opened(root, policy.principal, () => branch<Branch<number[]>>())) {
      for (const byResource of opened(byAction, policy.action, () => branch<number[]>())) {
        for (const places of opened(byResource, policy.resource, (): number[] => [])) places.push(at);
      }
    }
  }
  return {
    policies,
    evaluate: (request, entities) => answer(policies, fitting(root, request, entities), { ...request, entities }),
  };
}

interface Branch<T> {
  any: T | null;
  readonly equal: Map<string, T>;
  readonly within: Map<string, T>;
  readonly ofType: Map<string, T>;
  /** `is T in G`: by group, then by type. */
  readonly ofTypeWithin: Map<string, Map<string, T>>;
}

function branch<T>(): Branch<T> {
  return { any: null, equal: new Map(), within: new Map(), ofType: new Map(), ofTypeWithin: new Map() };
}

/** The branches a policy of this scope stands in, made where they are not there yet. */
function opened<T>(at: Branch<T>, scope: Scope, fresh: () => T): readonly T[] {
  switch (scope.op) {
    case 'any':
      at.any ??= fresh();
      return [at.any];
    case '==':
      return [entry(at.equal, scope.uid.key, fresh)];
    case 'in':
      return [...new Set(scope.groups.map(({ key }) => key))].map((key) => entry(at.within, key, fresh));
    case 'is': {
      if (!scope.group) return [entry(at.ofType, scope.type, fresh)];
      return [
        entry(
          entry(at.ofTypeWithin, scope.group.key, () => new Map<string, T>()),
          scope.type,
          fresh,
        ),
      ];
    }
  }
}

function entry<T>(map: Map<string, T>, key: string, fresh: () => T): T {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = fresh();
  map.set(key, made);
  return made;
}

const NOTHING: ReadonlySet<string> = new Set();

/** Places of the policies whose whole scope fits, in order, each once. */
function fitting(
  root: Branch<Branch<Branch<number[]>>>,
  { principal, action, resource }: CedarRequest,
  entities: EntitySource,
): readonly number[] {
  const above = (uid: EntityUid): ReadonlySet<string> => entities.get(uid.key)?.ancestors ?? NOTHING;
  const [abovePrincipal, aboveAction, aboveResource] = [above(principal), above(action), above(resource)];
  const places: number[] = [];
  walk(root, principal, abovePrincipal, (byAction) =>
    walk(byAction, action, aboveAction, (byResource) =>
      walk(byResource, resource, aboveResource, (found) => {
        for (const place of found) places.push(place);
      }),
    ),
  );
  // An `in` of several groups can be entered by more than one of them.
  return places.sort((a, b) => a - b).filter((place, i) => i === 0 || place !== places[i - 1]);
}

function walk<T>(at: Branch<T>, uid: EntityUid, ancestors: ReadonlySet<string>, visit: (found: T) => void): void {
  if (at.any !== null) visit(at.any);
  const equal = at.equal.get(uid.key);
  if (equal !== undefined) visit(equal);
  const ofType = at.ofType.get(uid.type);
  if (ofType !== undefined) visit(ofType);
  within(at.within, uid, ancestors, visit);
  within(at.ofTypeWithin, uid, ancestors, (types) => {
    const found = types.get(uid.type);
    if (found !== undefined) visit(found);
  });
}

/** Looks along whichever is shorter, the groups that policies name or the ancestors there are. */
function within<T>(
  groups: ReadonlyMap<string, T>,
  uid: EntityUid,
  ancestors: ReadonlySet<string>,
  visit: (found: T) => void,
): void {
  if (groups.size === 0) return;
  if (groups.size < ancestors.size) {
    for (const [key, found] of groups) if (key === uid.key || ancestors.has(key)) visit(found);
    return;
  }
  const own = groups.get(uid.key);
  if (own !== undefined) visit(own);
  for (const key of ancestors) {
    const found = groups.get(key);
    if (found !== undefined) visit(found);
  }
}

function answer(policies: readonly Compiled[], places: readonly number[], scene: Scene): CedarAnswer {
  const permits: string[] = [];
  const forbids: string[] = [];
  const errors: PolicyFailure[] = [];
  for (const place of places) {
    const { id, effect, conditions } = policies[place]!;
    const holds = conditions.run(scene);
    if (holds === true) (effect === 'permit' ? permits : forbids).push(id);
    else if (holds !== false) {
      const { fault, says } = isFault(holds) ? holds : NOT_BOOLEAN;
      errors.push({ id, fault, says });
    }
  }
  if (forbids.length > 0) return { decision: 'deny', reasons: forbids, errors };
  return { decision: permits.length > 0 ? 'allow' : 'deny', reasons: permits, errors };
}
