// What the configuration says about who may reach whom and with what: callees by URL, edges, entitlements.
// One value, made anew at every reload and used by every check, so that none of them can disagree.

import type { Resource } from '@writ/core';
import type { Config } from '../config/config.ts';

/** External base URLs without a final slash; what audiences are made of. */
export interface Bases {
  readonly mtls: string;
  readonly oauth: string;
  readonly issuer: string;
}

export interface Standing {
  /** Endpoint URL → callee, for every listener's URL of it. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Caller key (agent path, or `client:<id>`) → callee keys. */
  readonly edges: ReadonlyMap<string, ReadonlySet<string>>;
  /** Caller key → scopes it may use or delegate: its own, and `send` of every agent it may call. */
  readonly entitlements: ReadonlyMap<string, readonly string[]>;
}

export function spiffeIdOf(trustDomain: string, agentPath: string): string {
  return `spiffe://${trustDomain}/${agentPath}`;
}

export function endpointOf(base: string, kind: Resource['kind'], key: string): string {
  const room = { server: 'mcp', agent: 'a2a', upstream: 'http' }[kind];
  return `${base}/${room}/${key}`;
}

/** What the tools of a configured server belong to: an MCP server, or a plain HTTP upstream. */
export function serverKind({ servers }: Pick<Config, 'servers'>, key: string): 'server' | 'upstream' {
  return servers.get(key)?.http ? 'upstream' : 'server';
}

export function standingOf(config: Config, bases: Bases): Standing {
  const callees: Omit<Resource, 'url'>[] = [
    ...[...config.servers.keys()].map((key) => ({ kind: serverKind(config, key), key, owner: null }) as const),
    ...[...config.agents.keys()].map(
      (key) => ({ kind: 'agent', key, owner: spiffeIdOf(config.trustDomain, key) }) as const,
    ),
  ];
  const resources = new Map<string, Resource>();
  for (const callee of callees) {
    for (const base of [bases.mtls, bases.oauth]) {
      const url = endpointOf(base, callee.kind, callee.key);
      resources.set(url, { ...callee, url });
    }
  }
  const edges = new Map<string, ReadonlySet<string>>();
  const entitlements = new Map<string, readonly string[]>();
  const enter = (caller: string, { calls, scopes }: { calls: readonly string[]; scopes: readonly string[] }) => {
    edges.set(caller, new Set(calls));
    const sends = calls.filter((callee) => config.agents.has(callee)).map((callee) => `${callee}:send`);
    entitlements.set(caller, [...new Set([...scopes, ...sends])]);
  };
  for (const [path, agent] of config.agents) enter(path, agent);
  for (const [id, client] of config.clients) enter(`client:${id}`, client);
  return { resources, edges, entitlements };
}

/** What the configuration says of a caller's memory. A client keeps what it reads (rules §1.2). */
export function memoryOf(config: Config): (actorKey: string) => 'task' | 'none' | 'persistent' | null {
  return (actorKey) => (actorKey.startsWith('client:') ? 'persistent' : (config.agents.get(actorKey)?.memory ?? null));
}
