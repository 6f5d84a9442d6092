// One question to Cedar: asker, action, resource, and the facts policy may look at. Ids are made from what was proven:
// a SPIFFE ID, a client id, the pair (iss, sub). Raw text that no policy reads does not come here.

import type { CedarValueJson, EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import { type Asker, type PolicyRequest, type Principal, type TrustFacts, userKey } from '@writ/core';
import { type Operation, riskOf } from '../operation.ts';
import { type ActionSchema, CONFIGURED_USERS, NAMESPACE } from '../schema.ts';
import { type Held, heldHolds } from '../where.ts';
import type { Question } from './slots.ts';
import { recordValue } from './types.ts';

/** Whom the plane knows. */
export interface Parties {
  readonly trustDomain: string;
  readonly issuer: string;
  /** Names of the configured users, `sub` at the plane's issuer. */
  readonly users: ReadonlySet<string>;
}

export type QuestionResult = { readonly question: Question } | { readonly says: string };

export function questionOf(
  request: PolicyRequest,
  operation: Operation,
  schema: ActionSchema,
  held: ReadonlyMap<string, Held>,
  parties: Parties,
): QuestionResult {
  const input = recordValue(request.arguments, schema.input);
  if (input === undefined)
    return { says: `an argument of \`${operation.action}\` that policy reads cannot be compared exactly` };
  const principal = principalEntity(request.asker, parties);
  const root = userEntity(request.context.root, parties);
  if (!principal || !root) return { says: 'an issuer whose name holds a space cannot be told from its subject' };
  const { context } = request;
  const holds = [...held].map(([name, one]) => [name, heldHolds(one, request.arguments)] as const);
  return {
    question: {
      principal: uidOf(principal),
      action: uid('Action', operation.action),
      resource: resourceUid(operation, parties),
      context: {
        actor: context.actor,
        root: { __entity: uidOf(root) },
        via: [...context.via],
        depth: context.depth,
        task: context.task,
        scopes: [...context.scopes],
        protocol: context.protocol,
        operation: request.operation,
        now: { __extn: { fn: 'datetime', arg: new Date(context.nowSeconds * 1000).toISOString() } },
        risk: riskOf(operation, request.arguments),
        input,
        holds: Object.fromEntries(holds) as { [name: string]: CedarValueJson },
        ...(schema.trust && context.trust ? { trust: trustValue(context.trust) } : {}),
      },
      entities: distinct([principal, root, resourceEntity(operation, parties)]),
    },
  };
}

/** A fact that is not there is no fact. */
function trustValue(facts: TrustFacts): { [name: string]: CedarValueJson } {
  return Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== null));
}

/** Null for a principal that cannot be named without doubt. */
export function principalEntity(asker: Asker, parties: Parties): EntityJson | null {
  if (asker.kind === 'user') return userEntity(asker.principal, parties);
  if (asker.kind === 'client') return plain(uid('Client', asker.clientId));
  return agentEntity(asker.spiffeId);
}

export function resourceEntity(operation: Operation, parties: Parties): EntityJson {
  if (operation.target.kind === 'agent')
    return { ...plain(resourceUid(operation, parties)), attrs: { path: operation.target.server } };
  return {
    uid: resourceUid(operation, parties),
    attrs: { risk: operation.risk, manifest: operation.manifest },
    parents: [uid('Server', operation.target.server)],
  };
}

function resourceUid({ target, action }: Operation, { trustDomain }: Parties): TypeAndId {
  return target.kind === 'agent' ? uid('Agent', spiffeIdOf(trustDomain, target.server)) : uid('Tool', action);
}

/** Of an agent's path. The one spelling: callers and callees are the same entities. */
export function spiffeIdOf(trustDomain: string, path: string): string {
  return `spiffe://${trustDomain}/${path}`;
}

export function uid(type: string, id: string): TypeAndId {
  return { type: `${NAMESPACE}::${type}`, id };
}

function plain(id: TypeAndId): EntityJson {
  return { uid: id, attrs: {}, parents: [] };
}

function agentEntity(spiffeId: string): EntityJson {
  const path = spiffeId.replace(/^spiffe:\/\/[^/]*\/?/, '');
  return { ...plain(uid('Agent', spiffeId)), attrs: { path } };
}

function userEntity(principal: Principal, { issuer, users }: Parties): EntityJson | null {
  // `iss sub` is one name only while the issuer holds no space.
  if (principal.iss.includes(' ')) return null;
  const isConfigured = principal.iss === issuer && users.has(principal.sub);
  return {
    uid: uid('User', userKey(principal)),
    attrs: { iss: principal.iss, sub: principal.sub },
    parents: isConfigured ? [uid('UserGroup', CONFIGURED_USERS)] : [],
  };
}

export function uidOf(entity: EntityJson): TypeAndId {
  return entity.uid as TypeAndId;
}

function distinct(entities: readonly EntityJson[]): EntityJson[] {
  // No type has a space in its name.
  const byId = new Map(entities.map((entity) => [`${uidOf(entity).type} ${uidOf(entity).id}`, entity]));
  return [...byId.values()];
}
