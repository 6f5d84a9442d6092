// Who may knock: identities of this machine, the listeners, and what the configuration says about who may reach whom.

import { agentPath, type Denial, denial, type PeerOnWire, type World } from '@writ/core';
import { createDialIdentity, type DialIdentity } from './dial-identity.ts';
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

export interface DoorPorts {
  world(): World;
  isRevoked(spiffeId: string): boolean;
  sessionMayLaunch(session: string): Promise<true | string>;
}

const drainMillis = 5000;

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
  const listeners = await openListeners({
    config,
    dataDir,
    clock,
    identities,
    gatewaySvid,
    onRenewed: dialIdentity.set,
    admit: (peer) => mayConnect(peer, ports.world()),
    onRefused: (refused, { source, peer }) => ground.refusals.count(refused.code, peer ?? source),
  });
  onClose(() => listeners.close(drainMillis));
  return {
    identities,
    dialIdentity,
    listeners,
    standing: standingOf(config, listeners.bases),
    gatewayId: spiffeIdOf(config.trustDomain, gatewayPath),
  };
}

/** Some edge, whichever: a peer that may reach nobody has nothing to say here. Rules §1.3. */
function mayConnect(peer: PeerOnWire, { trust }: World): Denial | null {
  if (peer.listener === 'oauth' || peer.spiffeId === null) return null;
  if (trust.revokedIdentities.has(peer.spiffeId)) return denial('transport.identity_revoked', { peer: peer.spiffeId });
  const callees = trust.edges.get(agentPath(peer.spiffeId) ?? '');
  return callees?.size ? null : denial('transport.edge_not_allowed', { peer: peer.spiffeId, target: null });
}
