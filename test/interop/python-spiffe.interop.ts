// The Python client against the Workload API of a whole plane: all its calls once, and its source over rotations.

import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { runProgram } from './programs.ts';

const python = process.env.WRIT_INTEROP_SPIFFE_PYTHON!;
assert.ok(python, 'WRIT_INTEROP_SPIFFE_PYTHON names no program; `npm run interop` installs one');
const script = join(import.meta.dirname, 'python-spiffe.py');
const own = 'spiffe://zylos.local/demo/me';

let world: TestPlane;
let watching: ChildProcessWithoutNullStreams | undefined;

before(async () => {
  world = await startTestPlane({
    yaml: `
agents:
  demo/me: { attest: { uid: ${process.getuid?.() ?? 0} } }
users:
  howard: { roles: [admin] }
`,
  });
  process.env.SPIFFE_ENDPOINT_SOCKET = String(world.plane.ready.workloadApi);
});

after(async () => {
  watching?.kill('SIGKILL');
  await world?.close();
});

test('every call answers it, and what is not its own is refused', async () => {
  const { status, stdout, stderr } = await runProgram(python, [script, 'fetch', 'spiffe://zylos.local/demo/other']);
  assert.equal(status, 0, stderr);
  const { other, subject, ...rest } = JSON.parse(stdout);
  assert.deepEqual(rest, { id: own, chain: 2, roots: 1, token: own, checked: own, keys: 1 });
  assert.ok(typeof other === 'string' && typeof subject === 'string', `${other} ${subject}`);
});

test('its source follows rotations', async () => {
  watching = spawn(python, [script, 'watch'], { stdio: 'pipe' });
  watching.stderr.pipe(process.stderr);
  const lines: { id: string; serial: string; roots: number }[] = [];
  createInterface({ input: watching.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  const said = async (count: number) => {
    for (let i = 0; i < 1500 && lines.length < count; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(lines.length >= count, JSON.stringify(lines));
  };
  await said(1);
  for (const [i, body] of [{ kind: 'root' }, { kind: 'root', revoke: true }].entries()) {
    const answer = await world.person('/keys', { method: 'POST', body: JSON.stringify(body) });
    assert.equal(answer.status, 200);
    await said(i + 2);
  }
  assert.deepEqual(
    lines.map(({ id, roots }) => [id, roots]),
    [
      [own, 1],
      [own, 2],
      [own, 1],
    ],
  );
  assert.equal(new Set(lines.map(({ serial }) => serial)).size, 3);
});
