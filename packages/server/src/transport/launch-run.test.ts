import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { entryOf, openSmallPlane, type SmallPlane, whoAmICommand } from './launch-fixtures.ts';

const launchedEntries = [entryOf('demo/four', { launched: true })];

/** Runs `runLaunched` in a process of its own, as `writ run` does. */
function run(plane: SmallPlane, command: readonly string[]) {
  const module = new URL('./launch-run.ts', import.meta.url).href;
  const script = `const { runLaunched } = await import(${JSON.stringify(module)});
    const [launchSocket, ...command] = process.argv.slice(1);
    const result = await runLaunched({ launchSocket, agent: 'demo/four', command, credential: { session: 's' },
      environment: process.env, planeEnvironment: {} });
    if (!result.ok) console.error(result.says);
    process.exit(result.ok ? result.exitCode : 1);`;
  const args = [
    ...process.execArgv.filter((a) => !a.startsWith('--test')),
    '--input-type=module',
    '-e',
    script,
    plane.launchSocket,
    ...command,
  ];
  return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

test('`writ run` returns the exit code of its agent', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const [code] = await once(run(plane, ['/bin/sh', '-c', 'exit 42']), 'exit');
  assert.equal(code, 42);
});

test('`writ run` passes a signal on and answers 128 + its number', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const runner = run(plane, ['/bin/sh', '-c', 'echo ready; read line']);
  await once(runner.stdout, 'data');
  runner.kill('SIGTERM');
  const [code] = await once(runner, 'exit');
  assert.equal(code, 128 + 15);
});

test('an orphan stays the agent it was while its launch lives, and ends with it', async (t) => {
  const plane = await openSmallPlane(t, launchedEntries);
  const [node, ...rest] = whoAmICommand(plane.askSocket);
  // The middle shell ends at once, so that its child is adopted by the runner before it asks.
  const orphan =
    'while [ "$(cut -d" " -f4 /proc/$$/stat)" = "$MIDDLE" ]; do sleep 0.02; done; "$0" "$@"; echo $$; exec sleep 60';
  const script = `sh -c 'MIDDLE=$$ sh -c "$ORPHAN" "$0" "$@" & exit 0' "$0" "$@"; read line`;
  const runner = run(plane, ['/usr/bin/env', `ORPHAN=${orphan}`, '/bin/sh', '-c', script, node, ...rest]);
  const lines = createInterface({ input: runner.stdout! })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'demo/four');
  const orphanPid = Number((await lines.next()).value);
  assert.equal(Number(readFileSync(`/proc/${orphanPid}/stat`, 'latin1').split(' ')[3]), runner.pid);
  runner.stdin!.end();
  const [code] = await once(runner, 'exit');
  assert.equal(code, 1); // `read` at the end of its input
  const left = plane.kernel.open(orphanPid);
  assert.equal(left?.isAlive() ?? false, false);
  left?.close();
});
