import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { decision, openLog, outcome, tempFolder, vkey } from '../audit/fixture.ts';
import { run } from './plane.fixture.ts';

test('a log is verified from its folder, and a wider hop or a changed byte is a finding', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  const { sequence } = log.append(decision('d1', 'deny'));
  const { durable } = log.append(outcome('d1', sequence, 'none'));
  await durable;
  await log.close();

  const whole = await run(['audit', 'verify', dir, '--vkey', vkey]);
  assert.equal(whole.exitCode, 0, whole.stdout + whole.stderr);
  assert.match(whole.stdout, /^chain intact {2}/);

  // Without a key from outside, the answer stands and says how little it means.
  const own = await run(['audit', 'verify', dir, '--json']);
  assert.equal(JSON.parse(own.stdout).keyFrom, 'log');
  assert.match(own.stderr, /the key came from the log itself/);

  const keyFile = join(dir, 'kept.vkey');
  writeFileSync(keyFile, `${vkey}\n`);
  assert.equal(JSON.parse((await run(['audit', 'verify', dir, '--vkey', keyFile, '--json'])).stdout).keyFrom, 'flag');

  const segment = await open(join(dir, 'segments', '00000001'), 'r+');
  await segment.write(Buffer.from('X'), 0, 1, 60);
  await segment.close();
  const broken = await run(['audit', 'verify', dir, '--vkey', vkey]);
  assert.equal(broken.exitCode, 1);
  assert.match(broken.stdout, /^CHAIN BROKEN/);
});

test('an allowed decision without a chain is found by what is inside it', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  await log.append(decision('d1', 'allow')).durable;
  await log.close();
  const { exitCode, stdout } = await run(['audit', 'verify', dir, '--vkey', vkey, '--json']);
  assert.equal(exitCode, 1);
  assert.deepEqual(
    JSON.parse(stdout).findings.map((one: { code: string }) => one.code),
    ['decision.check_skipped'],
  );
});

test('what is no log and no key is said so', async (t) => {
  const dir = await tempFolder(t);
  const none = await run(['audit', 'verify', join(dir, 'none')]);
  assert.deepEqual([none.exitCode, /does not exist/.test(none.stderr)], [3, true]);
  const key = await run(['audit', 'verify', dir, '--vkey', 'nonsense']);
  assert.deepEqual([key.exitCode, /not a verifier key/.test(key.stderr)], [2, true]);
  assert.equal((await run(['audit', 'verify', 'http://127.0.0.1:9/log'])).exitCode, 3);
});
