// What policy says of one asker and one operation when only some facts are known. Cedar evaluates with the rest unknown, and every
// policy then holds, does not hold, or may hold. An unknown is never a no: what cannot be settled is `may`.

import {
  type CedarValueJson,
  type EntityJson,
  isAuthorizedPartial,
  type PolicyJson,
  type TypeAndId,
} from '@cedar-policy/cedar-wasm/nodejs';
import type { Asker, Principal } from '@writ/core';
import { principalEntity, spiffeIdOf, uid, uidOf } from '../cedar/request.ts';
import { CONTEXT_NAMES, GROUPS } from '../schema.ts';
import { atTime } from './at-time.ts';
import type { OperationView, PlaneView } from './plane-view.ts';
import type { StatedPolicy } from './policies.ts';

/** Facts of the request by name in `context`. Absent: unknown. Not `root`, which is a party; `now` as RFC 3339 in UTC. */
export type Known = { readonly [name: string]: string | number | boolean | readonly string[] };

export type Holds = 'yes' | 'may' | 'no';

export interface Weighed {
  readonly permits: Holds;
  readonly forbids: Holds;
  /** A person would be asked. */
  readonly asks: Holds;
  /** A policy fails, which refuses the request (design D6), or the question is one that Cedar would not take. */
  readonly fails: Holds;
  /** Policies that hold or may hold, by id. */
  readonly policies: readonly string[];
}

/** A person whom neither the configuration nor a policy names. */
export const anybody = Symbol('anybody');

export type Who = Asker | typeof anybody;

/**
 * `never`: whatever the unknown facts are, it is refused. `always`: it is permitted whatever they are. `asks`: allowed at most
 * once a person has said yes. `maybe`: it depends.
 */
export type Weight = 'never' | 'maybe' | 'asks' | 'always';

export function weightOf({ permits, forbids, asks, fails }: Weighed): Weight {
  if (permits === 'no' || forbids === 'yes' || fails === 'yes') return 'never';
  if (asks === 'yes') return 'asks';
  return permits === 'yes' && forbids === 'no' && asks === 'no' && fails === 'no' ? 'always' : 'maybe';
}

/** `root`: the person behind the chain, where known; asked about a person, it is that person (rules §3.13). */
export function weigh(
  plane: PlaneView,
  who: Who,
  operation: OperationView,
  known: Known,
  root: Principal | null = who !== anybody && who.kind === 'user' ? who.principal : null,
): Weighed {
  const parties = { ...plane, users: new Set(plane.users) };
  const rootEntity = root && principalEntity({ kind: 'user', principal: root }, parties);
  const principal = who === anybody ? stranger : principalEntity(who, parties);
  if (!principal) return { permits: 'no', forbids: 'no', asks: 'no', fails: 'yes', policies: [] };
  const resource = resourceEntity(operation, plane);
  const action = actionEntity(operation);
  const policies = plane.policies.filter(({ json }) => !isElsewhere(json, principal, action, resource));
  const { now, ...facts } = known;
  const stated = policies.map(({ text, json }, i) => [
    String(i),
    (typeof now === 'string' ? atTime(json, now) : null) ?? text,
  ]);
  const answer = isAuthorizedPartial({
    principal: principal.uid,
    action: action.uid,
    resource: resource.uid,
    context: contextOf(facts, rootEntity),
    policies: { staticPolicies: Object.fromEntries(stated) },
    entities: distinct([principal, action, resource, ...(rootEntity ? [rootEntity] : [])]),
  });
  if (answer.type === 'failure')
    return { permits: 'may', forbids: 'may', asks: 'may', fails: 'may', policies: policies.map(({ id }) => id) };
  const { satisfied, nontrivialResiduals, errored } = answer.response;
  const named = (keys: readonly string[]) => keys.map((key) => policies[Number(key)]!);
  const [holding, open, failing] = [named(satisfied), named(nontrivialResiduals), named(errored)];
  const holds = (effect: StatedPolicy['effect']): Holds =>
    holding.some((one) => one.effect === effect) ? 'yes' : open.some((one) => one.effect === effect) ? 'may' : 'no';
  return {
    permits: holds('permit'),
    forbids: holds('forbid'),
    asks: holds('ask'),
    fails: failing.length > 0 ? 'yes' : open.some(({ canFail }) => canFail) ? 'may' : 'no',
    policies: [...new Set([...holding, ...open, ...failing].map(({ id }) => id))].sort(),
  };
}

function contextOf(facts: Known, root: EntityJson | null): { [name: string]: CedarValueJson } {
  const known: { readonly [name: string]: unknown } = root ? { ...facts, root: { __entity: uidOf(root) } } : facts;
  return Object.fromEntries(
    CONTEXT_NAMES.map((name) => [name, (known[name] as CedarValueJson | undefined) ?? unknown(name)]),
  );
}

function distinct(entities: readonly EntityJson[]): EntityJson[] {
  return [...new Map(entities.map((entity) => [JSON.stringify(entity.uid), entity])).values()];
}

/** A person of any issuer and any name. */
const stranger: EntityJson = {
  uid: uid('User', '?'),
  attrs: { iss: unknown('principal.iss'), sub: unknown('principal.sub') },
  parents: [],
};

function unknown(name: string): CedarValueJson {
  return { __extn: { fn: 'unknown', arg: name } };
}

function resourceEntity({ target, action, definition }: OperationView, { trustDomain }: PlaneView): EntityJson {
  if (target.kind === 'agent') {
    const own = uid('Agent', spiffeIdOf(trustDomain, target.server));
    return { uid: own, attrs: { path: target.server }, parents: [] };
  }
  const { risk, manifest } = definition;
  return { uid: uid('Tool', action), attrs: { risk, manifest }, parents: [uid('Server', target.server)] };
}

function actionEntity({ action, target }: OperationView): EntityJson {
  return { uid: uid('Action', action), attrs: {}, parents: [uid('Action', GROUPS[target.kind])] };
}

/** Its scope names exactly one other principal, action or resource: most compiled lines do, and Cedar need not look at them. */
function isElsewhere(policy: PolicyJson, principal: EntityJson, action: EntityJson, resource: EntityJson): boolean {
  const differs = (scope: PolicyJson['principal'] | PolicyJson['action'] | PolicyJson['resource'], one: EntityJson) => {
    if (scope.op !== '==' || !('entity' in scope)) return false;
    const wanted = (('__entity' in scope.entity ? scope.entity.__entity : scope.entity) ?? scope.entity) as TypeAndId;
    return wanted.type !== uidOf(one).type || wanted.id !== uidOf(one).id;
  };
  return differs(policy.principal, principal) || differs(policy.action, action) || differs(policy.resource, resource);
}
