// go-spiffe, the reference library: a program of ours over it, built from `scripts/interop/go-spiffe`, whose go.mod and go.sum pin it.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Peer, versionOf } from './peer.ts';

const source = join(import.meta.dirname, 'go-spiffe');
const buildMillisMax = 600_000;

export const goSpiffe: Peer = {
  name: 'go-spiffe',
  shows: 'Workload API, X.509-SVID and bundles as the reference library reads them',
  tier: 1,
  tests: ['test/interop/go-spiffe.interop.ts', 'test/interop/go-spiffe-federation.interop.ts'],
  async open() {
    const go = versionOf(['go', 'version'], /go(\d\S*)/);
    if (go === null) return { absent: 'no `go` on the PATH; on Debian: `apt-get install golang`' };
    const [wanted] = /(?<=^go )\d+\.\d+/m.exec(readFileSync(join(source, 'go.mod'), 'utf8'))!;
    if (!isAtLeast(go, wanted)) return { absent: `Go ${go} is here, and this library needs ${wanted}` };
    const version = /go-spiffe\/v2 v(\S+)/.exec(readFileSync(join(source, 'go.mod'), 'utf8'))![1]!;
    const folder = cacheFolder(`go-spiffe-${version}-go${go}`);
    const program = join(folder, 'go-spiffe');
    const { status, stdout, stderr, error } = spawnSync('go', ['build', '-trimpath', '-o', program, '.'], {
      cwd: source,
      encoding: 'utf8',
      timeout: buildMillisMax,
      env: {
        ...process.env,
        GOMODCACHE: join(folder, 'mod'),
        GOCACHE: join(folder, 'build'),
        // The module cache is ours to throw away, and the Go that is here is the Go that is used.
        GOFLAGS: '-modcacherw -buildvcs=false',
        GOTOOLCHAIN: 'local',
      },
    });
    if (status !== 0) throw new Error(`go build: ${error?.message ?? ''}${stdout}${stderr}`.trim());
    return { version: `${version}/go${go}`, env: { WRIT_INTEROP_GO_SPIFFE: program } };
  },
};

function isAtLeast(found: string, wanted: string): boolean {
  const [major, minor] = found.split('.').map(Number);
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  return major! > wantedMajor! || (major === wantedMajor && minor! >= wantedMinor!);
}
