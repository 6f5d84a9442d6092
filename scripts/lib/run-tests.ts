// Runs test files with node's own runner and counts what happened. One process a file, so that no test sees another's state.

import { globSync } from 'node:fs';
import { run } from 'node:test';
import { dot, spec } from 'node:test/reporters';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export interface TestRun {
  readonly patterns: readonly string[];
  /** Dots instead of a line a test. */
  readonly quiet?: boolean;
  readonly env?: Record<string, string>;
  readonly timeoutMillis?: number;
  readonly concurrency?: number;
}

export async function runTests({
  patterns,
  quiet,
  env,
  timeoutMillis = 180_000,
  concurrency = 2,
}: TestRun): Promise<Counts> {
  const files = [...new Set(patterns.flatMap((pattern) => globSync(pattern)))].sort();
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  if (files.length === 0) return counts;
  Object.assign(process.env, env);
  const stream = run({ files, concurrency, timeout: timeoutMillis, execArgv: ['--conditions=writ-source'] });
  stream.on('test:pass', ({ details, skip, todo }) => {
    if (details.type === 'suite') return;
    if (skip !== undefined || todo !== undefined) counts.skipped++;
    else counts.passed++;
  });
  stream.on('test:fail', ({ details }) => {
    if (details.type !== 'suite') counts.failed++;
  });
  const shown = quiet ? stream.compose(dot) : stream.compose(new spec());
  for await (const chunk of shown) process.stdout.write(chunk as string);
  return counts;
}

export function total(counts: Counts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}
