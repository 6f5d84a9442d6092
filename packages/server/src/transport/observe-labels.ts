// What a service manager says of a process: its control group, the systemd unit that stands in it, and the name PM2 gave it.
// A unit of the system is as good as a uid; a user names its own units and its PM2 processes as it likes, so those only narrow.

import { readFileSync } from 'node:fs';

/** Path in the control group tree: the `0::` line of cgroup v2, or systemd's own line where both versions are mounted. */
export function cgroupOf(pid: number): string | null {
  const text = readText(`/proc/${pid}/cgroup`);
  return text === null ? null : cgroupPath(text);
}

/** The same from the text of proc(5) `cgroup`. Of both lines the one that says more; null when they contradict each other. */
export function cgroupPath(text: string): string | null {
  const lines = text.split('\n').map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line));
  const unified = lines.find((line) => line?.[1] === '')?.[2] ?? null;
  const systemd = lines.find((line) => line?.[1] === 'name=systemd')?.[2] ?? null;
  // Removed while a process stayed, or above the root of a cgroup namespace: not a place anybody configured.
  const known = [unified, systemd].filter(
    (path) => path !== null && !path.endsWith(' (deleted)') && !path.includes('/..'),
  );
  const [one, other = one] = known.filter((path) => path !== '/');
  return one === undefined ? (known[0] ?? null) : one === other ? one : null;
}

/**
 * The unit of the system that a control group belongs to: the first segment that is no slice. Below `user.slice` units are named by
 * the user that runs them, so there is none (labs/spiffe §1.2).
 */
export function unitOf(cgroup: string): string | null {
  for (const segment of cgroup.split('/').slice(1)) {
    if (segment === 'user.slice') return null;
    if (segment.endsWith('.slice')) continue;
    return /^[A-Za-z0-9:_.\\@-]+\.(?:service|scope)$/.test(segment) ? segment : null;
  }
  return null;
}

/** True when the group is `wanted` or below it, at a segment boundary. */
export function isInCgroup(cgroup: string, wanted: string): boolean {
  return cgroup === wanted || cgroup.startsWith(`${wanted}/`);
}

/** The name PM2 gave a process that it runs in fork mode; in cluster mode its environment does not say (labs/spiffe §1.2). */
export function pm2NameOf(pid: number): string | null {
  const text = readText(`/proc/${pid}/environ`);
  return text === null ? null : pm2Name(text);
}

/** The same from the text of proc(5) `environ`. */
export function pm2Name(environ: string): string | null {
  const variables = environ.split('\0');
  // A name given twice is whichever a reader takes first.
  const valuesOf = (name: string) => variables.filter((variable) => variable.startsWith(`${name}=`));
  const [names, ids] = [valuesOf('name'), valuesOf('pm_id')];
  return names.length === 1 && ids.length === 1 ? names[0]!.slice('name='.length) : null;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // it ended, or may not be looked at
  }
}
