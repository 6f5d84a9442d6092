// What the plane must be able to see of a process to recognise it. Programs, digests and PM2 names of another user's processes are
// hidden from everybody without CAP_SYS_PTRACE (proc(5), ptrace(2)); uid, gid, control group and launches are not.

import { readFileSync } from 'node:fs';
import type { Complaint } from './problems.ts';
import type { ConfigFile } from './schema.ts';

/** Selectors that need a look into the process. */
const sightedSelectors = ['path', 'sha256', 'pm2'] as const;

const capSysPtrace = 19n;

/** May this process look into those of other users? */
export function maySeePrograms(): boolean {
  try {
    const held = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    return held !== undefined && ((BigInt(`0x${held}`) >> capSysPtrace) & 1n) === 1n;
  } catch {
    return false; // no `/proc`: nothing can be seen
  }
}

/** The sentence about a selector that this plane could never see matched. */
function unseenSentence(selector: string, uid: number): { readonly says: string; readonly expected: string } {
  return {
    says: `\`${selector}\` cannot be seen of uid ${uid}'s processes: that needs CAP_SYS_PTRACE or root, which this plane does not have`,
    expected: `\`uid\`, \`gid\`, \`unit\`, \`cgroup\`, \`parent\` or \`launched\`; or give the plane CAP_SYS_PTRACE`,
  };
}

/** Rules §1.1; `planeUid` sees its own processes always. */
export function checkSight(
  { agents }: ConfigFile,
  { planeUid, seesPrograms }: { readonly planeUid: number; readonly seesPrograms: boolean },
): readonly Complaint[] {
  if (seesPrograms) return [];
  return Object.entries(agents ?? {}).flatMap(([key, { attest }]) => {
    const uid = attest?.uid ?? planeUid;
    if (attest === undefined || uid === planeUid) return [];
    return sightedSelectors
      .filter((selector) => attest[selector] !== undefined)
      .map(
        (selector): Complaint => ({
          path: ['agents', key, 'attest', selector],
          at: 'key',
          ...unseenSentence(selector, uid),
        }),
      );
  });
}

/** Identities of somebody else's are fetched from a named place, and this plane attests, issues and publishes nothing then. */
export function checkSource({ identity, federation }: ConfigFile): readonly Complaint[] {
  const wrong = (path: Complaint['path'], says: string, expected: string): Complaint => ({
    path,
    at: 'key',
    says,
    expected,
  });
  const external = identity?.source === 'workloadApi';
  return [
    ...(external && identity.socket === undefined
      ? [wrong(['identity', 'source'], '`workloadApi` is at no address', '`socket: unix:///…` beside it')]
      : []),
    ...(!external && identity?.socket !== undefined
      ? [wrong(['identity', 'socket'], 'this plane has an authority of its own', '`source: workloadApi` beside it')]
      : []),
    ...(external && federation !== undefined
      ? [wrong(['federation'], 'partners are the business of where identities come from', 'this key left out')]
      : []),
  ];
}

const shortestSeconds = 60;

/** An SVID that lives shorter than a minute is renewed more often than clocks agree. */
export function checkLives(
  { identity, agents }: ConfigFile,
  secondsOf: (duration: string) => number,
): readonly Complaint[] {
  const lives: [path: Complaint['path'], ttl: string | undefined][] = [
    [['identity', 'ttl'], identity?.ttl],
    ...Object.entries(agents ?? {}).map(([key, { ttl }]): [Complaint['path'], string | undefined] => [
      ['agents', key, 'ttl'],
      ttl,
    ]),
  ];
  return lives.flatMap(([path, ttl]): Complaint[] =>
    ttl === undefined || secondsOf(ttl) >= shortestSeconds
      ? []
      : [{ path, at: 'value', says: `\`${ttl}\` is too short a life for an identity`, expected: '`1m` or more' }],
  );
}
