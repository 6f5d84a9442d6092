// Who may knock: identities of this machine, the listeners, and what the configuration says about who may reach whom.

import { agentPath, type Denial, denial, type JsonObject, type PeerOnWire, type World } from '@writ/core';
import type { Authority, SvidWithKey } from '../transport/ca.ts';
import { tlsIdentity } from '../transport/tls-pem.ts';
import { openTrustStore } from '../transport/trust-store.ts';
import { createDialIdentity, type DialIdentity } from './dial-identity.ts';
import { openBundleEndpoint } from './federation.ts';
import type { Ground, OnClose } from './ground.ts';
import { gatewayPath, type Identities, openIdentities } from './identities.ts';
import { launchTokenFile } from './launch-token-file.ts';
import { type Listeners, openListeners } from './listeners.ts';
import { type Standing, spiffeIdOf, standingOf } from './standing.ts';
import { createStrangerEvents } from './stranger-events.ts';

export interface Doors {
  readonly identities: Identities;
  readonly dialIdentity: DialIdentity;
  readonly listeners: Listeners;
  readonly standing: Standing;
  /** SPIFFE ID of the gateway. */
  readonly gatewayId: string;
}

type Keyed = Pick<Doors, 'identities' | 'listeners'> & {
  readonly ground: Ground;
  readonly onRenewed: (svid: SvidWithKey) => void;
};

export interface DoorPorts {
  world(): World;
  isRevoked(spiffeId: string): boolean;
  sessionMayLaunch(session: string): Promise<true | string>;
}

const drainMillis = 5000;
const lookMillis = 1000;
/** Whoever cannot show who it is itself has no business judging others. */
const ownEnded = denial('gateway.outage', { says: 'the identity of this plane has ended' });

export async function openDoors(ground: Ground, ports: DoorPorts, onClose: OnClose): Promise<Doors> {
  const { config, dataDir, clock, event, say, report } = ground;
  const identities = await openIdentities({
    config,
    dataDir,
    clock,
    launchTokens: launchTokenFile(dataDir),
    sessionMayLaunch: ports.sessionMayLaunch,
    event,
    strangerEvent: createStrangerEvents(ground),
    say,
    report,
    isRevoked: ports.isRevoked,
  });
  onClose(() => identities.close());
  const gatewaySvid = await identities.mintGateway();
  const dialIdentity = createDialIdentity(gatewaySvid, () => identities.authority.bundle());
  const endpoint = await openBundleEndpoint({ config, authority: identities.authority, say }, gatewaySvid);
  onClose(() => endpoint?.close());
  const onRenewed = (svid: SvidWithKey) => {
    dialIdentity.set(svid);
    endpoint?.setIdentity(tlsIdentity(svid));
  };
  const listeners = await openListeners({
    config,
    dataDir,
    clock,
    identities,
    gatewaySvid,
    onRenewed,
    admit: (peer) =>
      (identities.serves() ? null : ownEnded) ??
      mayConnect(peer, ports.world(), (path) => (config.agents.get(path)?.pep.length ?? 0) > 0),
    onRefused: (refused, { source, peer }) => ground.refusals.count(refused.code, peer ?? source),
  });
  onClose(() => listeners.close(drainMillis));
  await followKeys({ ground, identities, listeners, onRenewed });
  const watch = setInterval(() => {
    if (!identities.serves()) listeners.mtls.review();
  }, lookMillis).unref();
  onClose(() => clearInterval(watch));
  return {
    identities,
    dialIdentity,
    listeners,
    standing: standingOf(config, listeners.bases),
    gatewayId: spiffeIdOf(config.trustDomain, gatewayPath),
  };
}

/** Keys of the authority that come, sign or go: whoever listens or holds a stream has the present ones at once. */
async function followKeys({ ground, identities, listeners, onRenewed }: Keyed): Promise<void> {
  const { config, event, report } = ground;
  const { authority, workload } = identities;
  const trustStore = await openTrustStore();
  let done = Promise.resolve();
  authority.onChange(({ revoked }) => {
    // Withdrawn at a source that is somebody else's: there is no new SVID to go on with, and who is connected goes at once.
    if (!identities.serves()) return void listeners.mtls.review();
    if (config.identity.externalSocket === null) event('identity.keys_changed', keysChanged(authority, revoked));
    done = done
      .then(async () => {
        const svid = await identities.mintGateway();
        const trust = await trustStore.caList(new Map([[config.trustDomain, authority.bundle()]]));
        listeners.mtls.setSvid(tlsIdentity(svid));
        onRenewed(svid);
        listeners.mtls.setTrust(trust, { everyone: revoked });
        workload.refresh();
      })
      .catch((error: unknown) => report('keys of the authority', error));
  });
}

function keysChanged(authority: Authority, revoked: boolean): JsonObject {
  const { root, jwt } = authority.keys();
  const numbers = (keys: typeof root) => keys.map(({ number, state }) => `${number} ${state}`);
  return { roots: numbers(root), jwtKeys: numbers(jwt), sequence: authority.sequence(), revoked };
}

/** Some edge, whichever, or a callee to ask decisions about: anybody else has nothing to say here. Rules §1.3. */
function mayConnect(peer: PeerOnWire, { trust }: World, asks: (path: string) => boolean): Denial | null {
  if (peer.listener === 'oauth' || peer.spiffeId === null) return null;
  if (trust.revokedIdentities.has(peer.spiffeId)) return denial('transport.identity_revoked', { peer: peer.spiffeId });
  const path = agentPath(peer.spiffeId) ?? '';
  return trust.edges.get(path)?.size || asks(path)
    ? null
    : denial('transport.edge_not_allowed', { peer: peer.spiffeId, target: null });
}
