// go-spiffe, the reference library: a program of ours over it, built from `scripts/interop/go-spiffe`, whose go.mod and go.sum pin it.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goToolchain } from './go-toolchain.ts';
import { cacheFolder, type Peer } from './peer.ts';

const source = join(import.meta.dirname, 'go-spiffe');
const buildMillisMax = 600_000;

export const goSpiffe: Peer = {
  name: 'go-spiffe',
  shows: 'Workload API, X.509-SVID and bundles as the reference library reads them',
  tier: 1,
  tests: ['test/interop/go-spiffe.interop.ts', 'test/interop/go-spiffe-federation.interop.ts'],
  async open() {
    const [wanted] = /(?<=^go )\d+\.\d+/m.exec(readFileSync(join(source, 'go.mod'), 'utf8'))!;
    const go = goToolchain(wanted);
    if ('absent' in go) return go;
    const version = /go-spiffe\/v2 v(\S+)/.exec(readFileSync(join(source, 'go.mod'), 'utf8'))![1]!;
    const folder = cacheFolder(`go-spiffe-${version}-go${go.version}`);
    const program = join(folder, 'go-spiffe');
    const { status, stdout, stderr, error } = spawnSync(go.program, ['build', '-trimpath', '-o', program, '.'], {
      cwd: source,
      encoding: 'utf8',
      timeout: buildMillisMax,
      env: go.environment(folder),
    });
    if (status !== 0) throw new Error(`go build: ${error?.message ?? ''}${stdout}${stderr}`.trim());
    return { version: `${version}/go${go.version}`, env: { WRIT_INTEROP_GO_SPIFFE: program } };
  },
};
