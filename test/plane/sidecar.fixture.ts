// Programs under a real `writ run` against a real plane: for tests of what a program in any language can do without the SDK.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { writeReady } from '../../packages/server/src/cli/ready.ts';
import type { TestPlane } from '../plane.fixture.ts';

const main = resolve(import.meta.dirname, '../../packages/server/src/cli/main.ts');

export interface Running {
  readonly process: ChildProcess;
  /** What it printed so far. */
  readonly said: { stdout: string; stderr: string };
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  /** Resolves with the line that matches, once it is printed on stdout. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
}

export interface Runs {
  /** `writ run --agent AGENT …options -- …command`. */
  run(agent: string, command: readonly string[], options?: RunOptions): Running;
  close(): void;
}

export interface RunOptions {
  readonly options?: readonly string[];
  /** Signed in as the demo's person. Default: true. */
  readonly signedIn?: boolean;
  readonly env?: { readonly [name: string]: string };
}

export function openRuns(world: TestPlane): Runs {
  // Where `writ up` would have left it.
  const dataDir = String(world.plane.ready.dataDir);
  writeReady(dataDir, world.plane.ready);
  const home = mkdtempSync(join(tmpdir(), 'writ-run-'));
  const started: ChildProcess[] = [];
  return {
    run(agent, command, { options = [], signedIn = true, env = {} } = {}) {
      const words = ['run', '--data', dataDir, '--agent', agent, ...options, '--', ...command];
      const child = spawn(process.execPath, ['--conditions=writ-source', main, ...words], {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: {
          PATH: process.env.PATH,
          HOME: home,
          ...(signedIn ? { WRIT_SESSION: String(world.plane.demoSession) } : {}),
          ...env,
        },
      });
      started.push(child);
      return watch(child);
    },
    close() {
      for (const child of started) child.kill('SIGTERM');
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function watch(child: ChildProcess): Running {
  const said = { stdout: '', stderr: '' };
  const heard = new Set<() => void>();
  child.stdout!.on('data', (part) => {
    said.stdout += part;
    for (const look of heard) look();
  });
  child.stderr!.on('data', (part) => {
    said.stderr += part;
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }));
  return {
    process: child,
    said,
    ended,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(said.stdout);
          if (found === null) return;
          heard.delete(look);
          resolve(found);
        };
        heard.add(look);
        look();
        ended.then(() => reject(new Error(`it ended without ${pattern}: ${JSON.stringify(said)}`)));
      }),
  };
}
