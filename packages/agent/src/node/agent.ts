// An agent at work: its identity, its tokens, its tasks and its calls, wired together. What can be told apart from sockets, files and
// clocks is in the files above this folder; where identity and plane come from is connect.ts.

import { randomBytes, randomUUID } from 'node:crypto';
import { parseSpiffeId, type SpiffeId, trustDomainOf } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { type A2aClient, openA2aClient } from '../a2a.ts';
import { authority, openOwnTasks } from '../authority.ts';
import { type Caller, type CallOptions, fetchFor } from '../call.ts';
import { type CallContext, currentContext, withContext } from '../context.ts';
import { type ContextGuard, openContextGuard } from '../context-guard.ts';
import { openContextKeys } from '../context-keys.ts';
import type { FetchLike } from '../fetch.ts';
import { type HttpClient, openHttpClient } from '../http.ts';
import { type McpClient, openMcpClient } from '../mcp.ts';
import { type Callee, calleeOf, type Plane, upstreamOf } from '../plane.ts';
import { type SpawnRequest, spawnToken } from '../spawn.ts';
import { openTokenClient, type Token } from '../token.ts';
import { openTokenCache } from '../token-cache.ts';
import { childTraceparent } from '../trace.ts';
import { type DialSvid, mtlsAgent } from './dial.ts';
import { mtlsFetch } from './mtls-fetch.ts';

export interface SvidSource {
  current(): DialSvid;
  close(): void | Promise<void>;
}

export interface AgentOptions {
  readonly plane: Plane;
  /** Asked anew for every connection; closed together with the agent. */
  readonly source: SvidSource;
  /** See `ContextGuardOptions`: for an agent that the gateway reaches by plain HTTP on loopback. */
  readonly allowUnprovenPeer?: boolean;
  readonly clock?: { nowSeconds(): number };
}

/** A task that was opened for this agent; calls made in `run` go on its authority. */
export interface Task {
  readonly id: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** Runs `work`, and everything it starts, as this task. */
  run<T>(work: () => T): T;
  /** Lets go of the task here; the plane ends it by itself. */
  close(): void;
}

export interface Agent {
  /** Own SPIFFE ID. */
  readonly id: SpiffeId;
  readonly plane: Plane;
  /** Fetches the continuation of a task. While it is the only one it stands behind every call made outside an inbound one. */
  task(id: string): Promise<Task>;
  /** A token with the scopes of just these tools, for one callee and about as long as the work takes. */
  spawn(request: SpawnRequest): Promise<Token>;
  /** Endpoint URL of a callee, for client libraries. */
  url(key: string): string;
  /** A `fetch` for client libraries, to one callee: `new StreamableHTTPClientTransport(url, { fetch: agent.fetch('files') })`. */
  fetch(key: string, options?: CallOptions): FetchLike;
  mcp(server: string, options?: Omit<CallOptions, 'delegate'>): McpClient;
  a2a(agent: string, options?: Omit<CallOptions, 'delegate'>): A2aClient;
  http(upstream: string, options?: Omit<CallOptions, 'delegate' | 'scopes'>): HttpClient;
  /** Verifies what came with an incoming call. `writContext` and `serveAgent` do it for whole requests. */
  readonly accept: ContextGuard['accept'];
  svid(): DialSvid;
  close(): Promise<void>;
}

const systemClock = { nowSeconds: () => Math.floor(Date.now() / 1000) };

/** Throws a sentence when the identity does not belong to the plane. Dials nobody yet. */
export function openAgent({ plane, source, clock = systemClock, allowUnprovenPeer = false }: AgentOptions): Agent {
  const id = ownId(source, plane);
  const dial = mtlsAgent({ svid: () => source.current(), expect: plane.gatewayId });
  const gateway = mtlsFetch(dial);
  const client = openTokenClient({ plane, clientId: id, fetch: gateway, clock });
  const tasks = openOwnTasks();
  const caller: Caller = {
    tokens: openTokenCache({ client, clock }),
    fetch: gateway,
    authority: () => authority(tasks),
    trace: () => childTraceparent(currentContext()?.traceparent ?? null, hexId(8)),
  };
  const guard = openContextGuard({
    expect: id,
    gatewayIds: new Set([plane.gatewayId]),
    keys: openContextKeys({ issuer: plane.issuer, fetch, clock }),
    engine: nodeEngine,
    clock,
    allowUnprovenPeer,
  });
  const find = (key: string) => calleeOf(plane, key);
  const of = (kind: Callee['kind'], key: string) => {
    const callee = find(key);
    if (callee.kind !== kind)
      throw new TypeError(`\`${key}\` is ${callee.kind === 'agent' ? 'an agent' : 'a server'} by its name`);
    return callee;
  };

  return {
    id,
    plane,
    async task(taskId) {
      const { token, task, expiresAt } = await client.fetchContinuation(taskId);
      tasks.open({ token, task, expiresAt });
      const traceparent = `00-${hexId(16)}-${hexId(8)}-01`;
      const context: CallContext = { continuation: token, task, traceparent, caller: null, denial: null };
      return { id: task, expiresAt, run: (work) => withContext(context, work), close: () => tasks.close(task) };
    },
    spawn: (request) =>
      spawnToken({ tokens: client, calleeOf: find, authority: () => authority(tasks), clock }, request),
    url: (key) => find(key).url,
    fetch: (key, callOptions) => fetchFor(caller, find(key), callOptions),
    mcp(server, callOptions) {
      const callee = of('server', server);
      return openMcpClient({ url: callee.url, fetch: fetchFor(caller, callee, callOptions), ...pageOf(callOptions) });
    },
    a2a(agent, callOptions) {
      const callee = of('agent', agent);
      const fetchWith = (delegate: readonly string[]) => fetchFor(caller, callee, { ...callOptions, delegate });
      return openA2aClient({ url: callee.url, fetchWith, newId: randomUUID, ...pageOf(callOptions) });
    },
    http(upstream, callOptions) {
      const callee = upstreamOf(plane, upstream);
      return openHttpClient(callee, (scopes) => fetchFor(caller, callee, { ...callOptions, scopes }));
    },
    accept: guard.accept,
    svid: () => source.current(),
    async close() {
      dial.destroy();
      await source.close();
    },
  };
}

function pageOf(options?: CallOptions): Pick<CallOptions, 'openPage'> {
  return options?.openPage ? { openPage: options.openPage } : {};
}

function ownId(source: SvidSource, plane: Plane): SpiffeId {
  const { spiffeId } = source.current();
  const id = parseSpiffeId(spiffeId);
  if (id === null) throw new Error(`the Workload API gave \`${spiffeId}\`, which is not a SPIFFE ID`);
  const own = trustDomainOf(id);
  if (own !== trustDomainOf(plane.gatewayId)) {
    throw new Error(
      `the identity is of \`${own}\` and the gateway is \`${plane.gatewayId}\`: they belong to different planes`,
    );
  }
  return id;
}

function hexId(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
