// SPIRE's server and agent, built from their Go module into the cache. Large, so of the second tier; a machine that cannot build them
// in time goes without.

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { goToolchain } from './go-toolchain.ts';
import { cacheFolder, failureOf, type Peer } from './peer.ts';

const version = '1.13.3';
const buildMillisMax = 1_800_000;
/** Less than a machine with two cores takes. */
const buildMillisMin = 900_000;

export const spire: Peer = {
  name: 'SPIRE',
  shows: 'its agent as source of identities, its client on our socket, federation with its server both ways',
  tier: 2,
  tests: ['test/interop/spire.interop.ts'],
  async open(millisLeft = buildMillisMax) {
    const go = goToolchain();
    if ('absent' in go) return go;
    const folder = cacheFolder(`spire-${version}-go${go.version}`);
    const [server, agent] = [join(folder, 'spire-server'), join(folder, 'spire-agent')];
    const source = join(folder, 'source');
    const env = go.environment(folder);
    const until = performance.now() + Math.min(millisLeft, buildMillisMax);
    const go_ = (args: readonly string[], cwd: string): string | null => {
      const timeout = Math.max(1, Math.round(until - performance.now()));
      const ended = spawnSync(go.program, args, { encoding: 'utf8', timeout, cwd, env });
      return ended.status === 0 ? null : failureOf(ended);
    };
    if (!existsSync(server) || !existsSync(agent)) {
      if (millisLeft < buildMillisMin) {
        return { absent: 'not built yet, and too little time is left for it; `npm run interop -- spire` builds it' };
      }
      // Built within its own module, whose go.sum pins everything below it.
      const module = join(String(env.GOMODCACHE), `github.com/spiffe/spire@v${version}`);
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
