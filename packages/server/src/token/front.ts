// The door of the authorization server. Fixes which paths there are on which listener, bounds what is read, and hands the OAuth
// library a request that says nothing but what we put there. Wires the pieces of this room together.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Denial, denial, type PeerOnWire, says, TYP } from '@writ/core';
import { createReadApiToken, type ReadApiToken } from './api-token.ts';
import { createReadClientToken, type ReadClientToken } from './client-token.ts';
import { createTaskOfConsent } from './consents.ts';
import { type Continuations, createContinuations } from './continuation.ts';
import { ownScopesAt } from './entitlement.ts';
import { basePathOf, cleanRequest, readForm, remoteOf, withTokenById } from './front-request.ts';
import { createTokenExchange } from './grants/token-exchange.ts';
import { createInteractions } from './interactions.ts';
import { jwksOf } from './keys.ts';
import { createFinishToken } from './library-tokens.ts';
import { readOwnClaims } from './own-token.ts';
import type { AuthorizationServerDeps } from './ports.ts';
import { createProvider, ROUTES } from './provider.ts';
import { explainRefusals } from './refused-answers.ts';
import { createRegistry, type Registry } from './registry.ts';
import { openRevocationLease, type RevocationLease } from './revocation-lease.ts';
import { createRevoke, type Revoke } from './revoke.ts';
import { createOpenRoot } from './roots.ts';
import { createTasks, type Tasks } from './tasks.ts';

export interface AuthorizationServer {
  /** For the issuer's own address. False: not one of its paths, and nothing was answered. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<boolean>;
  /** For the `mtls` listener; the client is the peer it verified. False as above. */
  handleMtls(req: IncomingMessage, res: ServerResponse, peer: PeerOnWire): Promise<boolean>;
  readonly tasks: Tasks;
  readonly continuations: Continuations;
  readonly revocations: RevocationLease;
  readonly revoke: Revoke;
  readonly registry: Pick<Registry, 'find'>;
  readonly readApiToken: ReadApiToken;
  readonly readClientToken: ReadClientToken;
  stop(): void;
}

const METADATA = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'];
const CONTEXT_JWKS = '/.well-known/writ-context-jwks.json';
const FOR_PROGRAMS = new Set<string>([
  ...METADATA,
  ROUTES.token,
  ROUTES.jwks,
  ROUTES.device_authorization,
  ROUTES.introspection,
  ROUTES.revocation,
]);
const FOR_PEOPLE = /^\/oauth\/(authorize(\/[\w-]+)?|device(\/[\w-]+)?|session\/end\/confirm)$/;
const ON_MTLS = new Set<string>([ROUTES.token, ROUTES.introspection, ROUTES.revocation]);
const CONTINUATION = /^\/oauth\/tasks\/(tsk_[\w-]{1,64})\/continuation$/;
const BY_ID = new Set<string>([ROUTES.introspection, ROUTES.revocation]);

export async function createAuthorizationServer(deps: AuthorizationServerDeps): Promise<AuthorizationServer> {
  const issuer = new URL(deps.issuer);
  const base = basePathOf(issuer);
  const registry = createRegistry(deps.store);
  const revocations = await openRevocationLease(deps);
  const revoke = createRevoke(deps, registry, revocations);
  const continuations = createContinuations(deps, registry);
  const openRoot = createOpenRoot(deps, registry);
  const tasks = createTasks(deps, { openRoot, continuations, revoke, revocations });
  const taskOfConsent = createTaskOfConsent(deps, openRoot);
  const exchange = createTokenExchange(deps, registry, revocations);
  const finishToken = createFinishToken(deps, { registry, taskOfConsent, revocations });
  const provider = createProvider(deps, { registry, revoke, exchange, finishToken });
  explainRefusals(provider, deps);
  const interactions = createInteractions(provider);
  const library = provider.callback();

  async function toLibrary(
    req: IncomingMessage,
    res: ServerResponse,
    url: string,
    peer: PeerOnWire | null,
    forProgram: boolean,
  ): Promise<true> {
    const form = await readForm(req);
    if (form === 'cut_short') return true; // nobody is there to be answered
    if (form === 'too_large') return answerUnread(req, res, peer);
    const path = url.split('?', 1)[0]!;
    const { body, claims } = BY_ID.has(path) ? withTokenById(form, readToken) : { body: form, claims: null };
    if (!forProgram) forbidFraming(res);
    await library(cleanRequest(req, { issuer, url, body, peer, claims, forProgram }), res);
    return true;
  }

  const readToken = (token: string) => readOwnClaims(token, deps, [TYP.accessToken]);

  /** A request that names no scope asks for what its client may have there; the person still sees and agrees to each. */
  function withScope(url: string): string {
    const asked = new URL(url, deps.issuer);
    const clientId = asked.searchParams.get('client_id');
    const resources = asked.searchParams.getAll('resource');
    if (asked.pathname !== ROUTES.authorization || asked.searchParams.has('scope') || clientId === null) return url;
    const scopes = resources.length === 1 ? ownScopesAt(clientId, resources[0]!, deps.authority()) : [];
    if (scopes.length === 0) return url;
    asked.searchParams.set('scope', scopes.join(' '));
    return `${asked.pathname}${asked.search}`;
  }

  return {
    async handle(req, res) {
      const url = below(base, req.url ?? '/');
      if (url === null) return false;
      const path = url.split('?', 1)[0]!;
      if (path === CONTEXT_JWKS) return answerJson(res, 200, jwksOf(deps.keys.context));
      if (FOR_PROGRAMS.has(path)) return toLibrary(req, res, url, null, true);
      if (FOR_PEOPLE.test(path)) return toLibrary(req, res, withScope(url), null, false);
      if (!path.startsWith('/interaction/')) return false;
      forbidFraming(res);
      await deps.people.handleInteraction(req, res, interactions);
      return true;
    },

    async handleMtls(req, res, peer) {
      const url = req.url ?? '/';
      const path = url.split('?', 1)[0]!;
      if (ON_MTLS.has(path)) return toLibrary(req, res, url, peer, true);
      const task = CONTINUATION.exec(path)?.[1];
      if (task === undefined) return false;
      return answerContinuation(req, res, task, peer);
    },

    tasks,
    continuations,
    revocations,
    revoke,
    registry: { find: registry.find },
    readApiToken: createReadApiToken(deps, registry, revocations),
    readClientToken: createReadClientToken(deps, registry, revocations),
    stop: () => revocations.stop(),
  };

  async function answerContinuation(
    req: IncomingMessage,
    res: ServerResponse,
    task: string,
    peer: PeerOnWire,
  ): Promise<true> {
    req.resume();
    if (req.method !== 'GET') return answerJson(res, 405, { error: 'invalid_request' });
    try {
      const answer = await continuationFor(task, peer);
      if (answer.outcome === 'pass') return answerJson(res, 200, { ...answer.facts });
      return await answerDenial(req, res, answer.denial, peer);
    } catch (error) {
      deps.report('continuation', error);
      return answerDenial(req, res, denial('gateway.outage'), peer);
    }
  }

  async function continuationFor(task: string, peer: PeerOnWire) {
    const holder = peer.listener === 'oauth' ? null : peer.spiffeId;
    if (holder === null) return { outcome: 'deny', denial: denial('transport.identity_invalid', {}) } as const;
    await revocations.ensure();
    const { fresh, agents } = revocations.view();
    if (!fresh) return { outcome: 'deny', denial: denial('gateway.store_unreachable', {}) } as const;
    if (agents.has(holder))
      return { outcome: 'deny', denial: denial('transport.identity_revoked', { peer: holder }) } as const;
    return tasks.continuationOf(task, holder);
  }

  async function answerUnread(req: IncomingMessage, res: ServerResponse, peer: PeerOnWire | null): Promise<true> {
    const code = 'gateway.too_large';
    const id = deps.newId();
    res.setHeader('Connection', 'close');
    res.setHeader('Writ-Decision', id);
    const source = remoteOf(req, peer);
    const about = { event: 'token.refused', id, client: null, source, grant: null, detail: {} } as const;
    await deps
      .record({ ...about, error: 'invalid_request', code })
      .catch((failure: unknown) => deps.report('record of a refusal', failure));
    answerJson(res, 413, { error: 'invalid_request', error_description: says(code), code, decisionId: id });
    req.resume();
    return true;
  }

  async function answerDenial(req: IncomingMessage, res: ServerResponse, why: Denial, peer: PeerOnWire): Promise<true> {
    const id = deps.newId();
    const outage = why.code.startsWith('gateway.');
    const error = outage ? 'temporarily_unavailable' : 'access_denied';
    res.setHeader('Writ-Decision', id);
    const refused = {
      event: 'token.refused',
      id,
      client: peer.listener === 'oauth' ? null : peer.spiffeId,
      source: remoteOf(req, peer),
      grant: 'continuation',
      error,
      code: why.code,
      detail: why.detail,
    } as const;
    await deps.record(refused).catch((failure: unknown) => deps.report('record of a refusal', failure));
    const body = { error, error_description: says(why.code), code: why.code, decisionId: id };
    return answerJson(res, outage ? 503 : 403, body);
  }
}

/** Path and query below the issuer's path, or null. RFC 8414 §3.1 puts the well-known part in front of that path. */
function below(base: string, url: string): string | null {
  if (base === '') return url;
  for (const metadata of METADATA) if (url === `${metadata}${base}`) return metadata;
  return url.startsWith(`${base}/`) ? url.slice(base.length) : null;
}

function answerJson(res: ServerResponse, status: number, body: object): true {
  res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  res.end(JSON.stringify(body));
  return true;
}

/** A page where a person agrees to something is never shown inside another. */
function forbidFraming(res: ServerResponse): void {
  res.setHeader('Content-Security-Policy', "frame-ancestors 'none'");
  res.setHeader('X-Frame-Options', 'DENY');
  res.setHeader('Referrer-Policy', 'no-referrer');
}
