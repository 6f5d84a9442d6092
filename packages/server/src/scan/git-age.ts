// Since when a line is in git, and whether a file is. Asks `git` itself, with the hooks, monitors and converters switched off that a
// repository could run commands by. No secret is ever an argument.

import { execFile } from 'node:child_process';
import { basename, dirname } from 'node:path';

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

/** Where git is not installed or does not answer, the file counts as not tracked. */
export async function gitHistory(file: string, line: number): Promise<LineHistory> {
  const tracked = (await git(file, ['ls-files', '--error-unmatch', '--', basename(file)])) !== null;
  if (!tracked) return { tracked, sinceSeconds: null };
  const blame = await git(file, [
    'blame',
    '--no-textconv',
    '--porcelain',
    '-L',
    `${line},${line}`,
    '--',
    basename(file),
  ]);
  const commit = /^[0-9a-f]{40,64}/.exec(blame ?? '')?.[0];
  const seconds = /^committer-time ([0-9]+)$/m.exec(blame ?? '')?.[1];
  // A line that is not committed is blamed on a commit of zeros.
  const committed = commit !== undefined && !/^0+$/.test(commit) && seconds !== undefined;
  return { tracked, sinceSeconds: committed ? Number(seconds) : null };
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
