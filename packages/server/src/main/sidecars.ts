// What the plane knows of the sidecars on this machine: which certificates they hold, and where they take calls for their agents.
// Both end with the launch they belong to.

import type { PeerOnWire } from '@writ/core';
import type { LaunchRegistry } from '../transport/launch-registry.ts';
import type { MtlsPeer } from '../transport/mtls-connections.ts';

export interface Sidecars {
  /** An SVID went to this process. */
  issued(svid: { readonly pid: number; readonly serialHex: string; readonly notAfterSeconds: number }): void;
  /** The peer as records show it: a certificate that went to a sidecar is a sidecar's. Rules §1.2. */
  told(peer: MtlsPeer): PeerOnWire;
  /** `https://127.0.0.1:<port>` of the launch that came last, or null. Who answers there is proven by its SVID. */
  inboundOf(agent: string): string | null;
}

export function createSidecars(launches: Pick<LaunchRegistry, 'list'>, clock: { nowSeconds(): number }): Sidecars {
  const serials = new Map<string, number>();

  return {
    issued({ pid, serialHex, notAfterSeconds }) {
      if (!launches.list().some(({ sidecar, runner }) => sidecar && runner.pid === pid)) return;
      const nowSeconds = clock.nowSeconds();
      for (const [serial, until] of serials) if (until <= nowSeconds) serials.delete(serial);
      serials.set(serialHex, notAfterSeconds);
    },
    told: (peer) => (serials.has(peer.serialHex) ? { ...peer, listener: 'sidecar' } : peer),
    inboundOf: (agent) =>
      launches.list().findLast((launch) => launch.agent === agent && launch.sidecar?.inbound)?.sidecar?.inbound ?? null,
  };
}
