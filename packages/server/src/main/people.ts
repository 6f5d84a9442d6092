// The people's rooms: who signs in, the API and the pages they use, and the local socket for reading. Wires token/people and console.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { JsonObject, JsonValue } from '@writ/core';
import type { TaskDesk } from '../action/tasks/desk.ts';
import { openAdminSocket } from '../console/admin-socket.ts';
import { createFindCaller, isRecent } from '../console/caller.ts';
import { createConsole } from '../console/console.ts';
import { openViewerToken } from '../console/viewer-token.ts';
import { answerJson } from '../gateway/http-io.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { AuthorizationServer } from '../token/front.ts';
import { createPeople, type PeopleRoom } from '../token/people/people.ts';
import type { People } from '../token/people-port.ts';
import { consentSeconds } from '../token/ports.ts';
import type { ConsoleDoor } from './admin.ts';
import type { Ground, OnClose } from './ground.ts';
import type { Identities } from './identities.ts';
import type { PolicyHolder } from './policy.ts';
import { version } from './ready-line.ts';
import type { Reload } from './reload.ts';
import { type Bases, standingOf } from './standing.ts';
import { withMetrics } from './telemetry.ts';
import { trustPort } from './trust-port.ts';
import type { WorldHolder } from './world.ts';

export interface PeopleOptions {
  readonly ground: Ground;
  readonly bases: Bases;
  readonly adminBase: string;
  /** The demo's person, in a folder that `npm start` made; else null. */
  readonly demo: string | null;
}

export interface OpenPorts {
  readonly authorization: AuthorizationServer;
  readonly policy: PolicyHolder;
  readonly identities: Identities;
  readonly world: WorldHolder;
  readonly tasks: TaskDesk;
  readonly reload: Reload;
  readonly telemetry: Pick<Telemetry, 'scrape'>;
}

export interface PeopleRooms {
  readonly people: People;
  readonly demoSession: string | null;
  readonly adminSocket: string;
  readonly viewerTokenFile: string;
  /** The first admin's one-time link, while there is no admin. */
  adminLink(): Promise<string | null>;
  /** True, or a sentence: launching needs a person (rules §1.1). */
  mayLaunch(session: string): Promise<true | string>;
  /** A person with the role admin who signed in recently, by a credential that no browser adds by itself (rules §7.1). */
  isAdmin(req: IncomingMessage): Promise<boolean>;
  /** Opens the console and the local socket. */
  open(ports: OpenPorts): Promise<ConsoleDoor>;
}

export async function openPeopleRooms(options: PeopleOptions, onClose: OnClose): Promise<PeopleRooms> {
  const { ground, bases, adminBase, demo } = options;
  const { config, store, clock, dataDir, newId, records, report } = ground;
  const origins = () => [...new Set([new URL(bases.issuer).origin, adminBase])];
  const { resources } = standingOf(config, bases);
  const viewer = openViewerToken(dataDir, (count) => randomBytes(count));
  const room = createPeople({
    store,
    clock,
    randomBytes: (count) => randomBytes(count),
    newId,
    origins,
    configured: () => config.users,
    calleeOf: (resource) => resources.get(resource) ?? null,
    consentSeconds,
    demoUser: demo,
    record: ({ event, id: _, ...members }) => records.event(event, members as JsonObject),
    report,
  });
  const demoSession = demo === null ? null : (await room.sessions.open(demo)).secret;
  const socketPath = join(dataDir, 'admin.sock');
  let readApiToken: AuthorizationServer['readApiToken'] | null = null;
  return {
    people: room.people,
    demoSession,
    adminSocket: socketPath,
    viewerTokenFile: viewer.file,
    adminLink: () => room.firstAdminLink(),
    async mayLaunch(session) {
      // `writ login` by browser or device keeps a token of the plane's own API; by link or password it keeps a session.
      const signedIn = session.includes('.')
        ? (await readApiToken?.(session))?.outcome === 'pass'
        : (await room.personOf(session)) !== null;
      return signedIn || 'launching needs a person who is signed in; `writ login` signs you in';
    },
    async isAdmin(req) {
      if (readApiToken === null) return false;
      const find = createFindCaller({ people: room, viewerToken: viewer.token, readApiToken });
      const caller = await find(req, 'tcp');
      const isAdmin = caller.kind === 'person' && caller.by !== 'cookie' && caller.roles.includes('admin');
      return isAdmin && isRecent(caller, clock.nowSeconds());
    },
    async open(ports) {
      readApiToken = ports.authorization.readApiToken;
      const findCaller = createFindCaller({ people: room, viewerToken: viewer.token, readApiToken });
      const pages = openConsole(options, ports, room, viewer.token, origins);
      const console = withMetrics(pages, ports.telemetry, findCaller);
      const socket = await openAdminSocket(socketPath, (req, res) => void serveSocket(console, req, res, report));
      onClose(() => socket.close());
      return {
        async handle(req, res, via) {
          return (await room.handle(req, res)) || console.handle(req, res, via);
        },
      };
    },
  };
}

function openConsole(
  { ground, bases }: PeopleOptions,
  { authorization, policy, identities, world, reload, tasks }: OpenPorts,
  people: PeopleRoom,
  viewerToken: string,
  origins: () => readonly string[],
) {
  const { config, store, clock, log, index, records, report, newId } = ground;
  return createConsole({
    clock,
    store,
    issuer: bases.issuer,
    trustDomain: config.trustDomain,
    origins,
    viewerToken,
    people,
    readApiToken: authorization.readApiToken,
    status: () => statusOf(ground, world, policy),
    whoami: (pid) => identities.whoami(pid),
    keys: { show: () => identities.keys(), rotate: (kind, how) => identities.authority.rotate(kind, how) },
    decisions: index,
    log,
    tasks: authorization.tasks,
    trust: trustPort(config, tasks, world),
    revoke: authorization.revoke,
    reviews: policy.pins,
    reload,
    policy: () => ({ version: world.parts.policy.version, text: policy.loaded().text() }),
    // Under the id the caller was told, so that `writ explain` finds it.
    record: ({ event, id, ...members }) => records.event(event, members as JsonObject, id),
    report,
    newId,
  });
}

function statusOf({ config, log, store, origin }: Ground, world: WorldHolder, policy: PolicyHolder): JsonObject {
  const { size, durable, published } = log.head();
  return {
    version,
    trustDomain: config.trustDomain,
    store: store.kind,
    mode: config.mode.kind,
    agents: [...config.agents.keys()],
    servers: [...config.servers.keys()],
    policy: world.parts.policy.version,
    shadow: policy.shadow() as unknown as JsonValue,
    log: {
      ...{ origin, size, durable, published, failure: log.failure()?.message ?? null },
      witnesses: log.witnesses() as unknown as JsonValue,
    },
  };
}

async function serveSocket(
  console: ConsoleDoor,
  req: IncomingMessage,
  res: ServerResponse,
  report: Ground['report'],
): Promise<void> {
  try {
    if (!(await console.handle(req, res, 'socket'))) answerJson(res, 404, { error: 'not_found' });
  } catch (error) {
    report('the local socket', error);
    res.destroy();
  }
}
