// Programs of ours over other people's Go modules: built from `scripts/interop/go`, whose go.mod and go.sum pin them. Modules and
// build cache are kept outside the repository, a folder a version of Go.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Peer, versionOf } from './peer.ts';

const source = join(import.meta.dirname, 'go');

export const goLog: Peer = {
  name: 'Go sumdb note+tlog',
  shows: 'audit log: checkpoints, tiles and proofs read by Go’s own implementation',
  tier: 1,
  tests: ['test/interop/go-log.interop.ts'],
  async open() {
    const go = versionOf(['go', 'version'], /go(\d\S*)/);
    if (go === null) return { absent: 'no `go` on the PATH; on Debian: `apt-get install golang`' };
    const folder = cacheFolder(`go-${go}`);
    const program = join(folder, 'verify-log');
    const { status, stdout, stderr } = spawnSync('go', ['build', '-trimpath', '-o', program, '.'], {
      cwd: source,
      encoding: 'utf8',
      env: {
        ...process.env,
        GOMODCACHE: join(folder, 'mod'),
        GOCACHE: join(folder, 'build'),
        // The module cache is ours to throw away, and the Go that is here is the Go that is used.
        GOFLAGS: '-modcacherw -buildvcs=false',
        GOTOOLCHAIN: 'local',
      },
    });
    if (status !== 0) throw new Error(`go build: ${stdout}${stderr}`.trim());
    const pinned = /golang\.org\/x\/mod v(\S+)/.exec(readFileSync(join(source, 'go.mod'), 'utf8'))![1]!;
    return { version: `${pinned}/go${go}`, env: { WRIT_INTEROP_VERIFY_LOG: program } };
  },
};
