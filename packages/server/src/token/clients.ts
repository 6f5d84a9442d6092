// Every OAuth client there is, made from the configuration in force: agents by SPIFFE ID, the listed clients, and the plane's own.
// Nobody registers, and nothing about a client is stored.

import { agentPath, type JsonObject, parseSpiffeId } from '@writ/core';
import { type ClientMetadata, Provider } from 'oidc-provider';
import { type Authority, type ClientEntry, GRANT } from './ports.ts';

/** The plane's own clients: their tokens carry no `act`, and only they may ask for the first-party API (rules §1.2). */
const FIRST_PARTY = ['writ-cli', 'writ-console'] as const;

/** The one scope of the first-party API; what a person may do there is a matter of their session and roles. */
export const API_SCOPE = 'api';

export function isFirstParty(clientId: string): boolean {
  return (FIRST_PARTY as readonly string[]).includes(clientId);
}

/** Key in edges and entitlements. */
export function callerKey(clientId: string, authority: Authority): string {
  return agentOf(clientId, authority)?.path ?? `client:${clientId}`;
}

/** The agent of this client_id, which is its SPIFFE ID. */
export function agentOf(clientId: string, authority: Authority) {
  const spiffeId = parseSpiffeId(clientId);
  const path = spiffeId === null ? null : agentPath(spiffeId);
  const entry = path === null ? undefined : authority.agents.get(path);
  return path !== null && entry?.spiffeId === clientId ? { path, ...entry } : null;
}

/** RFC 7591 metadata, or undefined for a client nobody configured. */
export function clientMetadata(clientId: string, authority: Authority, issuer: string): ClientMetadata | undefined {
  if (clientId === 'writ-cli') return cli();
  if (clientId === 'writ-console') return console(issuer);
  const agent = agentOf(clientId, authority);
  if (agent) return agentClient(agent.path, agent.spiffeId, agent.jwks);
  const client = authority.clients.get(clientId);
  return client ? listedClient(clientId, client) : undefined;
}

function agentClient(path: string, spiffeId: string, jwks: readonly JsonObject[]): ClientMetadata {
  const named = {
    client_id: spiffeId,
    client_name: path,
    grant_types: [GRANT.clientCredentials, GRANT.tokenExchange],
    response_types: [],
    redirect_uris: [],
  };
  // An agent that has keys may prove itself by either; what it sent decides, since the library knows one method per client.
  const asserts = jwks.length > 0 && Provider.ctx?.oidc.params?.client_assertion !== undefined;
  return asserts
    ? { ...named, token_endpoint_auth_method: 'private_key_jwt', jwks: keySet(jwks) }
    : { ...named, token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_uri: spiffeId };
}

/** An Ed25519 key goes by two algorithm names (RFC 9864); the key is the same under both. */
function keySet(jwks: readonly JsonObject[]): NonNullable<ClientMetadata['jwks']> {
  const keys = jwks.map(({ alg, ...key }) => (key.kty === 'OKP' || alg === undefined ? key : { ...key, alg }));
  return { keys: keys as never };
}

function listedClient(clientId: string, { redirectUris, bearer, jwks }: ClientEntry): ClientMetadata {
  return {
    client_id: clientId,
    client_name: clientId,
    application_type: redirectUris.every((uri) => uri.startsWith('https://')) ? 'web' : 'native',
    grant_types: [GRANT.code, GRANT.refresh, GRANT.device],
    response_types: ['code'],
    redirect_uris: [...redirectUris],
    ...(jwks.length > 0
      ? { token_endpoint_auth_method: 'private_key_jwt', jwks: keySet(jwks) }
      : { token_endpoint_auth_method: 'none' }),
    dpop_bound_access_tokens: !bearer,
  };
}

function cli(): ClientMetadata {
  return {
    client_id: 'writ-cli',
    client_name: 'writ, the command line',
    application_type: 'native',
    grant_types: [GRANT.code, GRANT.device],
    response_types: ['code'],
    // RFC 8252 §7.3: any port on loopback.
    redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'],
    token_endpoint_auth_method: 'none',
  };
}

function console(issuer: string): ClientMetadata {
  return {
    client_id: 'writ-console',
    client_name: 'the Writ console',
    application_type: issuer.startsWith('https://') ? 'web' : 'native',
    grant_types: [GRANT.code],
    response_types: ['code'],
    redirect_uris: [`${issuer}/console/callback`],
    token_endpoint_auth_method: 'none',
  };
}
