// A Go that is new enough: the one on the PATH, or the toolchain that Go itself publishes as a module, fetched into the cache by
// whatever Go is here. Debian's is often older than what the reference libraries ask for.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { type AbsentPeer, cacheFolder, failureOf, versionOf } from './peer.ts';

const published = '1.26.8';
const fetchMillisMax = 180_000;
const ARCHITECTURES: { readonly [arch: string]: string | undefined } = { x64: 'amd64', arm64: 'arm64' };

export interface GoToolchain {
  /** Path of `go`. */
  readonly program: string;
  readonly version: string;
  /** For building with it and nothing else, in a module cache of the folder's own, which is ours to throw away. */
  environment(folder: string): NodeJS.ProcessEnv;
}

/** `wanted`: `1.24`. */
export function goToolchain(wanted = published): GoToolchain | AbsentPeer {
  const here = versionOf(['go', 'version'], /go(\d\S*)/);
  if (here === null) return { absent: 'no `go` on the PATH; on Debian: `apt-get install golang`' };
  if (isAtLeast(here, wanted)) return { program: 'go', version: here, environment };
  const arch = ARCHITECTURES[process.arch];
  if (!arch) return { absent: `Go ${here} is here, and ${wanted} is needed` };
  const folder = cacheFolder(`go-toolchain-${published}`);
  const module = `golang.org/toolchain@v0.0.1-go${published}.linux-${arch}`;
  const root = join(folder, 'mod', module);
  const program = join(root, 'bin', 'go');
  if (!existsSync(program)) {
    const asked = ['mod', 'download', module] as const;
    const ended = spawnSync('go', asked, {
      encoding: 'utf8',
      timeout: fetchMillisMax,
      env: environment(folder),
    });
    if (ended.status !== 0)
      return { absent: `Go ${here} is here, ${wanted} is needed, and it could not be fetched: ${failureOf(ended)}` };
    // An archive of a module carries no permissions.
    for (const file of globSync([join(root, 'bin', '*'), join(root, 'pkg', 'tool', '*', '*')])) chmodSync(file, 0o755);
  }
  return { program, version: published, environment };
}

function environment(folder: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    GOBIN: folder,
    GOMODCACHE: join(folder, 'mod'),
    GOCACHE: join(folder, 'build'),
    GOFLAGS: '-modcacherw -buildvcs=false',
    GOTOOLCHAIN: 'local',
  };
}

function isAtLeast(found: string, wanted: string): boolean {
  const [a, b] = [found, wanted].map((text) => text.split('.').map(Number)) as [number[], number[]];
  return a[0]! > b[0]! || (a[0] === b[0] && a[1]! >= b[1]!);
}
