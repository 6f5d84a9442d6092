// Runs the tests of one peer with node's own runner, and keeps what failed so that one line a peer is enough when all is well.

import { globSync } from 'node:fs';
import { run } from 'node:test';
import type { Counts } from '../lib/run-tests.ts';
import type { Peer } from './peer.ts';

export interface Failure {
  readonly title: string;
  readonly says: string;
}

export type PeerResult =
  | { readonly state: 'absent'; readonly reason: string }
  | {
      readonly state: 'ran';
      readonly version: string;
      readonly counts: Counts;
      readonly failures: readonly Failure[];
      /** What is known not to work yet, and why: counted as skipped, and told. */
      readonly notYet: readonly Failure[];
      readonly seconds: number;
    };

const peerMillisMax = 300_000;

/** Never rejects: a peer that does not start is a failure with its reason. */
export async function runPeer(peer: Peer, millisLeft?: number): Promise<PeerResult> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const broken = (says: string): PeerResult => {
    const failures = [{ title: `${peer.name} starts`, says }];
    return {
      state: 'ran',
      version: '',
      counts: { passed: 0, failed: 1, skipped: 0 },
      failures,
      notYet: [],
      seconds: seconds(),
    };
  };
  const opened = await peer.open(millisLeft).catch((error: unknown) => error as Error);
  if (opened instanceof Error) return broken(opened.message);
  if ('absent' in opened) return { state: 'absent', reason: opened.absent };
  try {
    const { counts, failures, notYet } = await runFiles(peer, opened.env ?? {});
    if (counts.passed + counts.failed === 0) return broken(`no test was run by ${peer.tests.join(', ')}`);
    return { state: 'ran', version: opened.version, counts, failures, notYet, seconds: seconds() };
  } finally {
    await opened.close?.();
  }
}

async function runFiles({ tests, alone = false, without }: Peer, env: { readonly [name: string]: string }) {
  const files = [...new Set(tests.flatMap((pattern) => globSync(pattern)))].sort();
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const failures: Failure[] = [];
  const notYet: Failure[] = [];
  if (files.length === 0) return { counts, failures, notYet };
  const before = { ...process.env };
  Object.assign(process.env, env);
  const stream = run({
    files,
    concurrency: alone ? 1 : 2,
    execArgv: ['--conditions=writ-source'],
    ...(without ? { testSkipPatterns: without } : {}),
    // Also ends a file whose tests are done and whose process is not.
    signal: AbortSignal.timeout(peerMillisMax),
  });
  stream.on('test:pass', ({ details, skip, todo }) => {
    if (details.type === 'suite') return;
    if (skip !== undefined || todo !== undefined) counts.skipped++;
    else counts.passed++;
  });
  stream.on('test:fail', ({ details, name, file, todo }) => {
    const error = details.error as Error & { readonly cause?: unknown; readonly failureType?: string };
    // Of a suite whose preparation failed the tests are told as cancelled; the reason stands with the suite alone.
    const isSuite = details.type === 'suite';
    if (isSuite && error.failureType !== 'hookFailed') return;
    if (todo !== undefined) {
      counts.skipped++;
      notYet.push({ title: name, says: String(todo) });
      return;
    }
    if (!isSuite) counts.failed++;
    if (error.failureType === 'cancelledByParent') return;
    const cause = error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : error.message;
    failures.push({ title: `${name} (${file?.split('/').at(-1)})`, says: cause });
  });
  for await (const _ of stream) void _;
  for (const name of Object.keys(env)) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  return { counts, failures, notYet };
}
