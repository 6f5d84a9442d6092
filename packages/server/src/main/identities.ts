// Identities of this machine: the authority, the attested processes, and the sockets where they ask. Wires the transport room.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Boundary, JsonObject, SpiffeId } from '@writ/core';
import { parseSpiffeId } from '@writ/core';
import type { Config } from '../config/config.ts';
import { type AttestEntry, validateEntries, withDefaults } from '../transport/attest-entries.ts';
import { createAttestor } from '../transport/attest-process.ts';
import { type Authority, openAuthority, type SvidWithKey } from '../transport/ca.ts';
import { openExternalAuthority } from '../transport/external-source.ts';
import { createLaunchRegistry } from '../transport/launch-registry.ts';
import { openLaunchServer } from '../transport/launch-server.ts';
import { createLaunchTokens, type LaunchTokenStore } from '../transport/launch-tokens.ts';
import { createExecutableHash } from '../transport/observe-executable.ts';
import { openKernel } from '../transport/peercred.ts';
import { type WhoamiAnswer, whoami } from '../transport/whoami.ts';
import { createSidecars, type Sidecars } from './sidecars.ts';
import { spiffeIdOf } from './standing.ts';
import type { StrangerEvent } from './stranger-events.ts';
import { externalWorkload, openWorkload, type Workload } from './workload.ts';

export interface IdentityDeps {
  readonly config: Config;
  readonly dataDir: string;
  readonly clock: { nowSeconds(): number; nowMillis(): number };
  readonly launchTokens: LaunchTokenStore;
  /** Whose session is this, and may it launch? True, or a sentence. */
  sessionMayLaunch(session: string): Promise<true | string>;
  /** An event for the log. */
  event(name: string, detail: JsonObject): void;
  /** The same about processes that nobody knows. */
  strangerEvent(told: StrangerEvent): void;
  /** A sentence for the operator. */
  say(sentence: string): void;
  report(what: string, error: unknown): void;
  /** Withdrawn identities get nothing. */
  isRevoked(spiffeId: string): boolean;
}

export interface Identities {
  readonly authority: Authority;
  readonly workload: Workload;
  readonly launchSocket: string;
  readonly sidecars: Sidecars;
  boundaryOf(spiffeId: SpiffeId): Boundary;
  whoami(pid: number): Promise<WhoamiAnswer>;
  /** False once the plane's own identity has ended at a source that is somebody else's: nobody is to be served then. */
  serves(): boolean;
  /** Keys of the authority with their times, for people. */
  keys(): object;
  /** The gateway's own, with the names that stock HTTPS clients check. */
  mintGateway(): Promise<SvidWithKey>;
  close(): Promise<void>;
}

export const gatewayPath = 'writ/gateway';
const upkeepMillis = 60_000;

export async function openIdentities(deps: IdentityDeps): Promise<Identities> {
  const { config, dataDir, clock } = deps;
  const planeUid = process.getuid?.() ?? -1;
  const entries = entriesOf(config, planeUid);
  const [problem] = validateEntries(entries);
  if (problem) throw new Error(`${problem.path.join('.')}: ${problem.says}; expected ${problem.expected}`);
  const gatewayId = parseSpiffeId(spiffeIdOf(config.trustDomain, gatewayPath))!;
  const { trustDomain } = config;
  const endpoint = config.identity.externalSocket;
  const external =
    endpoint === null
      ? null
      : await openExternalAuthority({ endpoint, trustDomain, gatewayId, clock, onProblem: deps.say });
  const { ttlSeconds } = config.identity;
  const authority = external ?? (await openAuthority({ dir: join(dataDir, 'ca'), trustDomain, clock, ttlSeconds }));
  // What fell due while the plane was away is done before anybody asks.
  await authority.maintain();
  const upkeep = setInterval(() => {
    authority.maintain().catch((error: unknown) => deps.report('keys of the authority', error));
  }, upkeepMillis).unref();
  const kernel = await openKernel();
  if (kernel.proof === 'pidfd-open')
    deps.say('this kernel is older than 6.5: processes are identified on a best-effort basis');
  const launches = createLaunchRegistry();
  const sidecars = createSidecars(launches, clock);
  const attestor = createAttestor({ kernel, entries: () => entries, launches, hash: createExecutableHash() });
  const tokens = createLaunchTokens({ store: deps.launchTokens, clock, randomBytes: (count) => randomBytes(count) });
  const launchSocket = join(dataDir, 'launch.sock');
  const launchServer = await openLaunchServer({
    socketPath: launchSocket,
    kernel,
    registry: launches,
    entries: () => entries,
    a2aOf: (agent) => config.agents.get(agent)?.a2a ?? null,
    clock,
    async authorise({ credential, agent, uid, command }) {
      if ('session' in credential) return deps.sessionMayLaunch(credential.session);
      return (await tokens.verify(credential.launchToken, { agent, uid, command })) ?? true;
    },
    onLaunch: ({ agent, uid, process: { pid } }) => deps.event('identity.launched', { agent, uid, pid }),
    onRefused: ({ agent, pid, uid, says }) =>
      deps.strangerEvent({ name: 'identity.launch_refused', uid, code: 'launch', members: { agent, pid, says } }),
  });
  const workload = external
    ? externalWorkload(config.identity.externalSocket!, external)
    : await openWorkload({ ...deps, authority, kernel, attestor, sidecars });

  const boundaries = new Map(entries.map((entry) => [entry.spiffeId as string, boundaryOfEntry(entry, planeUid)]));
  return {
    authority,
    workload,
    launchSocket,
    sidecars,
    boundaryOf: (spiffeId) => boundaries.get(spiffeId) ?? 'none',
    whoami: (pid) => whoami(pid, { attestor, launches, expiresOf: workload.expiresOf, isRevoked: deps.isRevoked }),
    serves: () => external?.serves() ?? true,
    keys: () => ({ trustDomain: config.trustDomain, sequence: authority.sequence(), ...keysShown(authority) }),
    mintGateway: () =>
      authority.mint({
        spiffeId: gatewayId,
        dnsNames: ['localhost'],
        ipAddresses: ['127.0.0.1', '::1', ...publicAddress(config)],
      }),
    async close() {
      clearInterval(upkeep);
      await workload.close();
      await launchServer.close();
      launches.close();
    },
  };
}

function entriesOf(config: Config, planeUid: number): AttestEntry[] {
  return [...config.agents].flatMap(([agent, { attest }]) => {
    const spiffeId = parseSpiffeId(spiffeIdOf(config.trustDomain, agent));
    return attest && spiffeId ? [{ agent, spiffeId, attest: withDefaults(attest, planeUid) }] : [];
  });
}

function keysShown(authority: Authority) {
  const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
  return Object.fromEntries(
    Object.entries(authority.keys()).map(([kind, keys]) => [
      kind,
      keys.map(({ number, state, signsFromSeconds, notAfterSeconds }) => ({
        number,
        state,
        signsFrom: iso(signsFromSeconds),
        until: iso(notAfterSeconds),
      })),
    ]),
  );
}

/** Under the plane's own uid an agent can write the plane's folder: nothing separates the two. Rules §7.2. */
function boundaryOfEntry({ attest }: AttestEntry, planeUid: number): Boundary {
  if (attest.uid === planeUid || attest.uid === 0) return 'none';
  return attest.launched ? 'launch' : 'uid';
}

function publicAddress(config: Config): string[] {
  const { host } = config.listen.mtls;
  return /^[0-9.]+$/.test(host) && !['127.0.0.1', '0.0.0.0'].includes(host) ? [host] : [];
}
