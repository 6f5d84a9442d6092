// What the rows about a whole plane share: the program as a child, its helpers, one person and two agents, and process figures.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { JsonObject } from '@writ/core';
import { type ChildPlane, startChildPlane } from '../../test/sim/child-plane.ts';
import { configuration, firstSession } from '../../test/sim/world.ts';

export interface Helper {
  readonly port: number;
  readonly pid: number;
  /** From the start of the process to its port. */
  readonly startedMillis: number;
  stop(): Promise<void>;
}

export async function startHelper(...words: readonly string[]): Promise<Helper> {
  const since = performance.now();
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=writ-source', resolve(import.meta.dirname, 'serve.ts'), ...words],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const [first] = (await once(child.stdout!, 'data')) as [Buffer];
  return {
    port: Number(first.toString()),
    pid: child.pid!,
    startedMillis: performance.now() - since,
    async stop() {
      child.stdin!.end();
      await once(child, 'close');
    },
  };
}

export interface BenchPlane {
  readonly plane: ChildPlane;
  readonly ready: JsonObject;
  readonly session: string;
  readonly dataDir: string;
  readonly upstream: Helper;
  readonly upstreamKey: string;
  /** Ends this life and begins the next in the same folder. */
  restart(): Promise<ChildPlane>;
  close(): Promise<void>;
}

export async function openBenchPlane(): Promise<BenchPlane> {
  const dir = await mkdtemp(join(tmpdir(), 'writ-bench-'));
  const upstreamKey = `upstream-${crypto.randomUUID()}`;
  const upstream = await startHelper('upstream', upstreamKey);
  const config = join(dir, 'writ.yaml');
  await writeFile(config, configuration(upstream.port), { mode: 0o600 });
  const start = () => startChildPlane(config, { UPSTREAM_KEY: upstreamKey });
  let plane = start();
  const ready = await plane.ready;
  const session = await firstSession(ready);
  return {
    plane,
    ready,
    session,
    dataDir: join(dir, 'data'),
    upstream,
    upstreamKey,
    async restart() {
      await plane.stop();
      plane = start();
      await plane.ready;
      return plane;
    },
    async close() {
      await plane.stop();
      await upstream.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Linux counts in hundredths of a second for every program that does not ask otherwise. proc_pid_stat(5). */
const ticksPerSecond = 100;

/** Processor time of a process so far, its threads included, seconds. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident memory, MB of 1,000,000 bytes. */
export function residentMegabytes(pid: number): number {
  const kibibytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
  return (Number(kibibytes) * 1024) / 1e6;
}
