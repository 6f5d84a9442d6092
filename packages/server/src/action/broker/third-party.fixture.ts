// Somebody else's authorization server (oidc-provider) and an MCP server behind it (the MCP SDK with its own bearer check), as the
// broker meets them in the world. The token exchange is a grant of this server's own: it trusts the plane's statements about people.

import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { mcpAuthMetadataRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { createRemoteJWKSet, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose';
import Provider, { type KoaContextWithOIDC } from 'oidc-provider';
import * as z from 'zod';
import type { OauthRef } from '../../config/config.ts';

export const clientSecret = 'client-secret-of-writ-at-the-third-party';
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/** The client `writ` there, whose secret stands in the variable `SECRET`. */
export function clientOf(issuer: string, over: Partial<OauthRef> = {}): OauthRef {
  return {
    ...{ kind: 'oauth', issuer, clientId: 'writ', grant: 'client_credentials', resource: null, audience: null },
    auth: { kind: 'secret', secret: { kind: 'env', name: 'SECRET' } },
    ...{ scopes: ['notes.read'], stepUp: [], challenged: false, ...over },
  };
}

/** The handler is made once the address is known. */
export async function serve(make: (url: string) => RequestListener | Promise<RequestListener>): Promise<Served> {
  let handler: RequestListener = (_, res) => void res.writeHead(503).end();
  const server: Server = createServer((req: IncomingMessage, res: ServerResponse) => handler(req, res));
  server.unref();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  handler = await make(url);
  return {
    url,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

export interface ThirdParty extends Served {
  /** What the token endpoint was asked, newest last: decoded bodies. */
  readonly asked: URLSearchParams[];
  readonly revoked: string[];
  /** Private key of the client `writ-key`, PEM. */
  readonly clientKey: string;
  /** Signs statements about people as the plane would. */
  assert(about: { readonly subject: { readonly sub: string }; readonly audience: string }): string;
  /** Seconds that its tokens live. */
  lifeSeconds: number;
  /** Whose statements about people it believes. */
  trusts: { readonly issuer: string; readonly keys: KeyObject | JWTVerifyGetKey };
}

/** `scopes` are those that a resource there can have. */
export async function startThirdParty(planeIssuer: string, scopes = 'notes.read notes.write'): Promise<ThirdParty> {
  const asked: URLSearchParams[] = [];
  const revoked: string[] = [];
  const client = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const plane = generateKeyPairSync('ed25519');
  const party = { lifeSeconds: 300, trusts: { issuer: planeIssuer, keys: plane.publicKey } as ThirdParty['trusts'] };
  const people = new WeakMap<object, string>();
  const grants = { grant_types: ['client_credentials', exchange], redirect_uris: [], response_types: [] };
  const served = await serve((issuer) => {
    const provider = new Provider(issuer, {
      clients: [
        { client_id: 'writ', client_secret: clientSecret, ...grants },
        {
          ...{ client_id: 'writ-key', token_endpoint_auth_method: 'private_key_jwt', ...grants },
          ...{
            token_endpoint_auth_signing_alg: 'ES256',
            jwks: { keys: [client.publicKey.export({ format: 'jwk' }) as never] },
          },
        },
      ],
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        revocation: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_ctx, resource) => ({
            ...{ scope: scopes, audience: resource, accessTokenFormat: 'jwt' as const },
            accessTokenTTL: party.lifeSeconds,
          }),
        },
      },
      extraTokenClaims: (_ctx, token) => ({ person: people.get(token) }),
    });
    provider.registerGrantType(
      exchange,
      async (ctx: KoaContextWithOIDC) => {
        const body = ctx.oidc.body as Record<string, string>;
        const { issuer: from, keys } = party.trusts;
        const { payload } = await jwtVerify(body.subject_token!, keys as JWTVerifyGetKey, {
          ...{ issuer: from, audience: issuer, typ: 'writ-assertion+jwt', maxTokenAge: 60 },
        });
        const token = new provider.ClientCredentials({ client: ctx.oidc.client!, scope: body.scope } as never);
        people.set(token, String(payload.sub));
        token.resourceServer = new provider.ResourceServer(body.resource!, {
          ...{ scope: scopes, audience: body.resource!, accessTokenFormat: 'jwt', accessTokenTTL: party.lifeSeconds },
        });
        (token as { scope?: string }).scope = body.scope;
        ctx.body = {
          ...{
            access_token: await token.save(),
            expires_in: token.expiration,
            token_type: 'Bearer',
            scope: body.scope,
          },
          issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        };
      },
      ['subject_token', 'subject_token_type', 'requested_token_type', 'scope', 'resource', 'audience'],
      [],
    );
    provider.use(async (ctx, next) => {
      await next();
      const body = (ctx as unknown as KoaContextWithOIDC).oidc?.body as Record<string, string> | undefined;
      if (ctx.path === '/token' && body) asked.push(new URLSearchParams(body));
      if (ctx.path === '/token/revocation' && body) revoked.push(body.token!);
    });
    return provider.callback();
  });
  return Object.assign(party, {
    ...served,
    asked,
    revoked,
    clientKey: client.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    assert: statementsOf(plane.privateKey, planeIssuer),
  }) as ThirdParty;
}

function statementsOf(key: KeyObject, issuer: string): ThirdParty['assert'] {
  // jose signs asynchronously, the port is synchronous as the plane's own signer is: statements are made ahead.
  const made = new Map<string, string>();
  const of = (sub: string, audience: string) => `${sub} ${audience}`;
  return Object.assign(
    ({ subject, audience }: { subject: { sub: string }; audience: string }) => made.get(of(subject.sub, audience))!,
    {
      async prepare(sub: string, audience: string) {
        const claims = new SignJWT({ jti: randomUUID() }).setProtectedHeader({
          alg: 'EdDSA',
          typ: 'writ-assertion+jwt',
        });
        const signed = claims
          .setIssuer(issuer)
          .setSubject(sub)
          .setAudience(audience)
          .setIssuedAt()
          .setExpirationTime('5m');
        made.set(of(sub, audience), await signed.sign(key));
      },
    },
  );
}

export interface GuardedMcp extends Served {
  /** `METHOD scope person` of every request that came through the bearer check. */
  readonly through: {
    readonly method: string;
    readonly scope: string;
    readonly client: string;
    readonly person: string;
  }[];
  readonly authorizations: (string | undefined)[];
}

/** Tools: `read` needs notes.read, `write` notes.write too. */
export function startGuardedMcp(
  issuer: string,
  metadata: Partial<{ resource: string; issuer: string }> = {},
): Promise<GuardedMcp> {
  const through: GuardedMcp['through'] = [];
  const authorizations: GuardedMcp['authorizations'] = [];
  return serve((origin) => {
    const resource = `${origin}/mcp`;
    const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
    const verifier = {
      async verifyAccessToken(token: string) {
        const { payload } = await jwtVerify(token, keys, { issuer, audience: resource });
        return {
          token,
          clientId: String(payload.client_id),
          scopes: String(payload.scope).split(' '),
          extra: { person: payload.person },
          expiresAt: payload.exp!,
        };
      },
    };
    const metadataUrl = `${origin}/.well-known/oauth-protected-resource/mcp`;
    const guard = (...requiredScopes: string[]) =>
      requireBearerAuth({ verifier, requiredScopes, resourceMetadataUrl: metadataUrl });
    const app = express();
    app.use(express.json());
    app.use((req, _res, next) => {
      authorizations.push(req.headers.authorization);
      next();
    });
    app.use(
      mcpAuthMetadataRouter({
        oauthMetadata: {
          ...{
            issuer: metadata.issuer ?? issuer,
            authorization_endpoint: `${issuer}/auth`,
            token_endpoint: `${issuer}/token`,
          },
          response_types_supported: ['code'],
        },
        resourceServerUrl: new URL(metadata.resource ?? resource),
        scopesSupported: ['notes.read', 'notes.write'],
      }),
    );
    // The router serves the path of the resource it was told; a server that lies does so where it is asked.
    app.get('/.well-known/oauth-protected-resource/mcp', (_req, res) => {
      res.json({ resource: metadata.resource ?? resource, authorization_servers: [metadata.issuer ?? issuer] });
    });
    app.post('/mcp', (req, res, next) => {
      const writes = req.body?.method === 'tools/call' && req.body.params?.name === 'write';
      guard(...(writes ? ['notes.read', 'notes.write'] : ['notes.read']))(req, res, next);
    });
    app.post('/mcp', async (req, res) => {
      const {
        scopes = [],
        clientId = '',
        extra,
      } = (req as { auth?: { scopes: string[]; clientId: string; extra?: { person?: string } } }).auth ?? {};
      through.push({ method: req.body.method, scope: scopes.join(' '), client: clientId, person: extra?.person ?? '' });
      const server = new McpServer({ name: 'notes', version: '1' });
      for (const name of ['read', 'write']) {
        server.registerTool(name, { inputSchema: { text: z.string().optional() } }, ({ text }) => ({
          content: [{ type: 'text', text: `${name} ${text ?? ''} ${req.headers['x-echo'] ?? ''}` }],
        }));
      }
      const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
      await server.connect(transport);
      await transport.handleRequest(req, res, req.body);
    });
    return app;
  }).then((served) => ({ ...served, through, authorizations }));
}
