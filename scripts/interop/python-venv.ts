// A virtual environment of Python in the cache, a folder a version of the peer and of Python, with packages of exact versions in it.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type AbsentPeer, cacheFolder, failureOf, versionOf } from './peer.ts';

const installMillisMax = 300_000;

export interface PythonVenv {
  readonly folder: string;
  /** Path of its `python`. */
  readonly python: string;
}

/** `name`: what the folder is called, with the peer's version; `ready`: whether what was asked for is in it. */
export function pythonVenv(
  name: string,
  packages: readonly string[],
  ready: (venv: PythonVenv) => boolean,
): PythonVenv | AbsentPeer {
  const found = versionOf(['python3', '--version'], /Python (\S+)/);
  if (found === null) return { absent: 'no `python3` on the PATH' };
  const folder = cacheFolder(`${name}-py${found}`);
  const venv = { folder, python: join(folder, 'bin', 'python') };
  if (existsSync(venv.python) && ready(venv)) return venv;
  for (const [command, ...args] of [
    ['python3', '-m', 'venv', folder],
    [venv.python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages],
  ] as const) {
    const ended = spawnSync(command, args, { encoding: 'utf8', timeout: installMillisMax });
    if (ended.status !== 0) return { absent: `it could not be installed: ${failureOf(ended)}` };
  }
  return venv;
}

/** For `pythonVenv`: these modules are there. */
export function imports(...modules: readonly string[]): (venv: PythonVenv) => boolean {
  return ({ python }) => spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status === 0;
}
