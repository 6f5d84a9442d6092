// `npm run check`: is it good? Format and lint, types, documents in step with the code, and `npm test`.
// `-- --no-test` leaves the last to whoever runs it beside this, as .ci/run does.

import { spawnSync } from 'node:child_process';
import { generatedDocs } from './lib/generated-docs.ts';

const steps: [name: string, command: string[]][] = [
  ['format and lint', ['node_modules/.bin/biome', 'check', '--error-on-warnings', '.']],
  ['types', [process.execPath, 'node_modules/typescript7/bin/tsc', '--noEmit']],
];

let failed = false;
for (const [name, [command, ...args]] of steps) {
  const started = performance.now();
  const { status } = spawnSync(command!, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  say(status === 0, name, started);
}
const started = performance.now();
const stale = generatedDocs({ write: process.argv.includes('--write') });
for (const file of stale)
  console.error(`  ${file} is not in step with the code; \`npm run check -- --write\` renews it`);
say(stale.length === 0, 'generated documents', started);

if (!process.argv.includes('--no-test')) {
  const quiet = process.argv.includes('--verbose') ? [] : ['--', '--quiet'];
  const { status } = spawnSync('npm', ['test', ...quiet], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) failed = true;
}
process.exitCode = failed ? 1 : 0;

function say(ok: boolean, name: string, since: number): void {
  if (!ok) failed = true;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - since) / 1000).toFixed(1)} s)`);
}
