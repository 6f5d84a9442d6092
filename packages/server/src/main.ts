// Where the rooms meet. Opens them in order, hands each the ports it asks for, and closes them in the opposite order.
// Nothing is decided here.

import type { JsonObject, ScopedServers, World } from '@writ/core';
import type { Config } from './config/config.ts';
import { digestOf } from './gateway/http-io.ts';
import { adminHandler } from './main/admin.ts';
import { authorityOf, recordTokenEvent } from './main/authority.ts';
import { assertionFor, openBroker } from './main/broker.ts';
import { refuseBrokerSecrets } from './main/broker-secrets.ts';
import { openDoors } from './main/doors.ts';
import { openEngines } from './main/engines.ts';
import { openGateway } from './main/gateway.ts';
import { type Ground, type OnClose, openGround } from './main/ground.ts';
import { closeLostClaims } from './main/lost-claims.ts';
import { openModes } from './main/modes.ts';
import { observeServers } from './main/observe.ts';
import { openPeopleRooms, type PeopleRooms } from './main/people.ts';
import { openPolicy } from './main/policy.ts';
import { readyLine, version } from './main/ready-line.ts';
import { createReload } from './main/reload.ts';
import { gatewayHandler } from './main/routes.ts';
import { memoryOf, type Standing } from './main/standing.ts';
import { openTasks } from './main/task-desk.ts';
import { openPlaneTelemetry, type ReadRooms } from './main/telemetry.ts';
import { openUpstreams } from './main/upstreams.ts';
import { openWebhook } from './main/webhook.ts';
import { createWorldHolder, type WorldHolder } from './main/world.ts';
import { type AuthorizationServer, createAuthorizationServer } from './token/front.ts';
import { keysById } from './token/keys.ts';

export { decideOnce } from './main/decide-once.ts';

export interface PlaneOptions {
  readonly config: Config;
  readonly clock?: { nowSeconds(): number; nowMillis(): number };
  /** Where `env` references of credentials are looked up. Default: the process's. */
  readonly environment?: { readonly [name: string]: string | undefined };
  /** A sentence for the operator. Default: stderr. */
  say?(sentence: string): void;
  /** Set by `npm start` alone (rules §7.3): signs this person in without a password and accepts what servers list. */
  readonly demo?: { readonly user: string };
}

export interface Plane {
  /** The ready line, contract §4. */
  readonly ready: JsonObject;
  /** Session of the demo's person; null without the demo. */
  readonly demoSession: string | null;
  /** Takes on what the files say now, where that widens nobody's reach; a sentence about what was done. Never rejects. */
  reload(): Promise<string>;
  /** Ends open calls, then everything else. */
  stop(): Promise<void>;
}

/** What is opened later than it is asked for. Nobody asks before the listeners are told to serve. */
interface Late {
  world: WorldHolder | null;
  authorization: AuthorizationServer | null;
  rooms: ReadRooms | null;
}

const systemClock = { nowSeconds: () => Math.floor(Date.now() / 1000), nowMillis: () => Date.now() };

/** Opens everything and resolves when calls are served. Rejects with a sentence for the operator, with nothing left open. */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  const closing: (() => unknown)[] = [];
  const stop = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    return { ...(await open(options, (close) => closing.push(close))), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function open(options: PlaneOptions, onClose: OnClose): Promise<Omit<Plane, 'stop'>> {
  const { config, clock = systemClock, environment = process.env, demo = null } = options;
  const startedMillis = performance.now();
  const say = options.say ?? ((sentence: string) => void process.stderr.write(`writ: ${sentence}\n`));
  const started = Promise.withResolvers<PeopleRooms>();
  const late: Late = { world: null, authorization: null, rooms: null };
  const world = (): World => late.world!.snapshot();
  const ground = await openGround(
    { config, clock, say, versions: () => late.world?.snapshot().versions ?? {} },
    onClose,
  );
  const { store, log, keys, records, report, event } = ground;
  const telemetry = await openPlaneTelemetry(ground, environment, () => late.rooms!, onClose);

  const doors = await openDoors(
    ground,
    {
      world,
      isRevoked: (spiffeId) => late.authorization?.revocations.view().agents.has(spiffeId) ?? false,
      // A runner that was here before the plane comes back at once; until people can be asked it waits, rather than hears a no.
      sessionMayLaunch: async (session) => (await started.promise).mayLaunch(session),
    },
    onClose,
  );
  const { listeners, identities, standing, gatewayId } = doors;
  const { bases } = listeners;
  const people = await openPeopleRooms(
    { ground, bases, adminBase: listeners.addresses.admin, demo: demo?.user ?? null },
    onClose,
  );
  const authorization = await openAuthorization(ground, bases, standing, people, () => policy.scopedServers());
  onClose(() => authorization.stop());
  late.authorization = authorization;

  const broker = await openBroker({
    ...{ ...ground, issuer: bases.issuer, environment },
    assert: ({ sub, aud }) => assertionFor(keys.token, { iss: bases.issuer, sub, aud }, ground),
  });
  onClose(() => broker.close());
  const upstreams = openUpstreams({ config, room: broker, say, traceHeaders: telemetry.outgoing });
  onClose(() => upstreams.close());
  const policy = await openPolicy({
    config,
    issuer: bases.issuer,
    store,
    clock,
    onLoaded: (loaded) => late.world?.change({ policy: loaded }),
    say,
    event,
    report,
  });
  const modes = await openModes(ground);
  for (const [what, how] of Object.entries(modes.overview().loose)) say(`check 3 of \`${what}\` is ${how}`);
  const tasks = await openTasks(ground, bases.issuer);
  const holder = createWorldHolder(
    {
      trustDomain: config.trustDomain,
      standing,
      standingVersion: versionOf(standing),
      policy: policy.loaded().policy,
      tasks: refuseBrokerSecrets(tasks, broker.exposures, broker),
      memoryOf: memoryOf(config),
      limits: config.limits,
      modeOf: modes.of,
      issuers: new Map([[bases.issuer, keysById(keys.token, keys.tokenEs256)]]),
      clients: new Map([...config.clients].map(([id, { bearer }]) => [id, { bearer }])),
    },
    ground.engine,
    () => authorization.revocations.view(),
  );
  late.world = holder;
  await closeLostClaims(ground);
  const consult = await openEngines({ config, clock, environment }, onClose);
  const { isAdmin } = people;
  const gateway = openGateway({
    ...{ ground, doors, world: holder, authorization, policy, upstreams, broker, tasks, modes, consult, isAdmin },
    telemetry,
    webhook: await openWebhook(ground, environment, onClose),
  });
  late.rooms = { authorization, policy, tasks, upstreams, gateway, world: holder };
  onClose(
    authorization.revocations.subscribe((view) => {
      const { agents, tasks: ended } = view;
      for (const agent of agents) listeners.mtls.revoke(agent as Parameters<typeof listeners.mtls.revoke>[0]);
      for (const task of ended) {
        upstreams.endTask(task);
        tasks.ended(task);
        gateway.endTask(task);
      }
      broker.endWithdrawn(view).catch((error: unknown) => report('leases', error));
      identities.workload.refresh();
      gateway.spine.closeWithdrawn();
    }),
  );
  onClose(await observeServers({ config, upstreams, policy, say, demo: demo?.user ?? null }));

  const reload = createReload({ ground, issuer: bases.issuer, standing, policy, modes, world: holder });
  const door = await people.open({ authorization, policy, identities, world: holder, tasks, reload, telemetry });
  started.resolve(people);
  const rooms = { authorization, console: door, decisionPoint: gateway.decisionPoint.admin, log, store };
  const admin = adminHandler({ ...rooms, modes, auditDir: ground.auditDir, report });
  listeners.open(gatewayHandler(gateway.routes), admin, admin);
  event('plane.started', { version, gateway: gatewayId, policy: holder.parts.policy.version });
  onClose(() => records.event('plane.stopped', { version }));
  const readyMillis = Math.round(performance.now() - startedMillis);
  return {
    ready: await readyLine({ ground, doors, people, readyMillis }),
    demoSession: people.demoSession,
    reload: () => reload.applyIfNarrower().catch(notInOrder),
  };
}

function openAuthorization(
  ground: Ground,
  bases: { readonly issuer: string; readonly mtls: string },
  standing: Standing,
  { people }: PeopleRooms,
  scopedServers: () => ScopedServers,
): Promise<AuthorizationServer> {
  const { config, store, clock, keys, report, newId, monotonicMillis } = ground;
  const authority = authorityOf(config, standing);
  return createAuthorizationServer({
    issuer: bases.issuer,
    mtlsBase: bases.mtls,
    trustDomain: config.trustDomain,
    store,
    clock,
    monotonicMillis,
    keys,
    engine: ground.engine,
    authority: () => authority,
    people,
    scopedServers,
    record: (told) => recordTokenEvent(told, ground),
    report,
    newId,
  });
}

function notInOrder(fault: unknown): string {
  return `nothing was reloaded: ${fault instanceof Error ? fault.message : fault}`;
}

/** Edges are what this part of the world is about; who may call whom is named in every record by this digest. */
function versionOf({ edges }: Standing): string {
  return digestOf(JSON.stringify([...edges].map(([caller, callees]) => [caller, [...callees].sort()]).sort()));
}
