// Random input for the readers of the transport room, a million by default:
//   node --conditions=writ-source scripts/fuzz-transport.ts --seed 1 --from 0 --count 1000000
// Interrupted, it says with which `--from` to go on. A finding is repeated by its seed and number.

import { parseArgs } from 'node:util';
import { fuzz, TARGETS } from '../test/sim/fuzz-transport.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    count: { type: 'string', default: '1000000' },
  },
});
const [seed, from, count] = [Number(values.seed), Number(values.from), Number(values.count)];
const say = (line: string) => void process.stdout.write(`${line}\n`);
const slice = 1000;

const each = Math.ceil(count / TARGETS.length);
const accepted = new Map<string, number>();
let findings = 0;
let stopped = false;
process.once('SIGINT', () => {
  stopped = true;
});

let at = from;
for (; at < from + each && !stopped; at += slice) {
  for (const target of TARGETS) {
    const tally = fuzz(target, { seed, from: at, count: Math.min(slice, from + each - at) });
    accepted.set(target, (accepted.get(target) ?? 0) + tally.accepted);
    findings += tally.findings.length;
    for (const finding of tally.findings) say(JSON.stringify(finding));
  }
  await new Promise((resolve) => setImmediate(resolve)); // lets a signal in
}
const done = Math.min(at, from + each) - from;
for (const target of TARGETS) say(`${target}: ${done} inputs, ${accepted.get(target) ?? 0} accepted`);
if (stopped) say(`go on with --seed ${seed} --from ${from + done}`);
say(`${done * TARGETS.length} inputs, ${findings} findings, seed ${seed}`);
process.exitCode = findings === 0 ? 0 : 1;
