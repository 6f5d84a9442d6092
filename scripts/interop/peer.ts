// What the interop run needs to know of a peer: its name, the tests that talk to it, and how to find or start it on this machine.

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface Peer {
  readonly name: string;
  /** What its tests passing shows, for docs/conformance.md: one line. */
  readonly shows: string;
  /** 1: every time, in twelve minutes for all of them. 2: from the cache. */
  readonly tier: 1 | 2;
  /** Patterns of test files, from the repository's root. */
  readonly tests: readonly string[];
  /** One file at a time, because they share what was opened. */
  readonly alone?: boolean;
  /** Tests of those files that have nothing to do with the peer, by title. */
  readonly without?: RegExp;
  /**
   * Looks for the peer and starts what has to run beside the tests. Rejects when it is there and does not start. `millisLeft`: how
   * long building it may take; as long as it likes without.
   */
  open(millisLeft?: number): Promise<OpenedPeer | AbsentPeer>;
}

export interface OpenedPeer {
  readonly version: string;
  /** For the tests, on top of this process's own. */
  readonly env?: { readonly [name: string]: string };
  close?(): Promise<void> | void;
}

export interface AbsentPeer {
  /** Why it is not here, and what would bring it. */
  readonly absent: string;
}

/** Where peers that are not Debian's or npm's are kept between runs; outside the repository, a folder a version. */
export function cacheFolder(key: string): string {
  const base = process.env.WRIT_INTEROP_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'writ');
  return join(base, 'interop', key);
}

/** A peer among our own development dependencies. */
export function npmPeer(name: string, shows: string, tests: readonly string[]): Peer {
  const manifest = join('node_modules', name, 'package.json');
  return {
    name,
    shows,
    tier: 1,
    tests,
    async open() {
      if (!existsSync(manifest)) return { absent: 'not in node_modules; run `npm ci`' };
      return { version: String(JSON.parse(readFileSync(manifest, 'utf8')).version) };
    },
  };
}

/** A program on the PATH whose version is the first match of `version` in what it prints. */
export function programPeer(
  name: string,
  shows: string,
  ask: readonly [command: string, ...args: string[]],
  version: RegExp,
  tests: readonly string[],
): Peer {
  return {
    name,
    shows,
    tier: 1,
    tests,
    async open() {
      const found = versionOf(ask, version);
      return found === null ? { absent: `no \`${ask[0]}\` on the PATH` } : { version: found };
    },
  };
}

/** Why a program that we ran did not end well: that it could not be run or took too long, else the last line of its complaint. */
export function failureOf({ error, stderr, status }: SpawnSyncReturns<string>): string {
  return error?.message ?? (stderr.trim().split('\n').at(-1) || `it ended with ${status}`);
}

export function versionOf([command, ...args]: readonly [string, ...string[]], version: RegExp): string | null {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? (version.exec(`${stdout}${stderr}`)?.[1] ?? 'of unknown version') : null;
}
