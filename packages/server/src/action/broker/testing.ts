// Test support: a broker over real parts and a store in memory, with a clock that the test moves.

import type { JsonObject, Principal, Verdict } from '@writ/core';
import { type BrokeredServer, type Credential, createBroker } from '../broker.ts';
import { createSecretSources } from '../secret-sources.ts';
import { createSecrets } from '../secrets.ts';
import { CredentialFault } from './held.ts';
import { createLeases, type LeaseAsk, type LeaseRow, type LeaseStore } from './leases.ts';
import { createOauthClient, type OauthPorts } from './oauth.ts';
import { sourceFor } from './sources.ts';
import { createVault } from './vault.ts';
import { openWeb } from './web.ts';

export type Given = Partial<BrokeredServer>;

export const issuer = 'http://127.0.0.1:8420';
export const howard: Principal = { iss: issuer, sub: 'howard' };
export const eve: Principal = { iss: issuer, sub: 'eve' };

export interface Options {
  readonly environment?: { readonly [name: string]: string | undefined };
  readonly stored?: { read(name: string): Promise<string | null> };
  readonly store?: LeaseStore;
  readonly assertion?: OauthPorts['assertion'];
  /** Origins that the operator wrote, besides those of the servers' own addresses and references. */
  readonly origins?: readonly string[];
}

/** Rows as a database would keep them between two brokers. */
export function rowsInMemory(): LeaseStore & { readonly rows: Map<string, LeaseRow> } {
  const rows = new Map<string, LeaseRow>();
  return {
    rows,
    opened: async (row) => void (rows.has(row.id) || rows.set(row.id, row)),
    taken: async (id, handle) => void rows.set(id, { ...rows.get(id)!, handle }),
    closed: async (id) => void rows.delete(id),
    open: async () => [...rows.values()],
  };
}

export function brokerOver(given: { readonly [server: string]: Given }, options: Options = {}) {
  const clock = { now: 1_800_000_000, nowSeconds: () => clock.now };
  const warnings: string[] = [];
  const servers = new Map<string, BrokeredServer>(
    Object.entries(given).map(([key, one]) => [
      key,
      { ...{ transport: 'http', url: null, shared: false, credential: null, environment: new Map() }, ...one },
    ]),
  );
  const secrets = createSecrets();
  const sources = createSecretSources({
    environment: options.environment ?? {},
    clock,
    ...(options.stored ? { stored: options.stored } : {}),
  });
  const readSecret = async (ref: Parameters<typeof sources.read>[0]) => {
    const found = await sources.read(ref);
    if ('says' in found) throw new CredentialFault(found.says);
    return found.value;
  };
  const web = openWeb({ origins: new Set([...originsOf(servers), ...(options.origins ?? [])]) });
  const vault = createVault({ web, clock, readSecret });
  const oauth = createOauthClient({ web, clock, readSecret, assertion: options.assertion ?? (() => null) });
  const personOf = (root: Principal | null) => (root?.iss === issuer ? root.sub : null);
  const ports = { vault, oauth, clock, personOf };
  const bySource = new Map(
    [...servers].map(([key, { credential, url }]) => [key, credential && sourceFor(credential, url, ports)]),
  );
  let ids = 0;
  const store = options.store ?? rowsInMemory();
  const run = Math.random().toString(36).slice(2);
  const leases = createLeases({
    sourceOf: (server) => bySource.get(server) ?? null,
    store,
    clock,
    newId: () => `lease-${run}-${++ids}`,
    say: (says) => warnings.push(says),
  });
  const notes = { used: () => {} };
  const warn = (says: string) => warnings.push(says);
  const events: JsonObject[] = [];
  const event = (name: string, members: JsonObject) => void events.push({ ...members, event: name });
  const broker = createBroker({ servers, sources, secrets, leases, notes, web, clock, personOf, warn, event });
  return { broker, leases, secrets, clock, warnings, events, vault };
}

function originsOf(servers: ReadonlyMap<string, BrokeredServer>): string[] {
  return [...servers.values()].flatMap(({ url, credential }) => {
    const urls = [
      url,
      credential?.kind === 'oauth' ? credential.issuer : null,
      credential?.kind === 'vault' ? credential.url : null,
    ];
    return urls.flatMap((one) => (one === null ? [] : [new URL(one).origin]));
  });
}

/** A call of that person in that task that was allowed. */
export function asks(root: Principal, task: string, over: Partial<LeaseAsk> = {}): LeaseAsk {
  const actor = { iss: 'spiffe://zylos.local', sub: 'spiffe://zylos.local/claude/orchestrator' };
  const link = {
    actor: root,
    audience: '',
    scopes: [],
    details: null,
    budget: [],
    depth: 1,
    ceiling: 4,
    purpose: null,
    row: `row-${task}`,
  };
  const links = [link, { ...link, actor, row: `row-${task}-1` }];
  const chain = { task, links } as unknown as LeaseAsk['token']['chain'];
  return {
    root,
    task,
    decision: `decision-${task}`,
    token: { id: `token-${task}`, chain },
    untilSeconds: 1_800_003_600,
    ...over,
  };
}

/** The value, or the cause of the denial. */
export function told(verdict: Verdict<Credential>): string {
  if (verdict.outcome === 'deny') return `${verdict.denial.code}: ${verdict.denial.detail.cause}`;
  const { facts } = verdict;
  return facts.kind === 'bearer' ? facts.value : facts.kind === 'env' ? JSON.stringify(facts.values) : 'none';
}
