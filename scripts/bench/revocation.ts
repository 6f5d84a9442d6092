// How long a withdrawn token still works: callers call without a pause, one administrator withdraws, and the last call that was
// sent after the answer to the withdrawal and went through is what counts.

import { callOnce } from '../../test/sim/load.ts';
import { openCallers, withdraw } from '../../test/sim/world.ts';
import { type Row, type Run, rate, row } from './figures.ts';
import type { BenchPlane } from './plane.ts';

const callers = 8;
const warmCalls = 40;
const afterMillis = 1500;

export async function benchRevocation(bench: BenchPlane, runs: number): Promise<Row[]> {
  const last: Run[] = [];
  const calls: Run[] = [];
  for (let i = 0; i < runs; i++) {
    const { lastAcceptedMillis, callMillis } = await onceWithdrawn(bench, 100 + i);
    last.push(rate(lastAcceptedMillis));
    calls.push(rate(callMillis));
  }
  return [
    row(
      {
        figure: 'last acceptance after a withdrawal was answered (0: none)',
        unit: 'ms',
        baseline: 'one call in the same run',
        goal: '≤ 1,000 ms on every replica',
      },
      last,
      calls,
    ),
  ];
}

async function onceWithdrawn({ ready, session, dataDir }: BenchPlane, round: number) {
  const crew = await openCallers({ ready, session, dataDir, count: callers, round });
  const withdrawn: { answeredMillis: number } = { answeredMillis: Number.POSITIVE_INFINITY };
  let lastAcceptedMillis = 0;
  const took: number[] = [];
  const until = () => performance.now() < withdrawn.answeredMillis + afterMillis;
  const work = crew.callers.map(async (caller) => {
    for (let n = 0; until(); n++) {
      const sentMillis = performance.now();
      const accepted = await callOnce(caller, 'read', `${caller.name}-${n}`).then(
        (one) => one?.outcome === 'allow',
        () => false,
      );
      took.push(performance.now() - sentMillis);
      if (accepted && sentMillis > withdrawn.answeredMillis) {
        lastAcceptedMillis = Math.max(lastAcceptedMillis, performance.now() - withdrawn.answeredMillis);
      }
    }
  });
  while (took.length < warmCalls) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const { token } of crew.callers.slice(0, 2)) await withdraw(ready, session, token);
  withdrawn.answeredMillis = performance.now();
  await Promise.all(work);
  await crew.close();
  const sorted = took.sort((a, b) => a - b);
  return { lastAcceptedMillis, callMillis: sorted[Math.floor(sorted.length / 2)]! };
}
