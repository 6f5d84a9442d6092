// The Workload API of this plane: who is told what, and what is written down of it. Or, where identities come from elsewhere, the
// address of that place.

import { join } from 'node:path';
import type { JsonObject } from '@writ/core';
import type { Config } from '../config/config.ts';
import type { Attestor } from '../transport/attest-process.ts';
import type { Authority } from '../transport/ca.ts';
import type { ExternalAuthority } from '../transport/external-source.ts';
import type { Kernel } from '../transport/peercred.ts';
import { createWorkloadApi, type WorkloadApi } from '../transport/workload-api/server.ts';
import { openPartners } from './federation.ts';
import type { IdentityDeps } from './identities.ts';
import type { Sidecars } from './sidecars.ts';
import { spiffeIdOf } from './standing.ts';

export type Workload = WorkloadApi;

export interface WorkloadDeps extends IdentityDeps {
  readonly authority: Authority;
  readonly kernel: Kernel;
  readonly attestor: Attestor;
  readonly sidecars: Pick<Sidecars, 'issued'>;
}

export async function openWorkload(deps: WorkloadDeps): Promise<Workload> {
  const { config, clock, authority, kernel, attestor } = deps;
  const lives = livesOf(config);
  let pushed = () => {};
  const federation = await openPartners({ ...deps, authority, onChange: () => pushed() });
  const workload: WorkloadApi = await createWorkloadApi({
    socketPath: join(deps.dataDir, 'workload.sock'),
    kernel,
    clock,
    identityOf: async (peer) => {
      const attested = await attestor.ofPeer(peer);
      if ('identity' in attested && deps.isRevoked(attested.identity.spiffeId)) {
        return { denial: { code: 'transport.identity_revoked', rule: 'Writ rules §2.15', detail: {} }, nearest: null };
      }
      return attested;
    },
    mint: ({ spiffeId }) =>
      authority.mint({ spiffeId, ...(lives.has(spiffeId) ? { ttlSeconds: lives.get(spiffeId)! } : {}) }),
    bundle: () => authority.bundle(),
    mintJwt: (request) => authority.mintJwt(request),
    federated: () => new Map([...federation.bundles()].map(([name, { roots }]) => [`spiffe://${name}`, roots])),
    // Ours last: no partner's keys ever stand under our name.
    jwtKeys: () => {
      const partners = [...federation.bundles()].map(([name, bundle]) => [name, [...bundle.jwtKeys.values()]] as const);
      return new Map<string, readonly JsonObject[]>([...partners, [config.trustDomain, authority.jwtKeys()]]);
    },
    isRevoked: deps.isRevoked,
    onEvent(event) {
      if (event.kind === 'outage') return deps.report('workload api', event.cause);
      const { pid, uid } = event;
      if (event.kind === 'not_taken')
        return deps.strangerEvent({ name: 'identity.not_taken', uid, code: 'sds', members: { pid, says: event.says } });
      if (event.kind === 'refused') {
        const { code, detail } = event.denial;
        return deps.strangerEvent({ name: 'identity.refused', uid, code, members: { pid, code, detail } });
      }
      const { spiffeId } = event.identity;
      if (event.kind === 'issued') deps.sidecars.issued(event);
      const issued = { pid, uid, spiffeId, until: event.notAfterSeconds };
      if (event.kind === 'issued') return deps.event('identity.issued', { ...issued, serial: event.serialHex });
      deps.event('identity.issued_jwt', { ...issued, audience: [...event.audience] });
    },
  });

  pushed = () => workload.refresh();
  return {
    ...workload,
    async close() {
      federation.close();
      await workload.close();
    },
  };
}

/** Agents ask there themselves; nothing is issued here. */
export function externalWorkload(endpoint: string, external: ExternalAuthority): Workload {
  return { endpoint, refresh() {}, expiresOf: () => null, close: async () => external.close() };
}

/** Seconds an agent's SVID lives, for those that say so. */
function livesOf({ agents, trustDomain }: Config): ReadonlyMap<string, number> {
  return new Map(
    [...agents].flatMap(([agent, { ttlSeconds }]) =>
      ttlSeconds === null ? [] : [[spiffeIdOf(trustDomain, agent), ttlSeconds] as const],
    ),
  );
}
