// What the console's tests share: a plane with real people, sessions, tasks, tokens and a real log, on loopback and on a socket.
// Only tool reviews and the clock are the test's own.

import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { JsonObject } from '@writ/core';
import { decision, openLog, outcome, tempFolder } from '../audit/fixture.ts';
import { openAuditIndex } from '../audit/index.ts';
import type { AuditLog } from '../audit/log.ts';
import { HOWARD, openPeople, type PeopleWorld, serve } from '../token/people/testing.ts';
import { openPlane, type Plane } from '../token/testing.ts';
import { openAdminSocket } from './admin-socket.ts';
import type { ApprovalPayload } from './approvals.ts';
import { createConsole } from './console.ts';
import type { ConsoleEvent, Review } from './ports.ts';
import { openViewerToken } from './viewer-token.ts';

export interface World {
  readonly people: PeopleWorld;
  readonly plane: Plane;
  readonly log: AuditLog;
  readonly origin: string;
  readonly socket: string;
  readonly viewerToken: string;
  readonly events: ConsoleEvent[];
  readonly pinned: { readonly server: string; readonly digest: string; readonly by: string }[];
  readonly clock: { seconds: number };
  /** What people vouched for, and whose memory was wiped. */
  readonly endorsed: readonly { readonly pointers: readonly string[] }[];
  readonly forgotten: readonly string[];
  review: Review | null;
  /** A session secret of a person, made by their password. */
  signIn(user: string): Promise<string>;
  /** Appends and waits until it is safe. */
  decided(id: string, result: string, more?: JsonObject, ending?: string): Promise<void>;
  asks(id: string, some?: Partial<ApprovalPayload>, lifeSeconds?: number): Promise<string>;
}

export async function openWorld(t: TestContext): Promise<World> {
  const people = await openPeople(t);
  // The OAuth library has no other clock than the machine's.
  people.clock.seconds = Math.floor(Date.now() / 1000);
  for (const [name, roles] of [
    ['howard', []],
    ['ada', ['admin']],
    ['carl', ['approver']],
    ['eve', []],
  ] as const) {
    await people.configure(name, roles, HOWARD);
  }
  const plane = await openPlane(t, people.store, { people: people.room.people, wallClock: false });
  Object.defineProperty(plane.clock, 'seconds', { get: () => people.clock.seconds });
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  const decisions = await openAuditIndex({ dir, log });
  t.after(() => decisions.close());
  const viewer = openViewerToken(people.folder, (count) => randomBytes(count));
  const events: ConsoleEvent[] = [];
  const rotations: object[] = [];
  const endorsed: { readonly pointers: readonly string[] }[] = [];
  const forgotten: string[] = [];
  const world = { review: null as Review | null, pinned: [] as { server: string; digest: string; by: string }[] };
  const console = createConsole({
    clock: people.deps.clock,
    store: people.store,
    issuer: plane.issuer,
    trustDomain: 'zylos.local',
    origins: () => people.origins,
    viewerToken: viewer.token,
    people: people.room,
    readApiToken: plane.server.readApiToken,
    status: () => ({ ok: true }),
    whoami: async (pid) => ({ pid, identity: null }),
    keys: { show: () => ({ rotations }), rotate: async (kind, how) => void rotations.push({ kind, ...how }) },
    decisions,
    log,
    tasks: plane.server.tasks,
    trust: {
      endorse: async (asked) => void endorsed.push(asked),
      actorKeyOf: (name) => (name === 'claude/orchestrator' ? name : null),
      forget: async (agent) => void forgotten.push(agent),
    },
    revoke: plane.server.revoke,
    reload: { look: async () => ({ digest: 'd' }), apply: async (digest) => (digest === 'd' ? 'applied' : 'stale') },
    reviews: {
      review: async (server) => (world.review?.server === server ? world.review : null),
      async accept(server, digest, by) {
        if (world.review?.digest !== digest) return 'stale';
        world.pinned.push({ server, digest, by });
        return 'pinned';
      },
    },
    policy: () => ({ version: 'sha256:00', text: 'permit (principal, action, resource);' }),
    record: async (event) => {
      if (people.auditDown) throw Object.assign(new Error('the log is gone'), { name: 'AuditUnavailable' });
      events.push(event);
    },
    report: people.deps.report,
    newId: people.deps.newId,
    liveCheckMillis: 50,
  });
  const origin = await serve(t, async (req, res) => {
    return (await people.room.handle(req, res)) || (await console.handle(req, res, 'tcp'));
  });
  people.origins.push(origin, plane.issuer);
  const socket = await openAdminSocket(join(people.folder, 'admin.sock'), (req, res) => {
    console.handle(req, res, 'socket').then(
      (done) => done || res.writeHead(404).end(),
      (error: unknown) => res.writeHead(500).end(String(error)),
    );
  });
  t.after(() => socket.close());
  const time = '2026-11-24T12:00:00.000Z';

  return Object.assign(world, {
    ...{
      people,
      plane,
      log,
      origin,
      events,
      endorsed,
      forgotten,
      socket: socket.path,
      viewerToken: viewer.token,
      clock: people.clock,
    },
    async signIn(user: string) {
      const signedIn = await people.room.signIn.byPassword({ user, password: HOWARD, source: '127.0.0.1' });
      if (!signedIn.ok) throw new Error(signedIn.says);
      return signedIn.secret;
    },
    async decided(id: string, result: string, more: JsonObject = {}, ending?: string) {
      const receipt = log.append(decision(id, result, { time, ...more }));
      await receipt.durable;
      if (ending !== undefined) await log.append(outcome(id, receipt.sequence, ending)).durable;
    },
    async asks(id: string, some: Partial<ApprovalPayload> = {}, lifeSeconds = 600) {
      const payload: ApprovalPayload = {
        ...{ sentence: 'howard, through claude/orchestrator, asks mail/send', server: 'mail', tool: 'send' },
        ...{
          arguments: { to: 'ops@example.org' },
          argumentsDigest: 'sha256:aa',
          task: 'tsk_1',
          risk: 3,
          mandate: false,
        },
        ...{ root: { iss: plane.issuer, sub: 'howard' }, actors: ['claude/orchestrator'], rules: ['target_untrusted'] },
        ...some,
      };
      const hash = `sha256:${randomBytes(32).toString('hex')}`;
      const created = people.clock.seconds;
      const row = { id, request_key: id, digest: hash, state: 'open', payload: JSON.stringify(payload), created };
      await people.store.db
        .insertInto('approvals')
        .values({ ...row, expires: created + lifeSeconds, decided_by: null, decided_at: null })
        .execute();
      return hash;
    },
  });
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks into, it asserts
  readonly body: any;
}

export interface ApiAsk {
  readonly bearer?: string;
  readonly cookie?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: unknown;
}

/** `api(world, 'POST tasks', …)`. */
export async function api(
  world: World,
  what: string,
  { bearer, cookie, headers, body }: ApiAsk = {},
): Promise<ApiAnswer> {
  const [method, path] = what.split(' ') as [string, string];
  const response = await fetch(`${world.origin}/api/v1/${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(cookie === undefined ? {} : { cookie: `writ_session=${cookie}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
}

/** The same over the local socket. */
export async function overSocket(world: World, what: string, { bearer, body }: ApiAsk = {}) {
  const [method, path] = what.split(' ') as [string, string];
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const headers = {
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const outgoing = request({ socketPath: world.socket, path: `/api/v1/${path}`, method, headers }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
