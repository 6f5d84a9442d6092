import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  formatVkey,
  openCheckpoint,
  parseVkey,
  parseWitnessPolicy,
  utf8,
  type VerifierKey,
  verifyProofFile,
  type WitnessPolicy,
} from '@writ/core';
import { nodeEngine as engine } from '@writ/core/node';
import { appendEvents, newKey, openLog, origin, tempFolder, vkey } from './fixture.ts';
import type { AuditLog } from './log.ts';
import { openPublished } from './published.ts';
import { verifyAudit } from './verify-audit.ts';
import { startWitness, type TestWitness } from './witness.fixture.ts';
import type { WitnessSettings } from './witnessed.ts';
import type { WitnessStatus } from './witnesses.ts';

function policyOf(witnesses: readonly TestWitness[], quorum: string): WitnessPolicy {
  const names = witnesses.map(({ name }) => name).join(' ');
  const group = quorum === 'none' ? 'quorum none' : `group enough ${quorum} ${names}\nquorum enough`;
  const read = parseWitnessPolicy(engine, utf8([...witnesses.map(({ line }) => line), group, ''].join('\n')));
  assert.ok(read.ok, read.ok ? '' : read.says);
  return read.value;
}

const keysOf = (...vkeys: string[]): VerifierKey[] => vkeys.map((one) => parseVkey(engine, one)!);

interface Watched {
  readonly dir: string;
  readonly log: AuditLog;
  readonly changes: WitnessStatus[];
}

async function watched(
  t: TestContext,
  policy: WitnessPolicy,
  more: Partial<WitnessSettings> = {},
  clock: { nowMillis(): number } = { nowMillis: () => Date.now() },
  dir?: string,
): Promise<Watched> {
  const folder = dir ?? (await tempFolder(t));
  const changes: WitnessStatus[] = [];
  const onChange = (status: WitnessStatus) => changes.push(status);
  const witnesses = { policy, onChange, timeoutMillis: 100, retryMillis: 10, retryMillisMax: 40, ...more };
  return { dir: folder, log: await openLog(folder, { witnesses, clock }), changes };
}

/** Waits for what happens beside the log; fails within a second. */
async function until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await is()) return;
    await delay(5);
  }
  assert.fail(`in vain: ${what}`);
}

const seenBy = (log: AuditLog, size: number) => log.witnesses().every((one) => one.size === size);

test('a checkpoint gets the signatures of its witnesses, and each record a proof under it', async (t) => {
  const witnesses = [
    await startWitness(t, { name: 'w1', logVkey: vkey }),
    await startWitness(t, { name: 'w2', logVkey: vkey, role: 'cosigner' }),
  ];
  const policy = policyOf(witnesses, 'all');
  const { dir, log } = await watched(t, policy);
  await appendEvents(log, 0, 300);
  await until('both have seen all', () => seenBy(log, 300));
  const keys = keysOf(vkey, ...witnesses.map((one) => one.vkey));
  for (const note of [
    log.checkpoint(),
    await readFile(join(dir, 'checkpoint')),
    await readFile(join(dir, 'checkpoint.witnessed')),
  ]) {
    const opened = openCheckpoint(engine, note, keys);
    assert.ok(opened.ok && opened.value.size === 300);
    assert.deepEqual(opened.value.signatures.map(({ key }) => key.name).toSorted(), [
      'w1.example',
      'w2.example',
      origin,
    ]);
  }
  const file = await log.prove(7);
  const { bytes } = (await log.read(7))!;
  const proven = verifyProofFile(engine, file, { entry: bytes, origin, keys });
  assert.ok(proven.ok && proven.value.checkpoint.signatures.length === 3);
  await log.close();
  const report = await verifyAudit(dir, { vkeys: [vkey], policy });
  assert.deepEqual(
    [report.findings, report.anchor, report.witnessedSize, report.cosignatures.length],
    [[], 'witness', 300, 2],
  );
});

test('a log that goes on is proven to continue, also after a restart that has forgotten what a witness knows', async (t) => {
  const witness = await startWitness(t, { name: 'w1', logVkey: vkey });
  const policy = policyOf([witness], 'all');
  const { dir, log } = await watched(t, policy);
  await appendEvents(log, 0, 5);
  await until('it has seen the first', () => seenBy(log, 5));
  await appendEvents(log, 5, 290);
  await until('it has seen the rest', () => seenBy(log, 295));
  assert.ok(!witness.answered.includes(409), 'in one run its size is known');
  await log.close();

  const { log: again } = await watched(t, policy, {}, undefined, dir);
  await appendEvents(again, 300, 2);
  await until('it has seen the newest', () => seenBy(again, 297));
  assert.equal(witness.answered.filter((status) => status === 409).length, 1, 'asked once for the size it knows');
  assert.deepEqual(
    again.witnesses().map(({ trouble }) => trouble),
    [null],
  );
});

test('with a witness down, slow, failing or lying, appends go on, the quorum of the others holds, and it is named', async (t) => {
  for (const [misbehaves, trouble, says] of [
    ['silent', 'down', /`bad` at `http.*does not answer: not in time/],
    ['failing', 'down', /answers 500/],
    ['forging', 'false', /says yes, but the signature of `bad\.example`.*not genuine/],
    ['gibberish', 'false', /says yes, but a signature line is malformed/],
    ['stubborn', 'forked', /do not continue those it has cosigned/],
    ['amnesic', 'false', /names another size each time/],
  ] as const) {
    const good = await startWitness(t, { name: 'good', logVkey: vkey });
    const bad = await startWitness(t, { name: 'bad', logVkey: vkey });
    bad.misbehaves = misbehaves;
    if (misbehaves === 'amnesic') bad.seen.size = 1;
    const policy = policyOf([good, bad], 'any');
    const { dir, log, changes } = await watched(t, policy);
    await appendEvents(log, 0, 20);
    await until(`${misbehaves} is named`, () => log.witnesses()[1]!.trouble !== null);
    await until('the other one has signed', () => log.witnesses()[0]!.size === 20);
    const [first, second] = log.witnesses();
    assert.deepEqual([first!.trouble, second!.trouble, second!.size], [null, trouble, null], misbehaves);
    assert.match(second!.says!, says);
    assert.deepEqual(
      changes.map(({ name }) => name),
      ['bad'],
      'told once, not with each attempt',
    );
    assert.equal(log.failure(), null);

    bad.seen = { ...good.seen };
    bad.misbehaves = 'none';
    await until('it is well again', () => seenBy(log, 20));
    assert.deepEqual(
      changes.map((one) => one.trouble),
      [trouble, null],
    );
    await log.close();
    assert.deepEqual((await verifyAudit(dir, { vkeys: [vkey], policy: policyOf([good, bad], 'all') })).findings, []);
  }
});

test('without the quorum nothing is called witnessed, and verification says so', async (t) => {
  const good = await startWitness(t, { name: 'good', logVkey: vkey });
  const bad = await startWitness(t, { name: 'bad', logVkey: vkey });
  bad.misbehaves = 'failing';
  const policy = policyOf([good, bad], 'all');
  const { dir, log } = await watched(t, policy);
  await appendEvents(log, 0, 3);
  await until('one has signed', () => log.witnesses()[0]!.size === 3);
  await until('the other has failed', () => log.witnesses()[1]!.trouble === 'down');
  await log.close();
  await assert.rejects(readFile(join(dir, 'checkpoint.witnessed')), /ENOENT/);
  const { ok, findings, anchor, cosignatures } = await verifyAudit(dir, { vkeys: [vkey], policy });
  assert.deepEqual([ok, anchor, cosignatures.map(({ name }) => name)], [false, 'self', ['good.example']]);
  assert.match(findings[0]!.says, /no checkpoint has the quorum.*1 of its 2 witnesses/);
  assert.equal(findings[0]!.code, 'witness.quorum_missing');
});

test('a log that was rolled back, or rewritten, is told by its witness', async (t) => {
  const witness = await startWitness(t, { name: 'w1', logVkey: vkey });
  const policy = policyOf([witness], 'all');
  const { dir, log } = await watched(t, policy);
  await appendEvents(log, 0, 5);
  await until('it has seen them', () => seenBy(log, 5));
  await log.close();
  const startAgain = async () => {
    for (const part of ['segments', 'tile', 'checkpoint', 'checkpoint.witnessed'])
      await rm(join(dir, part), { recursive: true, force: true });
    return watched(t, policy, {}, undefined, dir);
  };

  const shorter = await startAgain();
  await appendEvents(shorter.log, 0, 3);
  await until('it is behind', () => shorter.log.witnesses()[0]!.trouble === 'behind');
  assert.match(shorter.log.witnesses()[0]!.says!, /has cosigned 5 records of this log, the checkpoint has 3/);
  await shorter.log.close();

  for (const count of [5, 9]) {
    const other = await startAgain();
    await appendEvents(other.log, 100, count);
    await until('it is another log', () => other.log.witnesses()[0]!.trouble === 'forked');
    assert.match(other.log.witnesses()[0]!.says!, /do not continue those it has cosigned/);
    await other.log.close();
  }
});

test('a witness that does not take the key of the log says so, and one that is not there too', async (t) => {
  const other = newKey(origin);
  const stranger = await startWitness(t, { name: 'stranger', logVkey: formatVkey(engine, origin, other.publicKey) });
  const gone = await startWitness(t, { name: 'gone', logVkey: vkey });
  const nowhere = { ...gone, line: `witness gone ${gone.vkey} http://127.0.0.1:9/w` };
  const { log } = await watched(t, policyOf([stranger, nowhere], 'any'));
  await appendEvents(log, 0, 1);
  await until('both are named', () => log.witnesses().every(({ trouble }) => trouble !== null));
  const [first, second] = log.witnesses();
  assert.deepEqual([first!.trouble, second!.trouble], ['refused', 'down']);
  assert.match(
    first!.says!,
    /the witness `stranger` at `http:.*` does not accept the key of this log; give its operator/,
  );
  assert.match(second!.says!, /the witness `gone` at `http:\/\/127\.0\.0\.1:9\/w` does not answer: /);
});

test('a proof from the folder is under the witnessed checkpoint where that reaches', async (t) => {
  const witness = await startWitness(t, { name: 'w1', logVkey: vkey, role: 'cosigner' });
  const { dir, log } = await watched(t, policyOf([witness], 'all'));
  await appendEvents(log, 0, 4);
  await until('it has seen them', () => seenBy(log, 4));
  witness.misbehaves = 'silent';
  await appendEvents(log, 4, 4);
  await log.prove(7);
  const published = await openPublished(dir, { vkeys: [vkey, witness.vkey] });
  const sizeOf = async (sequence: number) => {
    const { bytes, proof } = await published.prove(sequence);
    const checked = verifyProofFile(engine, proof, { entry: bytes, origin, keys: keysOf(vkey, witness.vkey) });
    assert.ok(checked.ok);
    return [checked.value.checkpoint.size, checked.value.checkpoint.signatures.length];
  };
  assert.deepEqual(await sizeOf(3), [4, 2]);
  assert.deepEqual(await sizeOf(4), [8, 1]);
  const { warnings, findings } = await verifyAudit(dir, { vkeys: [vkey, witness.vkey] });
  assert.deepEqual(findings, [], 'the ML-DSA key of a witness is not the second key of the log');
  assert.match(warnings.join(), /4 records are newer than what witnesses have seen, 4 at 2025-11-24T/);
});

test('a witnessed checkpoint that the records do not continue is a finding', async (t) => {
  const witness = await startWitness(t, { name: 'w1', logVkey: vkey });
  const policy = policyOf([witness], 'all');
  const { dir, log } = await watched(t, policy);
  await appendEvents(log, 0, 5);
  await until('it has seen them', () => seenBy(log, 5));
  await log.close();
  const witnessed = await readFile(join(dir, 'checkpoint.witnessed'));
  for (const part of ['segments', 'tile', 'checkpoint']) await rm(join(dir, part), { recursive: true });
  const other = await openLog(dir);
  await appendEvents(other, 50, 5);
  await other.close();
  const codes = async () => (await verifyAudit(dir, { vkeys: [vkey], policy })).findings.map(({ code }) => code);
  assert.deepEqual(await codes(), ['log.root_mismatch']);
  witnessed[witnessed.length - 10]! ^= 1;
  await writeFile(join(dir, 'checkpoint.witnessed'), witnessed);
  assert.deepEqual(await codes(), ['checkpoint.witnessed_invalid', 'witness.quorum_missing']);
});

test('a witness that answers about an older checkpoint takes nothing back', async (t) => {
  const quick = await startWitness(t, { name: 'quick', logVkey: vkey });
  const slow = await startWitness(t, { name: 'slow', logVkey: vkey });
  const { promise, resolve } = Promise.withResolvers<void>();
  slow.late = promise;
  const { dir, log } = await watched(t, policyOf([quick, slow], 'any'), { timeoutMillis: 5000 });
  await appendEvents(log, 0, 5);
  await until('the quick one has seen five', () => log.witnesses()[0]!.size === 5);
  await appendEvents(log, 5, 5);
  await until('and ten, though the other has not answered', () => log.witnesses()[0]!.size === 10);
  assert.deepEqual(slow.answered, []);
  resolve();
  await until('the late answer is there', () => log.witnesses()[1]!.size === 5);
  const keys = keysOf(vkey, quick.vkey, slow.vkey);
  for (const file of ['checkpoint', 'checkpoint.witnessed']) {
    const opened = openCheckpoint(engine, await readFile(join(dir, file)), keys);
    assert.ok(opened.ok && opened.value.size === 10, file);
    assert.deepEqual(opened.value.signatures.map(({ key }) => key.name).toSorted(), ['quick.example', origin], file);
  }
});

test('a witness in trouble is left in peace for a while, twice as long each time', async (t) => {
  const witness = await startWitness(t, { name: 'w1', logVkey: vkey });
  witness.misbehaves = 'failing';
  const clock = { millis: 0, nowMillis: () => clock.millis };
  const { log } = await watched(t, policyOf([witness], 'all'), { retryMillis: 1000, retryMillisMax: 60_000 }, clock);
  let appended = 0;
  const asksAt = async (millis: number) => {
    clock.millis = millis;
    // With the next checkpoint, whoever is due is asked.
    await appendEvents(log, appended++, 1);
    await log.prove(appended - 1);
    await delay(20);
    return witness.answered.length;
  };
  const asked = [];
  for (const millis of [0, 999, 1000, 2999, 3000, 6999, 7000]) asked.push(await asksAt(millis));
  assert.deepEqual(asked, [1, 1, 2, 2, 3, 3, 4]);
});
