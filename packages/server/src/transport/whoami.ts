// `writ whoami`: who a process is to the plane, and when it is nobody, which registration came nearest and what to do.
// The answer of contract §2. It tells an operator what selectors are seen; it grants nothing.

import type { Nearest } from './attest.ts';
import type { Attestor } from './attest-process.ts';
import type { LaunchRegistry } from './launch-registry.ts';
import type { Observed } from './observe.ts';

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
}

export async function whoami(pid: number, { attestor, launches, expiresOf }: WhoamiOptions): Promise<WhoamiAnswer> {
  const { observed, attestation } = await attestor.ofPid(pid);
  const selectors = observed ? selectorsOf(observed, launches.find(observed.ancestry)?.agent ?? null) : [];
  if ('identity' in attestation) {
    const { spiffeId } = attestation.identity;
    const seconds = expiresOf(spiffeId);
    const expires = seconds === null ? null : new Date(seconds * 1000).toISOString();
    return { pid, selectors, identity: spiffeId, expires, nearest: null, reason: null };
  }
  const { code, detail } = attestation.denial;
  const agents = Array.isArray(detail.agents) ? ` (${detail.agents.map((agent) => `\`${agent}\``).join(', ')})` : '';
  const reason = typeof detail.reason === 'string' ? detail.reason : `${code}${agents}`;
  return { pid, selectors, identity: null, expires: null, nearest: attestation.nearest, reason };
}

function selectorsOf(observed: Observed, launch: string | null): WhoamiAnswer['selectors'] {
  const { uid, gid, path, sha256, parentPath } = observed;
  const seen = { uid, gid, path, sha256, parent: parentPath, launch };
  return Object.entries(seen).flatMap(([kind, value]) => (value === null ? [] : [{ kind, value: String(value) }]));
}
