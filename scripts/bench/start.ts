// From the start of the process to the ready line, on a folder that was used before, and the memory of a plane that has nothing
// to do; beside a Node process that only listens.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Row, type Run, rate, row } from './figures.ts';
import { type BenchPlane, residentMegabytes, startHelper } from './plane.ts';

/** Long enough for what a start leaves behind to be collected. */
const idleMillis = 3000;

export async function benchStart(bench: BenchPlane, runs: number): Promise<Row[]> {
  const times: { ours: Run[]; theirs: Run[] } = { ours: [], theirs: [] };
  const memory: { ours: Run[]; theirs: Run[] } = { ours: [], theirs: [] };
  for (let i = 0; i < runs; i++) {
    const plane = await bench.restart();
    const bare = await startHelper('bare');
    await sleep(idleMillis);
    times.ours.push(rate(plane.readyMillis()));
    memory.ours.push(rate(residentMegabytes(plane.pid)));
    times.theirs.push(rate(bare.startedMillis));
    memory.theirs.push(rate(residentMegabytes(bare.pid)));
    await bare.stop();
  }
  const baseline = 'a Node process that only listens';
  return [
    row({ figure: 'start to ready', unit: 'ms', baseline, goal: '≤ 1,500 ms' }, times.ours, times.theirs),
    row({ figure: 'resident when idle', unit: 'MB', baseline, goal: '≤ 150 MB' }, memory.ours, memory.theirs),
  ];
}
