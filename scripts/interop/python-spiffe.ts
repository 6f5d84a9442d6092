// The Python client of the Workload API, in a virtual environment of its own in the cache.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Peer, versionOf } from './peer.ts';

const version = '0.3.2';
const installMillisMax = 300_000;

export const pythonSpiffe: Peer = {
  name: 'spiffe (Python)',
  shows: 'Workload API: a third client follows rotations, fetches and checks JWT-SVIDs',
  tier: 2,
  tests: ['test/interop/python-spiffe.interop.ts'],
  async open() {
    const found = versionOf(['python3', '--version'], /Python (\S+)/);
    if (found === null) return { absent: 'no `python3` on the PATH' };
    const folder = cacheFolder(`spiffe-${version}-py${found}`);
    const python = join(folder, 'bin', 'python');
    const ready = () => existsSync(python) && spawnSync(python, ['-c', 'import spiffe']).status === 0;
    if (!ready()) {
      for (const [command, ...args] of [
        ['python3', '-m', 'venv', folder],
        [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `spiffe==${version}`],
      ] as const) {
        const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: installMillisMax });
        if (status === 0) continue;
        return { absent: `it could not be installed: ${error?.message ?? stderr.trim().split('\n').at(-1)}` };
      }
    }
    return { version, env: { WRIT_INTEROP_SPIFFE_PYTHON: python } };
  },
};
