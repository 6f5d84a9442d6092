// A server that is published as a Go module, built into the cache once a version of it and of Go. Large, so it is of the second
// tier, and a machine that cannot build it in time goes without.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { goToolchain } from './go-toolchain.ts';
import { type AbsentPeer, cacheFolder, failureOf } from './peer.ts';

const buildMillisMax = 600_000;
const buildMillisMin = 60_000;

/** Path of the program that `go install <module>@v<version>` makes. */
export function goInstalled(
  module: string,
  version: string,
  millisLeft = buildMillisMax,
): { readonly program: string } | AbsentPeer {
  const go = goToolchain();
  if ('absent' in go) return go;
  const name = basename(module);
  const folder = cacheFolder(`${name}-${version}-go${go.version}`);
  const program = join(folder, name);
  if (existsSync(program)) return { program };
  const timeout = Math.min(millisLeft, buildMillisMax);
  if (timeout < buildMillisMin) {
    return { absent: `not built yet, and too little time is left for it; \`npm run interop -- ${name}\` builds it` };
  }
  const ended = spawnSync(go.program, ['install', `${module}@v${version}`], {
    encoding: 'utf8',
    timeout,
    env: go.environment(folder),
  });
  return ended.status === 0 ? { program } : { absent: `it could not be built: ${failureOf(ended)}` };
}
