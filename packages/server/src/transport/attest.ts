// Which agent a process is: at most one, or none (rules §1.1). A pure comparison of what was observed with what is
// registered; reading `/proc` is observe.ts, and whether the registrations make sense is attest-entries.ts.

import { type Boundary, type Denial, denial, type SpiffeId } from '@writ/core';
import type { AttestEntry } from './attest-entries.ts';
import type { Observed } from './observe.ts';
import { isInCgroup, unitOf } from './observe-labels.ts';

export interface Identity {
  readonly agent: string;
  readonly spiffeId: SpiffeId;
  /** What told this agent from others on the machine. `none` under the plane's own uid is for the caller to say (§7.2). */
  readonly boundary: Extract<Boundary, 'uid' | 'launch'>;
}

/** A selector that did not match. `seen` is for the operator's eyes. */
export interface Missing {
  readonly kind: 'uid' | 'gid' | 'launch' | 'path' | 'sha256' | 'parent' | 'unit' | 'cgroup' | 'pm2';
  readonly wanted: string;
  readonly seen: string;
}

/** The registration that came closest, and what to do about it (contract §2, `whoami`). */
export interface Nearest {
  readonly agent: string;
  readonly missing: readonly Missing[];
  readonly fix: string;
}

export type Attestation =
  | { readonly identity: Identity }
  | { readonly denial: Denial; readonly nearest: Nearest | null };

/** The live launch whose tree the process is in. */
export interface LaunchFact {
  readonly agent: string;
  readonly uid: number;
}

export interface Kin {
  readonly launch: LaunchFact | null;
  /** The agent that the parent process is. */
  readonly parent: string | null;
}

export function attest(observed: Observed, entries: readonly AttestEntry[], kin: Kin): Attestation {
  const compared = entries.map((entry) => ({ entry, missing: missingOf(observed, entry, kin) }));
  const matching = compared.filter(({ missing }) => missing.length === 0).map(({ entry }) => entry);
  const seen = { pid: observed.pid, uid: observed.uid };
  if (matching.length > 1) {
    const agents = matching.map(({ agent }) => agent);
    return { denial: denial('transport.ambiguous_attestation', { ...seen, agents }), nearest: null };
  }
  const entry = matching[0];
  if (entry) {
    const boundary = entry.attest.launched ? 'launch' : 'uid';
    return { identity: { agent: entry.agent, spiffeId: entry.spiffeId, boundary } };
  }
  const nearest = nearestOf(compared);
  const detail = { ...seen, nearest: nearest?.agent ?? null, missing: nearest?.missing.map(({ kind }) => kind) ?? [] };
  return { denial: denial('transport.peer_not_attested', detail), nearest };
}

function missingOf(observed: Observed, entry: AttestEntry, { launch, parent }: Kin): readonly Missing[] {
  const { attest } = entry;
  const missing: Missing[] = [];
  const want = (kind: Missing['kind'], wanted: string, seen: string | null) => {
    if (wanted !== seen) missing.push({ kind, wanted, seen: seen ?? 'unreadable' });
  };
  want('uid', String(attest.uid), String(observed.uid));
  if (attest.gid !== undefined)
    want('gid', String(attest.gid), observed.gid === null ? 'several' : String(observed.gid));
  if (attest.launched) {
    // A launch is for one uid: a process of the tree that changed its uid has left it.
    const covers = launch !== null && launch.uid === observed.uid;
    want('launch', entry.agent, covers ? launch.agent : 'none');
  }
  if (attest.path !== undefined) want('path', attest.path, observed.path);
  if (attest.sha256 !== undefined) want('sha256', attest.sha256, observed.sha256);
  if (attest.parent !== undefined) want('parent', attest.parent, parent ?? 'none');
  const { cgroup } = observed;
  if (attest.unit !== undefined) want('unit', attest.unit, cgroup && (unitOf(cgroup) ?? 'none'));
  if (attest.cgroup !== undefined)
    want('cgroup', attest.cgroup, cgroup !== null && isInCgroup(cgroup, attest.cgroup) ? attest.cgroup : cgroup);
  if (attest.pm2 !== undefined) want('pm2', attest.pm2, observed.pm2);
  return missing;
}

interface Compared {
  readonly entry: AttestEntry;
  readonly missing: readonly Missing[];
}

/** Fewest selectors missing, an entry of the same uid before any other, the first configured among equals. */
function nearestOf(compared: readonly Compared[]): Nearest | null {
  const cost = ({ missing }: Compared) => missing.length + (missing.some(({ kind }) => kind === 'uid') ? 100 : 0);
  const best = compared.toSorted((a, b) => cost(a) - cost(b))[0];
  if (!best) return null;
  const { agent } = best.entry;
  return { agent, missing: best.missing, fix: fixOf(best.entry, best.missing[0]!) };
}

function fixOf(entry: AttestEntry, { kind, wanted, seen }: Missing): string {
  const { agent, attest } = entry;
  switch (kind) {
    case 'uid':
      return `run it as uid \`${wanted}\`, or set \`attest.uid\` of \`${agent}\` to \`${seen}\``;
    case 'gid':
      return `run it with gid \`${wanted}\`, or take \`attest.gid\` off \`${agent}\``;
    case 'launch':
      return `start it with \`writ run --agent ${agent} -- ${attest.command?.join(' ') ?? 'COMMAND'}\``;
    case 'parent':
      return `let \`${wanted}\` start it, or take \`attest.parent\` off \`${agent}\``;
    case 'unit':
      return `run it as the unit \`${wanted}\` of the system, or set \`attest.unit\` of \`${agent}\` to its own`;
    case 'cgroup':
      return `run it in the control group \`${wanted}\`, or set \`attest.cgroup\` of \`${agent}\` to \`${seen}\``;
    case 'pm2':
      return `run it with PM2 in fork mode under the name \`${wanted}\`; of another uid the plane needs CAP_SYS_PTRACE to see it`;
    case 'path':
    case 'sha256':
      return seen === 'unreadable'
        ? `give the plane CAP_SYS_PTRACE to see programs of uid \`${attest.uid}\`, or take \`attest.${kind}\` off \`${agent}\``
        : `run the program that \`attest.${kind}\` of \`${agent}\` names, or set it to \`${seen}\``;
  }
}
