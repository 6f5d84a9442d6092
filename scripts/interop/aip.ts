// The Python reference of AIP, in a virtual environment of its own in the cache.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Peer, versionOf } from './peer.ts';

const version = '0.6.0';
// The oracle of its chained form, which it only asks for as an extra.
const packages = [`agent-identity-protocol==${version}`, 'biscuit-python==0.4.0', 'pymacaroons==0.13.0'];
const installMillisMax = 300_000;

export const aip: Peer = {
  name: 'agent-identity-protocol',
  shows: 'capability tokens: compact and chained AIP read and written both ways',
  tier: 2,
  tests: ['test/interop/aip.interop.ts'],
  async open() {
    const found = versionOf(['python3', '--version'], /Python (\S+)/);
    if (found === null) return { absent: 'no `python3` on the PATH' };
    const folder = cacheFolder(`aip-${version}-py${found}`);
    const python = join(folder, 'bin', 'python');
    const ready = () =>
      existsSync(python) && spawnSync(python, ['-c', 'import aip_token, biscuit_auth, pymacaroons']).status === 0;
    if (!ready()) {
      for (const [command, ...args] of [
        ['python3', '-m', 'venv', folder],
        [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages],
      ] as const) {
        const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: installMillisMax });
        if (status === 0) continue;
        return { absent: `it could not be installed: ${error?.message ?? stderr.trim().split('\n').at(-1)}` };
      }
    }
    return { version, env: { WRIT_INTEROP_AIP_PYTHON: python } };
  },
};
