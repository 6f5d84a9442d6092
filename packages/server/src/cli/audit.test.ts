import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { formatVkey, parseVkey, utf8, verifyProofFile } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { decision, newKey, openLog, origin, outcome, tempFolder, vkey } from '../audit/fixture.ts';
import { timeOf } from './audit-query.ts';
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

const time = '2026-11-24T12:00:00.000Z';
const agent = 'spiffe://zylos.local/db/agent';
const chain = [
  { actor: 'howard', scopes: ['files:read_file'] },
  { actor: agent, scopes: ['files:read_file'] },
];
const asked = {
  ...{ task: 'tsk_1', chain, act: { sub: agent }, principal: { id: 'howard' } },
  ...{ target: { server: 'files', name: 'read_file' }, sentence: 'howard, through db/agent, asked files/read_file.' },
};

/** Two decisions of a task, one of another, and the event that opened the task. */
async function filledLog(t: TestContext) {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  const opened = {
    event: 'task.opened',
    task: 'tsk_1',
    root: 'howard',
    openedBy: 'howard',
    origin: 'direct',
    depth: 3,
  };
  await log.append({ kind: 'event', id: 'o1', time, ...opened }).durable;
  const { sequence } = log.append(decision('d1', 'allow', asked));
  await log.append(outcome('d1', sequence)).durable;
  const evil = {
    sentence: 'x | <b>y</b>\n# z \u001b[2J',
    code: 'action.policy_forbids',
    time: '2026-11-24T13:00:00.000Z',
  };
  await log.append(decision('d2', 'deny', { ...asked, ...evil })).durable;
  await log.append(decision('d3', 'deny', { task: 'tsk_2' })).durable;
  await log.close();
  return dir;
}

test('a record is proven by its sequence or its id, and the proof opens with nothing but key and record', async (t) => {
  const dir = await filledLog(t);
  const entry = join(dir, 'entry.json');
  const bySequence = await run(['audit', 'prove', '1', dir, '--vkey', vkey, '--entry', entry]);
  assert.deepEqual([bySequence.exitCode, bySequence.stderr], [0, '']);
  assert.match(bySequence.stdout, /^c2sp\.org\/tlog-proof@v1\nindex 1\n/);
  const question = { entry: readFileSync(entry), origin, keys: [parseVkey(nodeEngine, vkey)!] };
  assert.ok(verifyProofFile(nodeEngine, utf8(bySequence.stdout), question).ok);
  assert.equal((await run(['audit', 'prove', 'd1', dir, '--vkey', vkey])).stdout, bySequence.stdout);
  const event = await run(['audit', 'prove', 'o1', dir, '--vkey', vkey, '--json']);
  assert.deepEqual([JSON.parse(event.stdout).index, JSON.parse(event.stdout).record.id], [0, 'o1']);
  const beyond = await run(['audit', 'prove', '5', dir, '--vkey', vkey]);
  assert.deepEqual([beyond.exitCode, /which has 5 records/.test(beyond.stderr)], [1, true]);
  assert.equal((await run(['audit', 'prove', 'd9', dir, '--vkey', vkey])).exitCode, 2);
});

test('decisions are found in the words people use', async (t) => {
  const dir = await filledLog(t);
  const ids = async (...words: string[]) => {
    const { exitCode, stdout, stderr } = await run(['audit', 'query', dir, '--vkey', vkey, '--json', ...words]);
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout).decisions.map(({ decisionId }: { decisionId: string }) => decisionId);
  };
  assert.deepEqual(await ids(), ['d3', 'd2', 'd1']);
  assert.deepEqual(await ids('--through', 'db/agent', '--user', 'howard'), ['d2', 'd1']);
  assert.deepEqual(await ids('--agent', agent, '--tool', 'files/read_file', '--outcome', 'allow'), ['d1']);
  assert.deepEqual(await ids('--from', '2026-11-24T14:00:00+02:00', '--until', '2026-11-24T13:00:00Z'), ['d3', 'd1']);
  assert.deepEqual(await ids('--limit', '1'), ['d3']);
  const text = await run(['audit', 'query', dir, '--vkey', vkey, '--task', 'tsk_1']);
  assert.match(text.stdout, /^3 .* deny .*howard {2}db\/agent {2}files\/read_file {2}action\.policy_forbids {2}d2\n1 /);
  for (const wrong of [
    ['--outcome', 'maybe'],
    ['--limit', '0'],
    ['--from', 'yesterday'],
  ]) {
    assert.equal((await run(['audit', 'query', dir, ...wrong])).exitCode, 2, wrong.join(' '));
  }
});

test('a time is read as a date, as an instant, or as how long ago', () => {
  const nowMillis = Date.parse('2026-11-24T12:00:00Z');
  assert.equal(timeOf('2h', nowMillis), '2026-11-24T10:00:00.000Z');
  assert.equal(timeOf('2026-11-24', nowMillis), '2026-11-24T00:00:00.000Z');
  assert.equal(timeOf('2026-11-24T12:00+02:00', nowMillis), '2026-11-24T10:00:00.000Z');
  for (const none of ['2026-13-40', '24.11.2026', 'now', ''])
    assert.throws(() => timeOf(none, nowMillis), /is not a time/);
});

test('an incident is told as Markdown that agents cannot write in', async (t) => {
  const dir = await filledLog(t);
  const { exitCode, stdout } = await run(['audit', 'report', dir, '--vkey', vkey, '--incident', 'tsk_1']);
  assert.equal(exitCode, 0);
  assert.match(stdout, /^# Task tsk\\_1\n\nOpened for howard by howard at /);
  assert.match(stdout, /2 decisions, 1 allowed, 1 refused, 0 for a person to answer\./);
  assert.match(stdout, /\n\| files\/read\\_file \| 1 \| 0 \| 1 \| 0 \|\n/);
  assert.match(stdout, /\| x \\\| \\<b\\>y\\<\/b\\>\?\\# z /, 'no cell, no tag, no heading of its own');
  assert.ok(!stdout.includes('\u001b'));
  const json = await run(['audit', 'report', dir, '--vkey', vkey, '--incident', 'tsk_1', '--json']);
  assert.deepEqual(
    JSON.parse(json.stdout).decisions.map((one: { decisionId: string }) => one.decisionId),
    ['d1', 'd2'],
  );
  assert.equal((await run(['audit', 'report', dir, '--vkey', vkey, '--incident', 'tsk_9'])).exitCode, 1);
});

test('logs are merged into one timeline, of one task if asked', async (t) => {
  const dir = await filledLog(t);
  const other = await tempFolder(t);
  const key = newKey('zylos.local/writ/2');
  const log = await openLog(other, { origin: key.name, key });
  await log.append(decision('e1', 'deny', { ...asked, time: '2026-11-24T12:30:00.000Z' })).durable;
  await log.close();
  const keys = ['--vkey', vkey, '--vkey', formatVkey(nodeEngine, key.name, key.publicKey)];
  const merged = await run(['audit', 'merge', dir, other, ...keys]);
  assert.equal(merged.exitCode, 0, merged.stderr);
  assert.deepEqual(
    merged.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ')[1]),
    ['1:0', '1:1', '1:2', '2:0', '1:3', '1:4'].map((place) => `zylos.local/writ/${place}`),
  );
  const ofTask = await run([
    'audit',
    'merge',
    dir,
    other,
    ...keys,
    '--task',
    'tsk_1',
    '--from',
    '2026-11-24T12:00:00Z',
    '--json',
  ]);
  assert.deepEqual(
    ofTask.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).record.id),
    ['o1', 'd1', 'outcome-d1', 'e1', 'd2'],
  );
  assert.equal((await run(['audit', 'merge', dir, ...keys])).exitCode, 2);
  assert.equal((await run(['audit', 'merge', dir, dir, ...keys])).exitCode, 2);
});
