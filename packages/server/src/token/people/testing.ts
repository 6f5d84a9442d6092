// Test support: a people room on a store of its own, with a clock that the test moves, and a loopback address for its pages.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openStore, type Store } from '../../store/store.ts';
import { hashPassword } from './password.ts';
import { createPeople, type PeopleRoom } from './people.ts';
import type { ConfiguredUser, PeopleDeps, PersonEvent } from './ports.ts';

/** Weak on purpose: the tests are about the door, not about the lock. */
export const testCost = { ln: 10, r: 1, p: 1 };
export const HOWARD = 'correct horse battery staple';

export interface PeopleWorld {
  readonly room: PeopleRoom;
  readonly store: Store;
  readonly clock: { seconds: number };
  readonly events: PersonEvent[];
  readonly reported: string[];
  readonly users: Map<string, ConfiguredUser>;
  readonly folder: string;
  readonly origins: string[];
  readonly deps: PeopleDeps;
  /** Makes `record` reject. */
  auditDown: boolean;
  /** Writes a password file for a user of the configuration. */
  configure(name: string, roles: ConfiguredUser['roles'], password?: string): Promise<void>;
}

export interface PeopleWorldOptions {
  readonly demoUser?: string;
  readonly store?: Store;
}

export async function openPeople(t: TestContext, options: PeopleWorldOptions = {}): Promise<PeopleWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'writ-people-'));
  const clock = { seconds: 1_800_000_000 };
  const nowSeconds = () => clock.seconds;
  const nowMillis = () => clock.seconds * 1000;
  const store = options.store ?? (await openStore({ file: join(folder, 'writ.db'), clock: { nowSeconds, nowMillis } }));
  t.after(async () => {
    if (!options.store) await store.close();
    await rm(folder, { recursive: true });
  });
  const users = new Map<string, ConfiguredUser>();
  const world = {
    ...{ store, clock, users, folder, events: [] as PersonEvent[], reported: [] as string[], origins: [] as string[] },
    auditDown: false,
    async configure(name: string, roles: ConfiguredUser['roles'], password?: string) {
      const passwordFile = password === undefined ? null : join(folder, `${name}.hash`);
      if (passwordFile) {
        await writeFile(passwordFile, `${await hashPassword(password!, testCost)}\n`);
      }
      users.set(name, { passwordFile, roles });
    },
  };
  const deps: PeopleDeps = {
    store,
    clock: { nowSeconds },
    randomBytes: (count) => randomBytes(count),
    newId: () => randomBytes(16).toString('base64url'),
    origins: () => world.origins,
    configured: () => users,
    calleeOf: (resource) => (resource.includes('/mcp/') ? { kind: 'server', key: resource.split('/mcp/')[1]! } : null),
    consentSeconds: 14 * 86_400,
    demoUser: options.demoUser ?? null,
    record: async (event) => {
      if (world.auditDown) throw Object.assign(new Error('the log is gone'), { name: 'AuditUnavailable' });
      world.events.push(event);
    },
    report: (what, error) => void world.reported.push(`${what}: ${String(error)}`),
  };
  return Object.assign(world, { deps, room: createPeople(deps, { cost: testCost }) });
}

/** Serves on loopback; the address without a path. */
export async function serve(
  t: TestContext,
  handle: (req: IncomingMessage, res: ServerResponse) => Promise<boolean>,
): Promise<string> {
  const server = createServer((req, res) => {
    handle(req, res).then(
      (done) => done || res.writeHead(404).end(),
      (error: unknown) => res.writeHead(500).end(String(error)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface Ask {
  readonly form?: { readonly [name: string]: string };
  readonly headers?: { readonly [name: string]: string };
}

/** One request, redirects left alone. */
export async function visit(url: string, { form, headers = {} }: Ask = {}) {
  const response = await fetch(url, {
    method: form === undefined ? 'GET' : 'POST',
    redirect: 'manual',
    headers,
    ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
  });
  const text = await response.text();
  const setCookie = response.headers.get('set-cookie');
  return {
    status: response.status,
    headers: response.headers,
    text,
    setCookie,
    cookie: setCookie?.split(';', 1)[0] ?? '',
  };
}
