// SPIRE's server and agent, built from their Go module into the cache. Large, so of the second tier; a machine that cannot build them
// in time goes without.

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Peer, versionOf } from './peer.ts';

const version = '1.13.3';
const buildMillisMax = 1_200_000;

export const spire: Peer = {
  name: 'SPIRE',
  shows: 'its agent as source of identities, its client on our socket, federation with its server both ways',
  tier: 2,
  tests: ['test/interop/spire.interop.ts'],
  async open() {
    const go = versionOf(['go', 'version'], /go(\d\S*)/);
    if (go === null) return { absent: 'no `go` on the PATH; on Debian: `apt-get install golang`' };
    const folder = cacheFolder(`spire-${version}-go${go}`);
    const [server, agent] = [join(folder, 'spire-server'), join(folder, 'spire-agent')];
    const source = join(folder, 'source');
    const env = {
      ...process.env,
      GOMODCACHE: join(folder, 'mod'),
      GOCACHE: join(folder, 'build'),
      // The module cache is ours to throw away, and the Go that is here is the Go that is used.
      GOFLAGS: '-modcacherw -buildvcs=false',
      GOTOOLCHAIN: 'local',
    };
    const go_ = (args: readonly string[], cwd: string): string | null => {
      const { status, stderr, error } = spawnSync('go', args, { encoding: 'utf8', timeout: buildMillisMax, cwd, env });
      return status === 0 ? null : (error?.message ?? stderr.trim().split('\n').at(-1) ?? 'no reason given');
    };
    if (!existsSync(server) || !existsSync(agent)) {
      // Built within its own module, whose go.sum pins everything below it.
      const module = join(env.GOMODCACHE, `github.com/spiffe/spire@v${version}`);
      let failed = go_(['mod', 'download', `github.com/spiffe/spire@v${version}`], import.meta.dirname);
      if (failed === null) {
        cpSync(module, source, { recursive: true });
        for (const file of [source, ...globSync(join(source, '*'))]) chmodSync(file, 0o755);
        failed =
          go_(['build', '-o', agent, './cmd/spire-agent'], source) ??
          go_(['build', '-o', server, './cmd/spire-server'], source);
      }
      if (failed !== null) return { absent: `it could not be built: ${failed}` };
    }
    return { version, env: { WRIT_INTEROP_SPIRE_SERVER: server, WRIT_INTEROP_SPIRE_AGENT: agent } };
  },
};
