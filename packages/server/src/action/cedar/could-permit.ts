// May some arguments be permitted to this asker? Answers what a list may show; never a permission. It says yes too often
// rather than too seldom: scopes are compared here, and only where conditions remain does Cedar weigh them with every fact
// of the request unknown.

import { type EntityJson, isAuthorizedPartial, type PolicyJson, type TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import type { Operation } from '../operation.ts';
import { CONTEXT_NAMES, GROUPS } from '../schema.ts';
import { isAsking } from './asking.ts';
import { uid, uidOf } from './request.ts';

export interface Parsed {
  readonly id: string;
  readonly text: string;
  readonly json: PolicyJson;
}

export function couldPermit(
  policies: readonly Parsed[],
  operation: Operation,
  principal: EntityJson,
  resource: EntityJson,
): boolean {
  const action = actionEntity(operation);
  const matching = policies.filter(
    ({ json }) =>
      inScope(json.principal, principal) && inScope(json.action, action) && inScope(json.resource, resource),
  );
  const permits = matching.filter(({ json }) => json.effect === 'permit');
  if (permits.length === 0) return false;
  // One that asks for a person takes nothing off a list.
  const forbids = matching.filter(({ json }) => json.effect === 'forbid' && !isAsking(json));
  if (forbids.length === 0 && permits.some(({ json }) => json.conditions.length === 0)) return true;
  // One permit that may hold is enough, and the first mostly does; only then are all of them weighed at once.
  const [first, ...others] = permits;
  const could = (some: readonly Parsed[]): boolean => remains([...some, ...forbids], action, principal, resource);
  return could([first!]) || (others.length > 0 && could(others));
}

/** False when no facts of a request could make these policies say yes. */
function remains(
  policies: readonly Parsed[],
  action: EntityJson,
  principal: EntityJson,
  resource: EntityJson,
): boolean {
  const unknown = (name: string) => [name, { __extn: { fn: 'unknown', arg: name } }] as const;
  const answer = isAuthorizedPartial({
    principal: principal.uid,
    action: action.uid,
    resource: resource.uid,
    context: Object.fromEntries(CONTEXT_NAMES.map(unknown)),
    policies: { staticPolicies: Object.fromEntries(policies.map(({ id, text }) => [id, text])) },
    entities: [principal, action, resource],
  });
  // Not answered: shown, and decided when it is called.
  if (answer.type === 'failure') return true;
  return answer.response.decision !== 'deny' && answer.response.errored.length === 0;
}

export function actionEntity({ action, target }: Operation): EntityJson {
  return { uid: uid('Action', action), attrs: {}, parents: [uid('Action', GROUPS[target.kind])] };
}

type Scope = PolicyJson['principal'] | PolicyJson['action'] | PolicyJson['resource'];

/** The hierarchy is two levels deep: an entity and its parents. A form that is not known here is taken to match. */
function inScope(scope: Scope, entity: EntityJson): boolean {
  const ancestors = [uidOf(entity), ...(entity.parents as TypeAndId[])];
  const isIn = (wanted: unknown): boolean => ancestors.some((one) => sameEntity(one, wanted));
  switch (scope.op) {
    case '==':
      return !('entity' in scope) || sameEntity(uidOf(entity), scope.entity);
    case 'in':
      if ('entities' in scope) return scope.entities.some(isIn);
      return !('entity' in scope) || isIn(scope.entity);
    case 'is':
      return (
        scope.entity_type === uidOf(entity).type && (!scope.in || !('entity' in scope.in) || isIn(scope.in.entity))
      );
    default:
      return true;
  }
}

function sameEntity(a: TypeAndId, b: unknown): boolean {
  const other = ((b as { __entity?: TypeAndId }).__entity ?? b) as TypeAndId;
  return a.type === other.type && a.id === other.id;
}
