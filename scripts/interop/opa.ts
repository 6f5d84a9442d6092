// OPA's own server, built from its Go module into the cache. Large, so it is of the second tier, and a machine that cannot build it
// in time goes without.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Peer, versionOf } from './peer.ts';

const version = '1.22.2';
const buildMillisMax = 600_000;

export const opa: Peer = {
  name: 'OPA',
  tier: 2,
  tests: ['test/interop/opa.interop.ts'],
  async open() {
    const go = versionOf(['go', 'version'], /go(\d\S*)/);
    if (go === null) return { absent: 'no `go` on the PATH; on Debian: `apt-get install golang`' };
    const folder = cacheFolder(`opa-${version}-go${go}`);
    const program = join(folder, 'opa');
    if (!existsSync(program)) {
      const { status, stderr, error } = spawnSync('go', ['install', `github.com/open-policy-agent/opa@v${version}`], {
        encoding: 'utf8',
        timeout: buildMillisMax,
        env: {
          ...process.env,
          GOBIN: folder,
          GOMODCACHE: join(folder, 'mod'),
          GOCACHE: join(folder, 'build'),
          // The module cache is ours to throw away, and the Go that is here is the Go that is used.
          GOFLAGS: '-modcacherw -buildvcs=false',
          GOTOOLCHAIN: 'local',
        },
      });
      if (status !== 0) {
        const why = error?.message ?? stderr.trim().split('\n').at(-1) ?? `go install ended with ${status}`;
        return { absent: `it could not be built: ${why}` };
      }
    }
    return { version, env: { WRIT_INTEROP_OPA: program } };
  },
};
