// The configured parties as policy text names them: agents and clients by edge key, people by the issuer that vouches for
// them.

import { userKey } from '@writ/core';
import { CONFIGURED_USERS } from '../schema.ts';
import { spiffeIdOf } from './request.ts';
import { entity } from './text.ts';

/** Whom writ.yaml lists. */
export interface Directory {
  readonly trustDomain: string;
  readonly issuer: string;
  /** Agent path → keys of what it may call. */
  readonly agents: ReadonlyMap<string, readonly string[]>;
  /** Client id → keys of what it may call. */
  readonly clients: ReadonlyMap<string, readonly string[]>;
  readonly users: ReadonlySet<string>;
}

const CLIENT = 'client:';

/** What a caller is called in a chain: a SPIFFE ID or a client id. Null for an edge key that is not configured. */
export function subjectOf(edgeKey: string, { agents, clients, trustDomain }: Directory): string | null {
  if (edgeKey.startsWith(CLIENT)) {
    const id = edgeKey.slice(CLIENT.length);
    return clients.has(id) ? id : null;
  }
  return agents.has(edgeKey) ? spiffeIdOf(trustDomain, edgeKey) : null;
}

export function agentPrincipal(edgeKey: string, directory: Directory): string {
  const type = edgeKey.startsWith(CLIENT) ? 'Client' : 'Agent';
  return `principal == ${entity(type, subjectOf(edgeKey, directory)!)}`;
}

export interface UserScope {
  readonly principal: string;
  readonly when: readonly string[];
}

export function configuredUsers(): UserScope {
  return { principal: `principal in ${entity('UserGroup', CONFIGURED_USERS)}`, when: [] };
}

/** Cedar scopes name one entity; several are a condition. */
export function someUsers(names: readonly string[], issuer: string): UserScope {
  const users = names.map((sub) => entity('User', userKey({ iss: issuer, sub })));
  if (users.length === 1) return { principal: `principal == ${users[0]}`, when: [] };
  return { principal: 'principal is Writ::User', when: [`[${users.join(', ')}].contains(principal)`] };
}
