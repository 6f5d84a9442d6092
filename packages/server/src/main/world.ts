// The frozen snapshot that calls are judged in. Parts change one at a time, each with its own version; nobody edits a snapshot.

import type { Engine, Policy, PublicKey, Revocations, TaskWorld, World } from '@writ/core';
import { createProvenTokens } from './proven-tokens.ts';
import type { Standing } from './standing.ts';

export interface WorldParts {
  readonly trustDomain: string;
  readonly standing: Standing;
  readonly standingVersion: string;
  readonly policy: Policy;
  readonly tasks: TaskWorld;
  readonly memoryOf: World['memoryOf'];
  readonly limits: World['limits'];
  readonly modeOf: World['modeOf'];
  /** Issuer → key id → key. */
  readonly issuers: ReadonlyMap<string, ReadonlyMap<string, PublicKey>>;
  readonly clients: ReadonlyMap<string, { readonly bearer: boolean }>;
}

export interface WorldHolder {
  /** Reads revocations anew: their freshness is the lease of this very call. */
  snapshot(): World;
  change(parts: Partial<WorldParts>): void;
  readonly parts: WorldParts;
}

export function createWorldHolder(first: WorldParts, engine: Engine, revocations: () => Revocations): WorldHolder {
  let parts = first;
  const proven = createProvenTokens();
  return {
    get parts() {
      return parts;
    },
    change(some) {
      parts = { ...parts, ...some };
      // What is remembered names the key it was proven with, so this is only to let go of it soon.
      if (some.issuers) proven.clear();
    },
    snapshot() {
      const view = revocations();
      const { standing, trustDomain, policy, tasks, memoryOf, limits, modeOf, issuers, clients } = parts;
      return {
        trust: { trustDomain, edges: standing.edges, revokedIdentities: view.agents },
        tokens: {
          trustDomain,
          issuers,
          resources: standing.resources,
          edges: standing.edges,
          clients,
          revocations: view,
          proven,
        },
        policy,
        tasks,
        approvals: [],
        memoryOf,
        limits,
        modeOf,
        engine,
        versions: {
          policy: policy.version,
          standing: parts.standingVersion,
          revocations: String(view.sequence),
        },
      };
    },
  };
}
