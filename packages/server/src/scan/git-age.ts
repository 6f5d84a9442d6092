// Since when a line is in git, and whether a file is. Asks `git` itself, with the hooks, monitors and converters switched off that a
// repository could run commands by. No secret is ever an argument.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface LineHistory {
  /** False: in no repository, ignored, or never added. */
  readonly tracked: boolean;
  /** Unix seconds of the commit that brought the line; null where it is not committed. */
  readonly sinceSeconds: number | null;
}

export type AskHistory = (file: string, line: number) => Promise<LineHistory>;

const gitMillisMax = 5000;
const quietly = [
  '--no-pager',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'blame.ignoreRevsFile=',
];

/** Asks git, and remembers which files are tracked. Where git is not installed or does not answer, none is. */
export function gitHistory(): AskHistory {
  const tracked = new Map<string, Promise<boolean>>();
  const isTracked = (file: string) => {
    const known = tracked.get(file) ?? askTracked(file);
    tracked.set(file, known);
    return known;
  };
  return async (file, line) => {
    const isKept = await isTracked(file);
    return { tracked: isKept, sinceSeconds: isKept ? await since(file, line) : null };
  };
}

async function askTracked(file: string): Promise<boolean> {
  if (!isInRepository(dirname(file))) return false;
  return (await git(file, ['ls-files', '--error-unmatch', '--', basename(file)])) !== null;
}

/** Most files are in none, and a process for each costs more than the whole scan. */
function isInRepository(folder: string): boolean {
  return existsSync(join(folder, '.git')) || (dirname(folder) !== folder && isInRepository(dirname(folder)));
}

async function since(file: string, line: number): Promise<number | null> {
  const words = ['blame', '--no-textconv', '--porcelain', '-L', `${line},${line}`, '--', basename(file)];
  const blame = (await git(file, words)) ?? '';
  const commit = /^[0-9a-f]{40,64}/.exec(blame)?.[0];
  const seconds = /^committer-time ([0-9]+)$/m.exec(blame)?.[1];
  // A line that is not committed is blamed on a commit of zeros.
  return commit === undefined || /^0+$/.test(commit) || seconds === undefined ? null : Number(seconds);
}

function git(file: string, words: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    const { PATH, HOME, SystemRoot } = process.env;
    const env = { PATH, HOME, SystemRoot, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
    execFile(
      'git',
      ['-C', dirname(file), ...quietly, ...words],
      { env, timeout: gitMillisMax, maxBuffer: 1024 * 1024 },
      (error, stdout) => resolve(error === null ? stdout : null),
    );
  });
}
