import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { entryBytesMax, formatVkey, openCheckpoint, parseVkey, verifyProofFile } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { AuditRefused, AuditUnavailable } from './errors.ts';
import { appendEvents, decision, event, key, newKey, openLog, origin, outcome, tempFolder, vkey } from './fixture.ts';
import { openAuditLog } from './log.ts';
import { type WriteAt, writeAt } from './segments.ts';
import { verifyAudit } from './verify-audit.ts';
import { newCosigner } from './witness.fixture.ts';

const keys = [parseVkey(nodeEngine, vkey)!];

test('sequences are given at once and records read back, before and after a restart', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  const receipts = Array.from({ length: 700 }, (_, i) => log.append(event(i, 'x'.repeat(i))));
  assert.deepEqual(
    receipts.map(({ sequence }) => sequence),
    receipts.map((_, i) => i),
  );
  assert.equal(log.head().durable, 0);
  await Promise.all(receipts.map(({ durable }) => durable));
  assert.equal(log.head().durable, 700);
  assert.equal((await log.read(699))!.record.id, 'event-699');
  assert.equal(await log.read(700), null);
  assert.equal(await log.read(-1), null);
  await log.close();

  const again = await openLog(dir);
  assert.equal(again.wiped, null);
  assert.deepEqual(again.head(), { size: 700, durable: 700, published: 700 });
  let expected = 0;
  for await (const { sequence, record, leaf } of again.entries(0)) {
    assert.equal(sequence, expected++);
    assert.equal(record.id, `event-${sequence}`);
    assert.deepEqual(leaf, receipts[sequence]!.leaf);
  }
  assert.equal(expected, 700);
  assert.equal(again.append(event(700)).sequence, 700);
});

test('a record is proven by a file that its key alone verifies', async (t) => {
  const log = await openLog(await tempFolder(t));
  await appendEvents(log, 0, 300);
  for (const sequence of [0, 255, 256, 299]) {
    const file = await log.prove(sequence);
    const { bytes } = (await log.read(sequence))!;
    const verified = verifyProofFile(nodeEngine, file, { entry: bytes, origin, keys });
    assert.ok(verified.ok && verified.value.index === sequence, `record ${sequence}`);
    const other = (await log.read(1))!.bytes;
    assert.ok(!verifyProofFile(nodeEngine, file, { entry: other, origin, keys }).ok);
  }
  await assert.rejects(log.prove(300), RangeError);
});

test('listeners hear every record once, in order, after it is safe', async (t) => {
  const log = await openLog(await tempFolder(t));
  const heard: number[] = [];
  const stop = log.onRecord(({ sequence }) => {
    assert.ok(sequence < log.head().durable);
    heard.push(sequence);
  });
  await appendEvents(log, 0, 20);
  await appendEvents(log, 20, 20);
  stop();
  await appendEvents(log, 40, 1);
  assert.deepEqual(
    heard,
    Array.from({ length: 40 }, (_, i) => i),
  );
});

test('records that wait share one flush', async (t) => {
  let writes = 0;
  const write: WriteAt = (...args) => {
    writes += 1;
    return writeAt(...args);
  };
  const log = await openLog(await tempFolder(t), { write });
  await appendEvents(log, 0, 64);
  assert.equal(writes, 1);
  await appendEvents(log, 64, 1);
  assert.equal(writes, 2);
});

test('a write that takes only a part is continued', async (t) => {
  const dir = await tempFolder(t);
  const write: WriteAt = (fd, bytes, position) => writeAt(fd, bytes.subarray(0, Math.ceil(bytes.length / 3)), position);
  const log = await openLog(dir, { write });
  await appendEvents(log, 0, 50, 'some text');
  await log.close();
  const report = await verifyAudit(dir, { vkeys: [vkey] });
  assert.deepEqual([report.findings, report.records], [[], 50]);
});

test('what does not fit or is no record is not appended, and the log goes on', async (t) => {
  const log = await openLog(await tempFolder(t));
  assert.throws(() => log.append(event(1, 'x'.repeat(entryBytesMax))), /put its largest member in by digest/);
  assert.throws(() => log.append({ kind: 'event', id: 'e' }), /`time` is not RFC 3339/);
  assert.throws(() => log.append({ kind: 'decision', id: 'e', time: '2026-11-24T12:00:00.000Z' }), TypeError);
  assert.equal(log.append(event(1)).sequence, 0);
});

test('a queue past its bound refuses, and takes records again once the disk has caught up', async (t) => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const write: WriteAt = async (...args) => {
    await gate;
    return writeAt(...args);
  };
  const log = await openLog(await tempFolder(t), { write, queuedBytesMax: 10_000 });
  const receipts = [log.append(event(0))];
  await Promise.resolve().then(() => {}); // the first is under way now
  assert.throws(
    () => {
      for (let i = 1; i < 1000; i += 1) receipts.push(log.append(event(i, 'x'.repeat(500))));
    },
    (error) => error instanceof AuditUnavailable && /behind/.test(error.message),
  );
  assert.ok(receipts.length > 10 && receipts.length < 30);
  release();
  await Promise.all(receipts.map(({ durable }) => durable));
  await log.append(event(1000)).durable;
});

test('after a failed write everything is refused, for good', async (t) => {
  const dir = await tempFolder(t);
  let broken = false;
  const write: WriteAt = async (...args) => {
    if (broken) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    return writeAt(...args);
  };
  const log = await openLog(dir, { write });
  await appendEvents(log, 0, 10);
  broken = true;
  const underWay = log.append(event(10));
  const waiting = new Promise<void>((resolve, reject) => {
    queueMicrotask(() => queueMicrotask(() => log.append(event(11)).durable.then(resolve, reject)));
  });
  await assert.rejects(underWay.durable, AuditUnavailable);
  await assert.rejects(waiting, AuditUnavailable);
  broken = false; // the disk has room again: the file's state is still unknown
  assert.throws(() => log.append(event(12)), AuditUnavailable);
  assert.match(String(log.failure()!.cause), /no space left/);
  assert.equal((await log.read(9))!.record.id, 'event-9');
  await log.close();
  const again = await openLog(dir);
  assert.equal(again.head().durable, 10);
});

test('a checkpoint that cannot be written ends the log too', async (t) => {
  const dir = await tempFolder(t);
  const failing = { ...key, sign: key.sign };
  const log = await openLog(dir, { key: failing });
  failing.sign = () => {
    throw new Error('the key service is away');
  };
  await appendEvents(log, 0, 1);
  await assert.rejects(log.prove(0), AuditUnavailable);
  assert.throws(() => log.append(event(1)), /could not publish/);
  await log.close();
});

test('a second writer is refused while the first lives, and let in when it is gone', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  await assert.rejects(
    openLog(dir),
    (error) => error instanceof AuditRefused && error.message.includes(`process ${process.pid} (since `),
  );
  await appendEvents(log, 0, 1);
  await log.close();
  const again = await openLog(dir);
  await again.close();
});

test('a key change keeps the log, newest key first', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  await appendEvents(log, 0, 3);
  await log.close();
  const newer = newKey(origin);
  const again = await openLog(dir, { key: newer });
  await appendEvents(again, 3, 3);
  await again.close();
  assert.deepEqual((await readFile(join(dir, 'log.vkey'), 'utf8')).split('\n'), [again.vkey, vkey, '']);
  assert.ok((await verifyAudit(dir, { vkeys: [again.vkey] })).ok);
  assert.ok(!(await verifyAudit(dir, { vkeys: [vkey] })).ok);
});

test('a key of another name, and a folder of another log, are refused', async (t) => {
  const dir = await tempFolder(t);
  await assert.rejects(openAuditLog({ dir, origin, key: newKey('x'), clock: { nowMillis: () => 0 } }), TypeError);
  await (await openLog(dir)).close();
  const other = newKey('zylos.local/writ/2');
  await assert.rejects(openLog(dir, { origin: other.name, key: other }), /it is the log `zylos.local\/writ\/1`/);
});

test('after close nothing is appended, and everything was published', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir, { checkpointMillis: 60_000 });
  await appendEvents(log, 0, 2);
  const late = log.append(event(2));
  await log.close();
  await late.durable;
  assert.throws(() => log.append(event(3)), AuditUnavailable);
  assert.equal((await verifyAudit(dir, { vkeys: [vkey] })).size, 3);
  assert.match(await readFile(join(dir, 'checkpoint'), 'utf8'), new RegExp(`^${origin}\n3\n`));
});

test('partial tiles give way to full ones', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  await appendEvents(log, 0, 200);
  await log.prove(199);
  assert.deepEqual((await readdir(join(dir, 'tile/entries'))).sort(), ['000.p']);
  await appendEvents(log, 200, 100);
  await log.close();
  assert.deepEqual((await readdir(join(dir, 'tile/entries'))).sort(), ['000', '001.p']);
  assert.deepEqual((await readdir(join(dir, 'tile/0'))).sort(), ['000', '001.p']);
});

test('a log of decisions and outcomes verifies, survivors without outcome are listed', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  const first = log.append(decision('d1', 'allow'));
  log.append(decision('d2', 'allow'));
  log.append(decision('d3', 'deny'));
  await first.durable;
  log.append(outcome('d1', first.sequence));
  await log.close();
  const report = await verifyAudit(dir, { vkeys: [vkey] });
  assert.deepEqual(report.findings, []);
  assert.equal(report.keyFrom, 'flag');
  assert.equal(report.decisions, 3);
  assert.deepEqual(report.unknownOutcomes, ['d2']);
  assert.match(report.warnings.join(), /self-signed only/);
});

test('the level `written` ends in the same files', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir, { level: 'written' });
  await appendEvents(log, 0, 300, 'x'.repeat(400));
  await log.close();
  const report = await verifyAudit(dir, { vkeys: [vkey] });
  assert.deepEqual([report.ok, report.records], [true, 300]);
  assert.ok((await readdir(join(dir, 'segments'))).length > 2);
});

test('with an ML-DSA key every checkpoint has a second line, and whoever was given that key misses it where it is not', async (t) => {
  const dir = await tempFolder(t);
  const secondKey = newCosigner(origin, 'cosigner');
  const before = await openLog(dir);
  await appendEvents(before, 0, 2);
  await before.close();
  const log = await openLog(dir, { secondKey, clock: { nowMillis: () => 1_764_000_000_500 } });
  assert.equal(log.secondVkey, formatVkey(nodeEngine, origin, secondKey.publicKey, 'cosigner'));
  const both = [vkey, log.secondVkey!];
  const [missing] = (await verifyAudit(dir, { vkeys: both })).findings;
  assert.equal(missing!.code, 'checkpoint.signature_missing');
  await appendEvents(log, 2, 2);
  await log.close();
  const opened = openCheckpoint(
    nodeEngine,
    log.checkpoint(),
    both.map((one) => parseVkey(nodeEngine, one)!),
  );
  assert.ok(opened.ok);
  assert.deepEqual(
    opened.value.signatures.map(({ key, timeSeconds }) => [key.role, timeSeconds]),
    [
      ['log', null],
      ['cosigner', 1_764_000_000],
    ],
  );
  // The log's own second key is no witness of it.
  const report = await verifyAudit(dir, { vkeys: both });
  assert.deepEqual([report.findings, report.anchor, report.cosignatures], [[], 'self', []]);
  assert.deepEqual((await verifyAudit(dir)).findings, [], 'with the keys in `log.vkey`');
  assert.deepEqual((await readFile(join(dir, 'log.vkey'), 'utf8')).split('\n'), [...both, '']);

  const foreign = newCosigner(origin, 'cosigner');
  const other = await openLog(dir, { secondKey: foreign });
  await appendEvents(other, 4, 1);
  await other.close();
  assert.deepEqual(
    (await verifyAudit(dir, { vkeys: both })).findings.map(({ code }) => code),
    ['checkpoint.signature_missing'],
  );
  await assert.rejects(openLog(dir, { secondKey: newCosigner('elsewhere', 'cosigner') }), /cannot sign for the log/);
});
