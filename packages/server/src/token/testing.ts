// Test support: an authorization server on loopback with the agents of the demo, and helpers to speak to it. The `mtls` listener is
// plain HTTP here: who is on the wire stands in a header that only this file reads, because verifying certificates is another room's.

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  chainFromClaims,
  type JsonObject,
  type PeerOnWire,
  parseSpiffeId,
  type Resource,
  type ScopedServers,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import type { Store } from '../store/store.ts';
import { type AuthorizationServer, createAuthorizationServer } from './front.ts';
import { type Keys, openKeys } from './keys.ts';
import type { People } from './people-port.ts';
import type { AgentEntry, Authority, AuthorizationServerDeps, ClientEntry, TokenEvent } from './ports.ts';

export const TD = 'zylos.local';
export const id = (path: string) => `spiffe://${TD}/${path}`;
export const ORCHESTRATOR = id('claude/orchestrator');
export const DB_AGENT = id('db/agent');
export const DB_READER = id('db/reader');

export interface Plane {
  readonly server: AuthorizationServer;
  readonly deps: AuthorizationServerDeps;
  readonly store: Store;
  readonly keys: Keys;
  readonly issuer: string;
  readonly mtls: string;
  readonly events: TokenEvent[];
  readonly clock: { seconds: number; monotonic: number };
  /** The configuration in force; a test may put another in its place. */
  authority: Authority;
  /** What is reviewed of the tools. */
  scoped: ScopedServers;
  /** Makes `record` reject. */
  auditDown: boolean;
  reported: string[];
  aud(kind: 'a2a' | 'mcp', key: string): string;
}

export interface PlaneOptions {
  readonly jwks?: { readonly [agent: string]: readonly JsonObject[] };
  readonly clients?: { readonly [id: string]: ClientEntry };
  readonly people?: People;
  readonly wallClock?: boolean;
  /** The issuer stands below this path. */
  readonly issuerPath?: string;
}

export async function openPlane(t: TestContext, store: Store, options: PlaneOptions = {}): Promise<Plane> {
  const dir = await mkdtemp(join(tmpdir(), 'writ-token-'));
  const keys = await openKeys({ dir });
  let server: AuthorizationServer | null = null;
  const admin = await listen((req, res) => server!.handle(req, res).then((done) => done || res.writeHead(404).end()));
  const mtls = await listen((req, res) =>
    server!.handleMtls(req, res, peerFrom(req)).then((done) => done || res.writeHead(404).end()),
  );
  const issuer = `${urlOf(admin)}${options.issuerPath ?? ''}`;
  const clock = { seconds: Math.floor(Date.now() / 1000), monotonic: 0 };
  const plane = {
    store,
    keys,
    issuer,
    mtls: urlOf(mtls),
    events: [] as TokenEvent[],
    reported: [] as string[],
    clock,
    auditDown: false,
    aud: (kind: string, key: string) => `${urlOf(mtls)}/${kind}/${key}`,
  };
  const whole = plane as unknown as Plane;
  whole.scoped = new Map();
  whole.authority = authorityOf(plane.mtls, options);
  const nowMillis = () => (options.wallClock ? Date.now() : clock.seconds * 1000);
  const deps: AuthorizationServerDeps = {
    issuer,
    mtlsBase: plane.mtls,
    trustDomain: TD,
    store,
    clock: { nowMillis, nowSeconds: () => Math.floor(nowMillis() / 1000) },
    monotonicMillis: () => (options.wallClock ? performance.now() : clock.monotonic),
    keys,
    engine: nodeEngine,
    authority: () => whole.authority,
    scopedServers: () => whole.scoped,
    people: options.people ?? { exists: async (user) => user === 'howard', handleInteraction: nobodyHome },
    record: async (event) => {
      if (whole.auditDown) throw Object.assign(new Error('the log is gone'), { name: 'AuditUnavailable' });
      plane.events.push(event);
    },
    report: (what, error) => void plane.reported.push(`${what}: ${String(error)}`),
    newId: () => randomBytes(16).toString('base64url'),
  };
  server = await createAuthorizationServer(deps);
  t.after(async () => {
    server.stop();
    admin.closeAllConnections();
    mtls.closeAllConnections();
    await Promise.all([admin, mtls].map((one) => new Promise((closed) => one.close(closed))));
    await rm(dir, { recursive: true });
  });
  return Object.assign(plane, { server, deps }) as unknown as Plane;
}

async function nobodyHome(_req: IncomingMessage, res: ServerResponse): Promise<void> {
  res.writeHead(404).end();
}

/** Edges and scopes of the demo: howard → claude/orchestrator → db/agent → db/reader, files and mail behind them. */
function authorityOf(base: string, options: PlaneOptions): Authority {
  const scopes = {
    'claude/orchestrator': [
      'files:read_file',
      'files:write_file',
      'mail:send',
      'db/agent:send',
      'db/reader:send',
      'docs:part/*',
    ],
    'db/agent': ['files:read_file', 'files:write_file', 'db/reader:send', 'claude/orchestrator:send'],
    'db/reader': ['files:read_file', 'db/agent:send'],
    'scheduler/c5': ['files:read_file'],
  };
  const calls = {
    'claude/orchestrator': ['db/agent', 'files', 'mail', 'docs'],
    'db/agent': ['db/reader', 'files', 'claude/orchestrator'],
    'db/reader': ['files', 'db/agent'],
    'scheduler/c5': ['files'],
  };
  const agents = new Map<string, AgentEntry>();
  const resources = new Map<string, Resource>();
  for (const path of Object.keys(scopes)) {
    agents.set(path, { spiffeId: id(path), jwks: options.jwks?.[path] ?? [] });
    const url = `${base}/a2a/${path}`;
    resources.set(url, { url, kind: 'agent', key: path, owner: id(path) });
  }
  for (const key of ['files', 'mail', 'docs']) {
    const url = `${base}/mcp/${key}`;
    resources.set(url, { url, kind: 'server', key, owner: null });
  }
  const edges = new Map(Object.entries(calls).map(([key, callees]) => [key, new Set(callees)]));
  const entitlements = new Map<string, readonly string[]>(Object.entries(scopes));
  const clients = new Map(Object.entries(options.clients ?? {}));
  for (const client of clients.keys()) {
    edges.set(`client:${client}`, new Set(['files', 'db/agent']));
    entitlements.set(`client:${client}`, ['files:read_file', 'db/agent:send']);
  }
  return {
    resources,
    edges,
    entitlements,
    agents,
    clients,
    tasks: { depth: 3, ttlSeconds: 900, scopeFromPrompt: false, bindArguments: true },
    addresses: new Map(),
    lifeSecondsMax: 300,
  };
}

const PEER = 'x-test-peer';

function peerFrom(req: IncomingMessage): PeerOnWire {
  const named = req.headers[PEER];
  return {
    listener: 'mtls',
    spiffeId: typeof named === 'string' ? parseSpiffeId(named) : null,
    notAfterSeconds: Number.MAX_SAFE_INTEGER,
    serialHex: '01',
    thumbprint: 'test',
    boundary: 'none',
    assertedBy: null,
    remote: '127.0.0.1',
  };
}

async function listen(handler: (req: IncomingMessage, res: ServerResponse) => Promise<unknown>): Promise<Server> {
  const server = createServer((req, res) => {
    handler(req, res).catch((error: unknown) => {
      res.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return server;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly [member: string]: unknown };
}

/** A form post; on the `mtls` listener with `as`, else on the issuer's. */
export async function post(
  plane: Plane,
  path: string,
  form: { readonly [name: string]: string | readonly string[] },
  options: { readonly as?: string; readonly headers?: Record<string, string> } = {},
): Promise<Answer> {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) for (const one of [value].flat()) body.append(name, one);
  const headers = { ...options.headers, ...(options.as ? { [PEER]: options.as } : {}) };
  const response = await fetch(`${options.as ? plane.mtls : plane.issuer}${path}`, { method: 'POST', body, headers });
  return answerOf(response);
}

export async function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return answerOf(await fetch(url, { headers, redirect: 'manual' }));
}

export async function continuationOf(plane: Plane, task: string, as: string): Promise<Answer> {
  return get(`${plane.mtls}/oauth/tasks/${task}/continuation`, { [PEER]: as });
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : { text } };
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const CONTINUATION = 'urn:writ:params:oauth:token-type:continuation';
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** Token exchange by an agent. `subject` beginning with a continuation's bytes is sent as what it is. */
export async function exchange(
  plane: Plane,
  as: string,
  subject: string,
  asks: { readonly [name: string]: string | readonly string[] },
): Promise<Answer> {
  const type = headerOf(subject).typ === 'writ-continuation+jwt' ? CONTINUATION : ACCESS_TOKEN;
  const form = { grant_type: EXCHANGE, client_id: as, subject_token: subject, subject_token_type: type, ...asks };
  return post(plane, '/oauth/token', form, { as });
}

export function headerOf(token: string): JsonObject {
  return part(token, 0);
}

export function claimsOf(token: unknown): JsonObject {
  return part(String(token), 1);
}

function part(token: string, index: number): JsonObject {
  try {
    return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString('utf8')) as JsonObject;
  } catch {
    return {};
  }
}

/** Opens a task of howard's for the orchestrator; the continuation. */
export async function openHowardsTask(plane: Plane, ask: { readonly [member: string]: unknown } = {}) {
  const opened = await plane.server.tasks.open({
    root: { iss: plane.issuer, sub: 'howard' },
    openedBy: { kind: 'person', user: 'howard' },
    agentPath: 'claude/orchestrator',
    prompt: 'tidy the reports',
    origin: 'direct',
    ...ask,
  });
  if (opened.outcome === 'deny') throw new Error(opened.denial.code);
  return opened.facts;
}

/** What the gateway does for a callee that is an agent: a continuation of the caller's token, for the callee. */
export async function continueFor(plane: Plane, token: unknown, holder: string, mayAct?: { iss: string; sub: string }) {
  const claims = claimsOf(token);
  const chain = chainFromClaims(claims);
  if (typeof chain === 'string') throw new Error(chain);
  const minted = await plane.server.continuations.mint({
    chain,
    parentRow: String(claims.jti),
    holder,
    decision: 'dec_1',
    ...(mayAct ? { mayAct } : {}),
  });
  if (minted.outcome === 'deny') throw new Error(minted.denial.code);
  return minted.facts.token;
}
