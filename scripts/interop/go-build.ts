// Programs of ours over other people's Go modules: `scripts/interop/<folder>`, whose go.mod names the Go it wants and, with go.sum, pins
// them. Modules and build cache are kept outside the repository, a folder a version of Go.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goToolchain } from './go-toolchain.ts';
import { type AbsentPeer, cacheFolder } from './peer.ts';

const buildMillisMax = 600_000;

export interface GoBuilt {
  /** Path of the program. */
  readonly program: string;
  /** Of the module and of Go, `2.6.0/go1.26.8`. */
  readonly version: string;
}

/** `module`: the one of go.mod that the program is about. Throws when it is all here and does not build. */
export function goBuilt(folder: string, module: string, name: string): GoBuilt | AbsentPeer {
  const source = join(import.meta.dirname, folder);
  const words = readFileSync(join(source, 'go.mod'), 'utf8').split(/\s+/);
  const after = (word: string) => words[words.indexOf(word) + 1]!;
  const go = goToolchain(after('go'));
  if ('absent' in go) return go;
  const version = after(module).replace(/^v/, '');
  const cache = cacheFolder(`${name}-${version}-go${go.version}`);
  const program = join(cache, name);
  const { status, stdout, stderr, error } = spawnSync(go.program, ['build', '-trimpath', '-o', program, '.'], {
    cwd: source,
    encoding: 'utf8',
    timeout: buildMillisMax,
    env: go.environment(cache),
  });
  if (status !== 0) throw new Error(`go build: ${error?.message ?? ''}${stdout}${stderr}`.trim());
  return { program, version: `${version}/go${go.version}` };
}
