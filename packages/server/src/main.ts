// Where the rooms meet. Opens them in order, hands each the ports it asks for, and closes them in the opposite order.
// Nothing is decided here.

import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { agentPath, denial, type JsonObject, judgePeer, type PeerOnWire, toBase64Url } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { openAuditIndex } from './audit/index.ts';
import { openAuditLog } from './audit/log.ts';
import type { Config } from './config/config.ts';
import { digestOf } from './gateway/http-io.ts';
import { createRefusalCounter, type RefusalCounter } from './gateway/refusal-counter.ts';
import { adminHandler } from './main/admin.ts';
import { createDialIdentity } from './main/dial-identity.ts';
import { openGateway } from './main/gateway.ts';
import { observeServers } from './main/observe.ts';
import { gatewayPath, openIdentities } from './main/identities.ts';
import { launchTokenFile } from './main/launch-token-file.ts';
import { openListeners } from './main/listeners.ts';
import { openLogKey } from './main/log-key.ts';
import { openPeopleRooms } from './main/people.ts';
import { openPolicy } from './main/policy.ts';
import { createRecords } from './main/records.ts';
import { gatewayHandler } from './main/routes.ts';
import { spiffeIdOf, standingOf } from './main/standing.ts';
import { openUpstreams } from './main/upstreams.ts';
import { createWorldHolder } from './main/world.ts';
import { openStore } from './store/store.ts';
import { createAuthorizationServer } from './token/front.ts';
import { keysById, openKeys } from './token/keys.ts';

export { decideOnce } from './main/decide-once.ts';

export interface PlaneOptions {
  readonly config: Config;
  readonly clock?: { nowSeconds(): number; nowMillis(): number };
  readonly environment?: { readonly [name: string]: string | undefined };
  /** A sentence for the operator. Default: stderr. */
  say?(sentence: string): void;
  /** Set by `npm start` alone (rules §7.3): signs this person in without a password and reviews what servers list. */
  readonly demo?: { readonly user: string };
}

export interface Plane {
  /** The ready line, contract §4. */
  readonly ready: JsonObject;
  /** Session of the demo's person; null without the demo. */
  readonly demoSession: string | null;
  stop(): Promise<void>;
}

const version = '0.1.0';
const replica = '1';
const drainMillis = 5000;
const systemClock = { nowSeconds: () => Math.floor(Date.now() / 1000), nowMillis: () => Date.now() };

/** Opens everything and resolves when calls are served. Rejects with a sentence for the operator, with nothing left open. */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  const closing: (() => unknown)[] = [];
  const closeAll = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    return await open(options, (close) => closing.push(close), closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function open(
  options: PlaneOptions,
  onClose: (close: () => unknown) => void,
  closeAll: () => Promise<void>,
): Promise<Plane> {
  const { config, clock = systemClock, environment = process.env, demo } = options;
  const started = performance.now();
  const say = options.say ?? ((sentence: string) => process.stderr.write(`writ: ${sentence}\n`));
  const report = (what: string, error: unknown) =>
    say(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  const newId = () => toBase64Url(randomBytes(16));
  const monotonicMillis = () => performance.now();
  const dataDir = config.dataDir;
  const keysDir = join(dataDir, 'keys');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });

  // What is written down: first, because everything else may have something to record.
  const origin = `${config.trustDomain}/writ/${replica}`;
  const auditDir = join(dataDir, 'audit');
  const log = await openAuditLog({ dir: auditDir, origin, key: await openLogKey(keysDir, origin), clock });
  onClose(() => log.close());
  const index = await openAuditIndex({ dir: auditDir, log });
  onClose(() => index.close());
  const refusals: RefusalCounter = createRefusalCounter({
    clock,
    append: (record) => log.append(record),
    newId,
    report,
  });
  const counting = setInterval(() => refusals.flush(), 60_000);
  counting.unref();
  onClose(() => {
    clearInterval(counting);
    refusals.flush();
  });
  const records = createRecords({
    log,
    clock,
    newId,
    refusals: () => refusals,
    frame: { replica, mode: 'enforce' },
    versions: () => world.snapshot().versions,
  });
  const event = (name: string, members: JsonObject) => {
    records.event(name, members).catch((error: unknown) => report(name, error));
  };
  const store = await openStore(
    config.store.url ? { url: config.store.url, clock } : { file: join(dataDir, 'state.db'), clock },
  );
  onClose(() => store.close());
  const keys = await openKeys({ dir: keysDir });

  // Who is on the wire.
  const identities = await openIdentities({
    config,
    dataDir,
    clock,
    launchTokens: launchTokenFile(dataDir),
    sessionMayLaunch: (session) => people.mayLaunch(session),
    event,
    say,
    report,
    isRevoked: (spiffeId) => authorization.revocations.view().agents.has(spiffeId),
  });
  onClose(() => identities.close());
  const gatewaySvid = await identities.mintGateway();
  const dialIdentity = createDialIdentity(gatewaySvid, () => identities.authority.bundle());
  const mayConnect = (peer: PeerOnWire) => {
    const { trust } = world.snapshot();
    if (peer.listener === 'oauth' || peer.spiffeId === null) return null;
    if (trust.revokedIdentities.has(peer.spiffeId))
      return denial('transport.identity_revoked', { peer: peer.spiffeId });
    // Some edge, whichever: a peer that may reach nobody has nothing to say here (rules §1.3).
    const callees = [...(trust.edges.get(agentPath(peer.spiffeId) ?? '') ?? [])];
    const verdict = callees.length > 0 ? judgePeer(peer, callees[0]!, trust, clock.nowSeconds()) : null;
    return verdict?.outcome === 'pass'
      ? null
      : (verdict?.denial ?? denial('transport.edge_not_allowed', { peer: peer.spiffeId }));
  };
  const listeners = await openListeners({
    config,
    dataDir,
    clock,
    identities,
    gatewaySvid,
    onRenewed: dialIdentity.set,
    admit: mayConnect,
    onRefused: (refused, { source, peer }) => refusals.count(refused.code, peer ?? source),
  });
  onClose(() => listeners.close(drainMillis));
  const { bases } = listeners;
  const standing = standingOf(config, bases);

  // What they may ask, and for whom.
  const people = await openPeopleRooms({
    config,
    store,
    clock,
    bases,
    dataDir,
    newId,
    event,
    report,
    demo: demo ?? null,
  });
  const authorization = await createAuthorizationServer({
    issuer: bases.issuer,
    mtlsBase: bases.mtls,
    trustDomain: config.trustDomain,
    store,
    clock,
    monotonicMillis,
    keys,
    engine: nodeEngine,
    authority: () => ({
      ...standing,
      agents: new Map(
        [...config.agents].map(([path, { jwks }]) => [
          path,
          { spiffeId: spiffeIdOf(config.trustDomain, path), jwks: jwks?.kind === 'inline' ? jwks.keys : [] },
        ]),
      ),
      clients: new Map(
        [...config.clients].map(([id, { redirectUris, bearer }]) => [id, { redirectUris, bearer, jwks: [] }]),
      ),
      tasks: config.tasks,
      lifeSecondsMax: 300,
    }),
    people: people.people,
    record: ({ event: name, id: _id, ...members }) => records.event(name, members as unknown as JsonObject),
    report,
    newId,
  });
  onClose(() => authorization.stop());

  // What may happen.
  const upstreams = openUpstreams({ config, clock, environment, say });
  onClose(() => upstreams.close());
  const holder: { current: ReturnType<typeof createWorldHolder> | null } = { current: null };
  const policy = await openPolicy({
    config,
    issuer: bases.issuer,
    store,
    clock,
    onLoaded: (loaded) => holder.current?.change({ policy: loaded }),
    say,
    report,
  });
  const world = createWorldHolder(
    {
      trustDomain: config.trustDomain,
      standing,
      standingVersion: digestOf(JSON.stringify([...standing.edges].map(([caller, callees]) => [caller, [...callees]]))),
      policy: policy.loaded().policy,
      issuers: new Map([[bases.issuer, keysById(keys.token, keys.tokenEs256)]]),
      clients: new Map([...config.clients].map(([id, { bearer }]) => [id, { bearer }])),
    },
    nodeEngine,
    () => authorization.revocations.view(),
  );
  holder.current = world;
  const gatewayId = spiffeIdOf(config.trustDomain, gatewayPath);
  const gateway = openGateway({
    config,
    bases,
    clock,
    world,
    store,
    log,
    records,
    refusals,
    authorization,
    contextKey: keys.context,
    policy,
    upstreams,
    identity: dialIdentity,
    gatewayId,
    replica,
    newId,
    report,
  });
  onClose(
    authorization.revocations.subscribe(({ agents }) => {
      for (const agent of agents) listeners.mtls.revoke(agent as never);
      identities.workload.refresh();
      gateway.spine.closeWithdrawn();
    }),
  );
  await observeServers({ config, upstreams, policy, say, demo: demo?.user ?? null });

  const admin = adminHandler({
    authorization,
    console: people.console({ authorization, policy, identities, index, log, world, gateway }),
    auditDir,
    log,
    store,
    report,
  });
  listeners.open(gatewayHandler(gateway.routes), admin, admin);
  event('plane.started', { version, gateway: gatewayId, policy: world.parts.policy.version });
  onClose(() => records.event('plane.stopped', { version }));
  const ready = await readyLine();
  return { ready, demoSession: people.demoSession, stop: closeAll };

  async function readyLine(): Promise<JsonObject> {
    const adminLink = await people.adminLink();
    return {
      event: 'ready',
      version,
      pid: process.pid,
      trustDomain: config.trustDomain,
      dataDir,
      config: config.file,
      issuer: bases.issuer,
      console: `${listeners.addresses.admin}/console/`,
      admin: {
        url: `${listeners.addresses.admin}/api/v1`,
        socket: people.adminSocket,
        viewerTokenFile: people.viewerTokenFile,
      },
      ...(adminLink ? { adminLink } : {}),
      gateway: { mtls: bases.mtls, oauth: bases.oauth, sidecars: {} },
      workloadApi: `unix://${identities.workloadSocket}`,
      launch: identities.launchSocket,
      log: { origin, vkey: log.vkey, url: `${listeners.addresses.admin}/log`, dir: auditDir },
      gatewayId,
      tokenMtls: `${bases.mtls}/oauth/token`,
      readyMillis: Math.round(performance.now() - started),
    };
  }
}
