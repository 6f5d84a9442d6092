// `oidc-provider`, narrowed to what the plane uses and tied to our rules where it would be generous. Public interface only:
// nothing is imported from its `lib/`, because that moves with every minor version.

import { parseSpiffeId, type SpiffeId } from '@writ/core';
import Provider, { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { claimReplay, createAdapters } from './adapter.ts';
import { API_SCOPE } from './clients.ts';
import { defaultResource, resourceServer } from './entitlement.ts';
import { basePathOf, peerOf } from './front-request.ts';
import { EXCHANGE_PARAMETERS } from './grants/exchange-request.ts';
import type { TokenExchange } from './grants/token-exchange.ts';
import type { FinishToken } from './library-tokens.ts';
import { PLAIN_PAGES } from './pages.ts';
import { type AuthorizationServerDeps, consentSeconds, GRANT } from './ports.ts';
import { refusal } from './refusal.ts';
import type { Registry } from './registry.ts';
import type { Revoke } from './revoke.ts';

export interface ProviderRooms {
  readonly registry: Registry;
  readonly revoke: Revoke;
  readonly exchange: TokenExchange;
  readonly finishToken: FinishToken;
}

const sessionSeconds = 8 * 3_600;
const interactionSeconds = 900;
const codeSeconds = 60;
const deviceCodeSeconds = 600;
const replaySeconds = 600;
const shortestSeconds = 60;

export const ROUTES = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  jwks: '/oauth/jwks',
  device_authorization: '/oauth/device/authorize',
  code_verification: '/oauth/device',
  introspection: '/oauth/introspect',
  revocation: '/oauth/revoke',
  end_session: '/oauth/session/end',
} as const;

export function createProvider(deps: AuthorizationServerDeps, rooms: ProviderRooms): Provider {
  const provider = new Provider(deps.issuer, configuration(deps, rooms));
  // Host and scheme come from front-request.ts, in headers that it alone writes.
  provider.proxy = true;
  (provider as NodeJS.EventEmitter).on('error', (error: unknown) => deps.report('authorization server', error));

  // The library looks for an id and then saves it; two requests between those steps would both find nothing. Here it is one insert.
  provider.ReplayDetection.unique = async (iss: string, jti: string, exp?: number) =>
    claimReplay(deps.store, `${iss} ${jti}`, exp ?? deps.clock.nowSeconds() + replaySeconds);

  const exchange = async (ctx: KoaContextWithOIDC) => {
    // As they were sent: among the library's own parameters `resource` is filled in when `authorization_details` is there.
    const answer = await rooms.exchange(certifiedClient(ctx), ctx.oidc.body ?? {});
    if ('code' in answer) throw refusal(answer);
    ctx.body = answer;
  };
  provider.registerGrantType(GRANT.tokenExchange, exchange, [...EXCHANGE_PARAMETERS], ['audience', 'resource']);
  return provider;
}

/** The client of this request, when its certificate proved it on this connection. */
function certifiedClient(ctx: KoaContextWithOIDC): SpiffeId | null {
  const id = certified(ctx);
  return id !== null && id === ctx.oidc.client?.clientId ? id : null;
}

function certified(ctx: KoaContextWithOIDC): SpiffeId | null {
  const peer = peerOf(ctx.req);
  if (!peer || peer.listener === 'oauth' || peer.spiffeId === null) return null;
  return parseSpiffeId(peer.spiffeId);
}

function configuration(deps: AuthorizationServerDeps, { registry, revoke, finishToken }: ProviderRooms): Configuration {
  const { issuer, mtlsBase, authority } = deps;
  return {
    adapter: createAdapters(deps, registry, revoke),
    jwks: { keys: deps.keys.libraryJwks() as never },
    cookies: {
      keys: [deps.keys.cookieSecret],
      long: { signed: true, httpOnly: true, sameSite: 'lax' },
      short: { signed: true, httpOnly: true, sameSite: 'lax' },
    },
    routes: ROUTES,
    scopes: ['offline_access'],
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'private_key_jwt', 'tls_client_auth'],
    clientDefaults: { id_token_signed_response_alg: 'EdDSA', response_types: [], grant_types: [] },
    enabledJWA: {
      // What others sign may say `Ed25519` (RFC 9864) or `EdDSA`; what we sign says `EdDSA` alone.
      clientAuthSigningAlgValues: ['EdDSA', 'Ed25519', 'ES256'],
      idTokenSigningAlgValues: ['EdDSA', 'ES256'],
      dPoPSigningAlgValues: ['EdDSA', 'Ed25519', 'ES256'],
    },
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    // Own tokens and assertions have no leeway beyond a few seconds of clock (rules §2.8).
    clockTolerance: 5,
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      userinfo: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      deviceFlow: deviceFlow(deps),
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => mayIntrospect(client.clientId, token, deps),
      },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => mayRevoke(client.clientId, token) },
      mTLS: {
        enabled: true,
        tlsClientAuth: true,
        // The listener verified the certificate and read it once; here only the name that came out of it counts.
        getCertificate: (ctx) => certified(ctx) ?? undefined,
        certificateAuthorized: (ctx) => certified(ctx) !== null,
        certificateSubjectMatches: (ctx, property, expected) =>
          property === 'tls_client_auth_san_uri' && certified(ctx) === expected,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, _client, oneOf) =>
          (oneOf as unknown as string | undefined) ?? defaultResource(ctx, issuer, authority()),
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) => resourceServer(ctx, resource, { issuer, authority }),
      },
    },
    assertJwtClientAuthClaimsAndHeader: (_ctx, claims) => {
      // RFC 7523bis: the issuer and nothing beside it, or an assertion meant for somebody else could be brought here.
      if (claims.aud !== issuer) throw new errors.InvalidClientAuth('the audience must be the issuer alone');
      if (claims.sub !== claims.iss) throw new errors.InvalidClientAuth('issuer and subject must be the client');
    },
    formats: {
      customizers: {
        jwt: async (ctx, token, { payload }) => finishToken(ctx, token.kind, payload as never),
      },
    },
    findAccount: async (_ctx, user) =>
      (await deps.people.exists(user)) ? { accountId: user, claims: async () => ({ sub: user }) } : undefined,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    expiresWithSession: async () => false,
    interactions: { url: (_ctx, interaction) => `${basePathOf(new URL(issuer))}/interaction/${interaction.uid}` },
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = (deps.people.pages ?? PLAIN_PAGES).failed({ error: out.error, says: out.error_description ?? '' });
    },
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? shortestSeconds,
      ClientCredentials: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? shortestSeconds,
      AuthorizationCode: codeSeconds,
      DeviceCode: deviceCodeSeconds,
      Grant: consentSeconds,
      Interaction: interactionSeconds,
      RefreshToken: consentSeconds,
      Session: sessionSeconds,
    },
    discovery: {
      mtls_endpoint_aliases: {
        token_endpoint: `${mtlsBase}${ROUTES.token}`,
        introspection_endpoint: `${mtlsBase}${ROUTES.introspection}`,
        revocation_endpoint: `${mtlsBase}${ROUTES.revocation}`,
      },
      scopes_supported: [API_SCOPE],
    },
  };
}

function deviceFlow(deps: AuthorizationServerDeps): NonNullable<Configuration['features']>['deviceFlow'] {
  const pages = () => deps.people.pages ?? PLAIN_PAGES;
  const named = (ctx: KoaContextWithOIDC) => ctx.oidc.client?.clientName ?? ctx.oidc.client?.clientId ?? 'the program';
  return {
    enabled: true,
    // RFC 8628 §6.1: without vowels, so that no word appears; 20^8 codes against ten minutes.
    charset: 'base-20',
    mask: '****-****',
    deviceInfo: (ctx) => ({ ip: ctx.ip, ua: ctx.get('user-agent').slice(0, 200) }),
    userCodeInputSource: async (ctx, form, _out, error) => {
      ctx.body = pages().typeCode({ form, problem: error ? 'That code is not waiting for anybody.' : null });
    },
    userCodeConfirmSource: async (ctx, form, _client, _info, code) => {
      ctx.body = pages().confirmCode({ form, client: named(ctx), code });
    },
    successSource: async (ctx) => {
      ctx.body = pages().deviceDone({ client: named(ctx) });
    },
  };
}

type Asked = { readonly clientId?: string | undefined; readonly aud?: unknown };

/** Whoever holds it, and whoever it is for; to everybody else it is not active. */
function mayIntrospect(clientId: string, token: object, { authority }: AuthorizationServerDeps): boolean {
  const { clientId: owner, aud } = token as Asked;
  if (owner === clientId) return true;
  return typeof aud === 'string' && authority().resources.get(aud)?.owner === clientId;
}

/** Its own client alone; another one is told so (RFC 7009 §2.1). */
function mayRevoke(clientId: string, token: object): boolean {
  if ((token as Asked).clientId !== clientId) throw new errors.InvalidRequest('the token belongs to another client');
  return true;
}
