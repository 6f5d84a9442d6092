// What a client may ask at the front channel and by client credentials: which resource, and which scopes there. The library would
// give every scope of a resource to every client and drop the ones it does not know; here an unknown scope is an error.

import { anyScopeCovers, parseScope, type Resource } from '@writ/core';
import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import { API_SCOPE, agentOf, callerKey, isFirstParty } from './clients.ts';
import { type Authority, apiOf } from './ports.ts';
import { refuse } from './refusal.ts';

export interface EntitlementWorld {
  readonly issuer: string;
  readonly authority: () => Authority;
}

const clientTokenSeconds = 600;
const firstPartyTokenSeconds = 600;

/** Scopes the library knows by itself: they ask for a kind of token, not for anything to do. */
const STATIC = new Set(['openid', 'offline_access']);

/** The resource as the library wants it; throws the refusal. RFC 8707 §2. */
export function resourceServer(ctx: KoaContextWithOIDC, resource: string, world: EntitlementWorld): ResourceServer {
  const clientId = ctx.oidc.client!.clientId;
  const authority = world.authority();
  const asked = askedScopes(ctx);
  const scopes = grantable(clientId, resource, asked, authority, world.issuer);
  const named = resourcesOf(ctx, resource);
  const unknown = asked.find(
    (scope) => !named.some((one) => grantable(clientId, one, asked, authority, world.issuer).includes(scope)),
  );
  if (unknown !== undefined) {
    throw new errors.InvalidScope(`the scope \`${unknown}\` is not one that this client may have there`, unknown);
  }
  return {
    scope: scopes.join(' '),
    audience: resource,
    accessTokenFormat: 'jwt',
    accessTokenTTL: isFirstParty(clientId) ? firstPartyTokenSeconds : clientTokenSeconds,
    jwt: { sign: { alg: authority.clients.get(clientId)?.tokenAlg ?? 'EdDSA' } },
  };
}

/** The resource of a request that names none (RFC 8707 lets the server choose): one where the choice is plain, else a refusal. */
export function defaultResource(ctx: KoaContextWithOIDC, issuer: string, authority: Authority): string {
  const clientId = ctx.oidc.client!.clientId;
  if (isFirstParty(clientId)) return apiOf(issuer);
  if (agentOf(clientId, authority)) return issuer;
  throw new errors.InvalidTarget('name the server or agent the token is for with `resource`');
}

/** What a client may have at a callee, for a request that names no scope: most MCP clients begin so. Empty: nothing, or nobody. */
export function ownScopesAt(clientId: string, resource: string, authority: Authority): readonly string[] {
  const callee = authority.resources.get(resource);
  if (!callee || !authority.clients.has(clientId)) return [];
  const key = callerKey(clientId, authority);
  if (!authority.edges.get(key)?.has(callee.key)) return [];
  return (authority.entitlements.get(key) ?? []).filter((scope) => belongs(scope, callee, authority));
}

function grantable(
  clientId: string,
  resource: string,
  asked: readonly string[],
  authority: Authority,
  issuer: string,
): readonly string[] {
  if (isFirstParty(clientId)) {
    if (resource !== apiOf(issuer)) throw refuse('transport.edge_not_allowed', { caller: clientId, target: resource });
    return [API_SCOPE];
  }
  if (agentOf(clientId, authority)) {
    // By itself an agent acts for nobody (rules §2.3): such a token is for the plane's own endpoints.
    if (resource !== issuer) throw refuse('token.no_mandate', { client: clientId, target: resource });
    return [];
  }
  const key = callerKey(clientId, authority);
  const callee = authority.resources.get(resource);
  if (!callee || !authority.edges.get(key)?.has(callee.key)) {
    throw refuse('transport.edge_not_allowed', { caller: key, target: callee?.key ?? resource });
  }
  const own = authority.entitlements.get(key) ?? [];
  const useful = (scope: string) => belongs(scope, callee, authority);
  return [...new Set([...own, ...asked.filter((scope) => anyScopeCovers(own, scope))])].filter(useful);
}

/** A server takes its own scopes; an agent what it may use or delegate (rules §2.4). */
function belongs(scope: string, callee: Resource, authority: Authority): boolean {
  if (callee.kind !== 'agent') return parseScope(scope)?.name === callee.key;
  const usable = [...(authority.entitlements.get(callee.key) ?? []), `${callee.key}:send`, `${callee.key}:skills/*`];
  return anyScopeCovers(usable, scope);
}

/** Scopes of this request, or of the code or refresh token it redeems. */
function askedScopes(ctx: KoaContextWithOIDC): readonly string[] {
  const { params, entities } = ctx.oidc;
  const source = entities.AuthorizationCode ?? entities.DeviceCode ?? entities.RefreshToken;
  const scope = params?.scope ?? source?.scope;
  return typeof scope === 'string' ? scope.split(' ').filter((one) => one !== '' && !STATIC.has(one)) : [];
}

/** All resources of the request: a scope has to belong to one of them. */
function resourcesOf(ctx: KoaContextWithOIDC, resource: string): readonly string[] {
  const { params, entities } = ctx.oidc;
  const source = entities.AuthorizationCode ?? entities.DeviceCode ?? entities.RefreshToken;
  const named = [params?.resource, (source as { resource?: unknown } | undefined)?.resource].flat();
  return [...new Set([resource, ...named.filter((one): one is string => typeof one === 'string')])];
}
