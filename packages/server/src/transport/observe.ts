// What `/proc` says of one process, read without mistaking a reused pid for it. Facts only: attest.ts judges them.
// The order matters (labs/spiffe §1.1): hold the process, read, then see that it is still alive and still the same.

import { readFileSync, readlinkSync } from 'node:fs';
import { deny, pass, type Verdict } from '@writ/core';
import type { ExecutableHash } from './observe-executable.ts';
import { cgroupOf, pm2NameOf } from './observe-labels.ts';
import type { ProcessHandle } from './peercred.ts';

/** One process and no later one with its number: `startTicks` are clock ticks after boot, proc(5) stat field 22. */
export interface ProcessRef {
  readonly pid: number;
  readonly startTicks: number;
}

export interface Observed {
  readonly pid: number;
  readonly uid: number;
  /** Null when the process holds several group ids at once. */
  readonly gid: number | null;
  /** What the process executes; null when this process may not look (another uid needs CAP_SYS_PTRACE). */
  readonly path: string | null;
  /** SHA-256 of that file, hex; null when it was not asked for or could not be read. */
  readonly sha256: string | null;
  /** Path in the control group tree. */
  readonly cgroup: string | null;
  /** The name PM2 gave it. */
  readonly pm2: string | null;
  /** The process itself first, then parent by parent up to init. */
  readonly ancestry: readonly ProcessRef[];
}

export interface Credentials {
  readonly uid: number;
  readonly gid: number;
}

// A tree deeper than this is nobody's agent, and walking it would be work that a caller can order.
const ancestryMax = 128;
const reparentingsMax = 8;

/**
 * Observes a held process. `credentials` are those of its connection, when it made one; they must still be its own.
 * `hash` is given only when some entry asks for a digest, since hashing an interpreter takes a while.
 */
export async function observe(
  process: ProcessHandle,
  credentials: Credentials | null,
  hash: ExecutableHash | null,
): Promise<Verdict<Observed>> {
  const { pid } = process;
  const refuse = (reason: string) => deny('transport.peer_not_attested', { pid, reason });
  const path = linkOf(pid);
  const sha256 = hash && (await hash(pid));
  const ids = idsOf(pid);
  const ancestry = ancestryOf(pid);
  const [cgroup, pm2] = [cgroupOf(pid), pm2NameOf(pid)];
  if (ids === null || ancestry === null) return refuse('the process ended, or its ancestry could not be followed');
  // An exec while reading would pair the path of one program with the digest of another.
  if (linkOf(pid) !== path) return refuse('the process changed its program while it was observed');
  // After the reads: alive now means that the number meant this process all along.
  if (!process.isAlive()) return refuse('the process has ended');
  if (ids.uid === null) return refuse('the process holds several user ids at once');
  if (credentials && ids.uid !== credentials.uid) return refuse('the process changed its user id after it connected');
  const gid = credentials && ids.gid !== credentials.gid ? null : ids.gid;
  return pass({ pid, uid: ids.uid, gid, path, sha256, cgroup, pm2, ancestry });
}

/** The process and its ancestors, or null when it ended, hid in too deep a tree, or kept moving. */
export function ancestryOf(pid: number): readonly ProcessRef[] | null {
  let child = statOf(pid);
  if (child === null) return null;
  const chain: ProcessRef[] = [refOf(child)];
  for (let moved = 0; child.parentPid > 0; ) {
    const parent = statOf(child.parentPid);
    // A parent that ended hands its children on. That the child still names it proves whose line was read.
    const again = statOf(child.pid);
    if (again === null || again.startTicks !== child.startTicks) return null;
    if (again.parentPid !== child.parentPid) {
      if (++moved > reparentingsMax) return null;
      child = again;
      continue;
    }
    if (parent === null || parent.startTicks > child.startTicks || chain.length === ancestryMax) return null;
    chain.push(refOf(parent));
    child = parent;
  }
  return chain;
}

export interface ProcessStat extends ProcessRef {
  readonly parentPid: number;
  /** proc(5): `Z` for a process that ended and waits to be collected. */
  readonly state: string;
}

/** proc(5) stat of a process, or null when there is none. */
export function statOf(pid: number): ProcessStat | null {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name in parentheses is chosen by the process and may hold anything, parentheses included.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const parentPid = Number(fields[1]);
  const startTicks = Number(fields[19]);
  if (!Number.isSafeInteger(parentPid) || !Number.isSafeInteger(startTicks)) return null;
  return { pid, parentPid, startTicks, state: fields[0]! };
}

/** Real, effective and saved ids of a process; an id is null when the three differ. */
export function idsOf(pid: number): { readonly uid: number | null; readonly gid: number | null } | null {
  const text = readText(`/proc/${pid}/status`);
  const uid = text && idOf(text, 'Uid');
  const gid = text && idOf(text, 'Gid');
  return uid && gid ? { uid: single(uid), gid: single(gid) } : null;
}

function idOf(status: string, name: string): readonly number[] | null {
  const match = new RegExp(`^${name}:\\t(\\d+)\\t(\\d+)\\t(\\d+)\\t\\d+$`, 'm').exec(status);
  return match?.slice(1, 4).map(Number) ?? null;
}

function single(ids: readonly number[]): number | null {
  return ids.every((id) => id === ids[0]) ? ids[0]! : null;
}

function refOf(stat: ProcessStat): ProcessRef {
  return { pid: stat.pid, startTicks: stat.startTicks };
}

/** The target of the `exe` link; `… (deleted)` once the file was replaced, which no configured path equals. */
function linkOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return null;
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null; // the process ended
  }
}
