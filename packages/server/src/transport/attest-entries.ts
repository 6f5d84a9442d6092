// What may stand under `agents.X.attest`, and which registrations could ever be confused (rules §1.1).
// Agents that share a uid are told apart only by launch: paths, digests and parents can be imitated by the same uid,
// and an interpreter's path or digest names the interpreter, so none of them ever makes two entries different.

import type { SpiffeId } from '@writ/core';

export interface AttestSelectors {
  /** User id of the process. */
  readonly uid: number;
  readonly gid?: number;
  /** Absolute path of the executable; narrows, never distinguishes. */
  readonly path?: string;
  /** SHA-256 of the executable, lower-case hex. */
  readonly sha256?: string;
  /** Key of the agent that the parent process is. */
  readonly parent?: string;
  /** systemd unit of the system; units that a user runs are never one. */
  readonly unit?: string;
  /** Path of a control group: the process is in it or below. */
  readonly cgroup?: string;
  /** Name of a PM2 process in fork mode; narrows, never distinguishes. */
  readonly pm2?: string;
  /** Only a process that the plane or `writ run` started as this agent. */
  readonly launched?: boolean;
  /** The one command a launch token is good for; without it only a person's session launches. */
  readonly command?: readonly string[];
  /** Names of environment variables that reach a launched process. */
  readonly env?: readonly string[];
}

export interface AttestEntry {
  /** Key under `agents`, the path of the SPIFFE ID. */
  readonly agent: string;
  readonly spiffeId: SpiffeId;
  readonly attest: AttestSelectors;
}

/** A finding of `writ validate`; the config reader adds file, line and column. */
export interface EntryProblem {
  readonly path: readonly string[];
  readonly says: string;
  readonly expected: string;
}

/** Selectors as configured: `uid` defaults to the plane's. */
export function withDefaults(attest: Partial<AttestSelectors>, planeUid: number): AttestSelectors {
  return { ...attest, uid: attest.uid ?? planeUid };
}

/** Every problem of the registrations; none means that no process can match two of them. */
export function validateEntries(entries: readonly AttestEntry[]): readonly EntryProblem[] {
  return [...entries.flatMap(problemsOfOne), ...problemsOfParents(entries), ...problemsBetween(entries)];
}

const uidMax = 0xffff_fffe;
const overflowUid = 65534;
const launchOnly = ['command', 'env'] as const;
const unlaunchedOnly = ['gid', 'path', 'sha256', 'parent', 'unit', 'cgroup', 'pm2'] as const;

function problemsOfOne({ agent, attest }: AttestEntry): readonly EntryProblem[] {
  const problems: EntryProblem[] = [];
  const report = (key: keyof AttestSelectors, says: string, expected: string) =>
    problems.push({ path: ['agents', agent, 'attest', key], says, expected });

  if (!isId(attest.uid)) report('uid', `\`${attest.uid}\` is not a user id`, 'a whole number from 0');
  if (attest.uid === overflowUid) {
    report('uid', `\`${overflowUid}\` stands for users of other namespaces`, 'a user id of its own for this agent');
  }
  if (attest.gid !== undefined && !isId(attest.gid)) {
    report('gid', `\`${attest.gid}\` is not a group id`, 'a whole number from 0');
  }
  for (const key of ['path', 'cgroup'] as const) {
    const value = attest[key];
    if (value !== undefined && !value.startsWith('/')) report(key, `\`${value}\` is not absolute`, 'a path from `/`');
  }
  if (attest.sha256 !== undefined && !/^[0-9a-f]{64}$/.test(attest.sha256)) {
    report('sha256', `\`${attest.sha256}\` is not a SHA-256 digest`, '64 lower-case hexadecimal digits');
  }
  if (attest.command?.length === 0) report('command', 'the command is empty', 'a program and its arguments');
  for (const name of attest.env ?? []) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      report('env', `\`${name}\` is not a variable name`, 'names, without values');
  }
  const misplaced = attest.launched ? unlaunchedOnly : launchOnly;
  for (const key of misplaced) {
    if (attest[key] === undefined) continue;
    if (attest.launched)
      report(key, `\`${key}\` says nothing about a launched agent`, '`uid`, `command` and `env` beside `launched`');
    else report(key, `\`${key}\` is about launches only`, '`launched: true` beside it');
  }
  return problems;
}

/** A parent is recognised by what it is itself, never by its own parent: otherwise a chain of processes could be made to order. */
function problemsOfParents(entries: readonly AttestEntry[]): readonly EntryProblem[] {
  return entries.flatMap(({ agent, attest: { parent } }) => {
    if (parent === undefined) return [];
    const named = entries.find((entry) => entry.agent === parent);
    if (named && named.attest.parent === undefined && named.agent !== agent) return [];
    const says = named
      ? `\`${parent}\` is recognised by a parent of its own`
      : `no process is recognised as \`${parent}\``;
    return [
      {
        path: ['agents', agent, 'attest', 'parent'],
        says,
        expected: 'another agent with an `attest` without `parent`',
      },
    ];
  });
}

function problemsBetween(entries: readonly AttestEntry[]): readonly EntryProblem[] {
  const problems: EntryProblem[] = [];
  const repeated = (agents: readonly string[]) => agents.map((agent) => `\`${agent}\``).join(' and ');
  for (const [uid, sharing] of Map.groupBy(entries, ({ attest }) => attest.uid)) {
    const resident = sharing.filter(({ attest }) => !attest.launched);
    if (resident.length === 0 || sharing.length === 1) continue;
    const mixed = resident.length < sharing.length;
    for (const { agent } of resident) {
      const others = sharing.filter((other) => other.agent !== agent).map((other) => other.agent);
      problems.push({
        path: ['agents', agent, 'attest'],
        says: mixed
          ? `uid \`${uid}\` also belongs to ${repeated(others)}, and a launched agent would match \`${agent}\` as well`
          : `uid \`${uid}\` also belongs to ${repeated(others)}, and nothing but a launch tells processes of one uid apart`,
        expected: '`launched: true` on every agent of this uid, or a uid of its own',
      });
    }
  }
  return problems;
}

function isId(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= uidMax;
}
