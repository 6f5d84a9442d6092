// `writ whoami`: who a process is to the plane, and when it is nobody, which registration came nearest and what to do.
// The answer of contract §2. It tells an operator what selectors are seen; it grants nothing.

import type { Kin, Nearest } from './attest.ts';
import type { Attestor } from './attest-process.ts';
import type { LaunchRegistry } from './launch-registry.ts';
import type { Observed } from './observe.ts';
import { unitOf } from './observe-labels.ts';

export interface WhoamiAnswer {
  readonly pid: number;
  readonly selectors: readonly { readonly kind: string; readonly value: string }[];
  readonly identity: string | null;
  /** RFC 3339 end of the newest SVID of that identity, null when none was issued. */
  readonly expires: string | null;
  readonly nearest: Nearest | null;
  /** Why there is no identity, for the operator. */
  readonly reason: string | null;
}

export interface WhoamiOptions {
  readonly attestor: Pick<Attestor, 'ofPid'>;
  readonly launches: Pick<LaunchRegistry, 'find'>;
  /** End of the newest SVID issued to an identity, seconds since the epoch. */
  readonly expiresOf: (spiffeId: string) => number | null;
  readonly isRevoked: (spiffeId: string) => boolean;
}

export async function whoami(
  pid: number,
  { attestor, launches, expiresOf, isRevoked }: WhoamiOptions,
): Promise<WhoamiAnswer> {
  const { observed, parent, attestation } = await attestor.ofPid(pid);
  const launch = observed && (launches.find(observed.ancestry)?.agent ?? null);
  const selectors = observed ? selectorsOf(observed, { launch, parent }) : [];
  if ('identity' in attestation) {
    const { agent, spiffeId } = attestation.identity;
    if (isRevoked(spiffeId)) {
      const reason = `\`${agent}\` matches, and its identity was withdrawn`;
      return { pid, selectors, identity: null, expires: null, nearest: null, reason };
    }
    const seconds = expiresOf(spiffeId);
    const expires = seconds === null ? null : new Date(seconds * 1000).toISOString();
    return { pid, selectors, identity: spiffeId, expires, nearest: null, reason: null };
  }
  const { code, detail } = attestation.denial;
  const agents = Array.isArray(detail.agents) ? ` (${detail.agents.map((agent) => `\`${agent}\``).join(', ')})` : '';
  const reason = typeof detail.reason === 'string' ? detail.reason : `${code}${agents}`;
  return { pid, selectors, identity: null, expires: null, nearest: attestation.nearest, reason };
}

function selectorsOf(
  observed: Observed,
  { launch, parent }: { readonly [kin in keyof Kin]: string | null },
): WhoamiAnswer['selectors'] {
  const { uid, gid, path, sha256, cgroup, pm2 } = observed;
  const unit = cgroup && unitOf(cgroup);
  const seen = { uid, gid, path, sha256, unit, cgroup, pm2, parent, launch };
  return Object.entries(seen).flatMap(([kind, value]) => (value === null ? [] : [{ kind, value: String(value) }]));
}
