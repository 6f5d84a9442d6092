// Kills a plane under load and looks for what it had promised:
//   node --conditions=writ-source scripts/kill9.ts --rounds 50 --seed 7

import { parseArgs } from 'node:util';
import { killRounds } from '../test/sim/kill9.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);
const { rounds, answered, turnedAway, heard, unknown, lost, findings } = await killRounds({
  rounds: Number(values.rounds),
  seed: Number(values.seed),
  say,
});
for (const finding of findings) say(finding);
say(
  `${rounds} rounds, ${answered} answered, ${turnedAway} turned away, ${heard} heard by the tool server, ${unknown} with unknown outcome`,
);
say(`lost ${lost}`);
process.exitCode = lost === 0 && findings.length === 0 && answered > 0 ? 0 : 1;
