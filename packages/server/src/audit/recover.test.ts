import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { encodeFrame, readFrame } from '@writ/core';
import { AuditRefused } from './errors.ts';
import { appendEvents, chance, event, openLog, tempFolder, vkey } from './fixture.ts';
import type { Receipt } from './log.ts';
import { type WriteAt, writeAt } from './segments.ts';
import { verifyAudit } from './verify-audit.ts';

const tears = Number(process.env.WRIT_AUDIT_TEARS ?? 200);
const sectorBytes = 512;

/** What a power cut may leave of a write: of each sector the old bytes, the new ones, or, behind what was acknowledged, anything. */
function tear(fd: number, bytes: Uint8Array, position: number, random: () => number): void {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + sectorBytes - ((position + at) % sectorBytes));
    const shared = at === 0 && position % sectorBytes !== 0;
    const fate = random();
    const sector = bytes.subarray(at, end);
    if (fate < 0.4) writeSync(fd, sector, 0, sector.length, position + at);
    else if (fate < 0.6 && !shared) {
      writeSync(
        fd,
        sector.map(() => Math.floor(random() * 256)),
        0,
        sector.length,
        position + at,
      );
    }
    at = end;
  }
}

async function tornRound(t: TestContext, seed: number): Promise<{ wiped: boolean }> {
  const random = chance(seed);
  const dir = await tempFolder(t);
  let armed = false;
  const write: WriteAt = async (fd, bytes, position) => {
    if (!armed) return writeAt(fd, bytes, position);
    tear(fd, bytes, position, random);
    throw new Error('the power is gone');
  };
  // Half of the rounds publish all the time, half only at the end, so that checkpoints are behind by any amount.
  const log = await openLog(dir, { write, checkpointMillis: random() < 0.5 ? 0 : 60_000 });
  const acknowledged: Receipt[] = [];
  let n = 0;
  for (let flush = Math.floor(random() * 4); flush > 0; flush -= 1) {
    const receipts = Array.from({ length: 1 + Math.floor(random() * 16) }, () => log.append(anyEvent()));
    await Promise.all(receipts.map(({ durable }) => durable));
    acknowledged.push(...receipts);
  }
  armed = true;
  const lost = Array.from({ length: 1 + Math.floor(random() * 16) }, () => log.append(anyEvent()));
  for (const { durable } of lost) await assert.rejects(durable);
  await log.close();

  const again = await openLog(dir, { checkpointMillis: 0 });
  for (const { sequence, leaf } of acknowledged) {
    assert.deepEqual((await again.read(sequence))?.leaf, leaf, `seed ${seed} lost record ${sequence}`);
  }
  assert.ok(again.head().size <= acknowledged.length + lost.length);
  await appendEvents(again, 10_000, 5, 'after the crash');
  await again.close();
  const report = await verifyAudit(dir, { vkeys: [vkey] });
  assert.deepEqual(report.findings, [], `seed ${seed}`);
  assert.equal(report.warnings.length, 1, `seed ${seed}: ${report.warnings}`);
  return { wiped: again.wiped !== null };

  function anyEvent() {
    return event(n++, 'x'.repeat(Math.floor(random() ** 3 * 6000)));
  }
}

test(`no acknowledged record is lost in ${tears} torn tails`, async (t) => {
  let wiped = 0;
  for (let seed = 1; seed <= tears; seed += 1) if ((await tornRound(t, seed)).wiped) wiped += 1;
  // Else the tears were too gentle to test anything.
  assert.ok(wiped > tears / 2, `${wiped} tails were wiped`);
});

test('a wiped tail is reported, and stays wiped', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  await appendEvents(log, 0, 3);
  await log.close();
  const path = join(dir, 'segments/00000001');
  const segment = await readFile(path);
  const end = segment.lastIndexOf(0x7d) + 1;
  segment.fill(0xaa, end + 40, end + 90);
  await writeFile(path, segment);
  assert.match((await verifyAudit(dir, { vkeys: [vkey] })).warnings.join(), /torn write/);
  const again = await openLog(dir);
  assert.deepEqual(again.wiped, { file: 'segments/00000001', offset: end, bytes: 90 });
  await again.close();
  assert.equal((await openLog(dir)).wiped, null);
});

test('damage before acknowledged records is no torn tail: the start is refused', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir, { checkpointMillis: 60_000 });
  await appendEvents(log, 0, 1);
  await log.prove(0);
  for (let i = 1; i < 5; i += 1) await log.append(event(i)).durable;
  // As after a crash: the checkpoint covers one record only, and then a byte of record 2 rots.
  const crashed = await tempFolder(t);
  await cp(dir, crashed, { recursive: true });
  const path = join(crashed, 'segments/00000001');
  const segment = await readFile(path);
  segment[segment.indexOf('event-2')]! ^= 1;
  await writeFile(path, segment);
  await assert.rejects(openLog(crashed), (error) => {
    assert.ok(error instanceof AuditRefused);
    assert.match(
      error.message,
      /record 2 is damaged in segments\/00000001 at \d+ .* though record 3 was written after/,
    );
    return true;
  });
  const report = await verifyAudit(crashed, { vkeys: [vkey] });
  assert.deepEqual(
    report.findings.map(({ code, sequence }) => `${code}@${sequence}`),
    ['segment.damaged@2', 'log.gap@2'],
  );
});

test('a record edited behind the checkpoint, checksum and all, is not its leaf hash any more', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir, { checkpointMillis: 60_000 });
  await appendEvents(log, 0, 1);
  await log.prove(0);
  await log.append(event(1, 'as it was')).durable;
  const crashed = await tempFolder(t);
  await cp(dir, crashed, { recursive: true });
  const path = join(crashed, 'segments/00000001');
  const segment = await readFile(path);
  const first = readFrame(crc32, segment, 0);
  assert.ok(first.kind === 'frame');
  const second = readFrame(crc32, segment, first.end);
  assert.ok(second.kind === 'frame');
  const entry = Buffer.from(Buffer.from(second.frame.entry).toString().replace('as it was', 'as I wish'));
  segment.set(encodeFrame(crc32, { ...second.frame, entry }), first.end);
  await writeFile(path, segment);
  await assert.rejects(openLog(crashed), /record 1 is not the one its leaf hash was made of/);
  const { findings } = await verifyAudit(crashed, { vkeys: [vkey] });
  assert.deepEqual(
    findings.map(({ code, sequence, offset }) => [code, sequence, offset]),
    [['entry.leaf_mismatch', 1, first.end]],
  );
});

test('an older backup under a newer checkpoint is refused', async (t) => {
  const dir = await tempFolder(t);
  const backup = await tempFolder(t);
  const log = await openLog(dir);
  await appendEvents(log, 0, 300);
  await log.close();
  await cp(dir, backup, { recursive: true });
  const later = await openLog(dir);
  await appendEvents(later, 300, 300);
  await later.close();
  for (const part of ['segments', 'tile']) {
    await rm(join(dir, part), { recursive: true });
    await cp(join(backup, part), join(dir, part), { recursive: true });
  }
  await assert.rejects(openLog(dir), (error) => {
    assert.ok(error instanceof AuditRefused);
    assert.match(error.message, /it holds 300 records, but its checkpoint was signed over 600; restore/);
    return true;
  });
  const { findings } = await verifyAudit(dir, { vkeys: [vkey] });
  assert.ok(findings.some(({ code, sequence }) => code === 'log.shorter_than_checkpoint' && sequence === 300));
});

test('other records under the checkpoint are refused, with tiles and without', async (t) => {
  const dir = await tempFolder(t);
  const fork = await tempFolder(t);
  for (const [folder, text] of [
    [dir, 'as it was'],
    [fork, 'as I wish'],
  ] as const) {
    const log = await openLog(folder);
    await appendEvents(log, 0, 300, text);
    await log.close();
  }
  await rm(join(dir, 'segments'), { recursive: true });
  await cp(join(fork, 'segments'), join(dir, 'segments'), { recursive: true });
  await assert.rejects(openLog(dir), /record \d+ is not the one that was signed/);
  await rm(join(dir, 'tile'), { recursive: true });
  await assert.rejects(openLog(dir), /its 300 records have the root .*, its checkpoint signed/);
  await cp(join(fork, 'tile'), join(dir, 'tile'), { recursive: true });
  await assert.rejects(openLog(dir), /its 300 records have the root .*, its checkpoint signed/);
});

test('lost or damaged tiles are rebuilt from the segments', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  await appendEvents(log, 0, 600, 'some text');
  await log.close();
  for (const harm of [
    () => rm(join(dir, 'tile'), { recursive: true }),
    () => writeFile(join(dir, 'tile/0/002.p/88'), 'rubble'),
    () => writeFile(join(dir, 'tile/entries/002.p/88'), 'rubble'),
    () => rm(join(dir, 'tile/1'), { recursive: true }),
  ]) {
    await harm();
    assert.ok(!(await verifyAudit(dir, { vkeys: [vkey] })).ok);
    const again = await openLog(dir);
    assert.equal((await again.read(599))!.record.id, 'event-599');
    await again.close();
    assert.deepEqual((await verifyAudit(dir, { vkeys: [vkey] })).findings, []);
  }
});

test('records without a checkpoint, and a missing segment, are refused', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  await appendEvents(log, 0, 300, 'x'.repeat(400));
  await log.close();
  const checkpoint = await readFile(join(dir, 'checkpoint'));
  await rm(join(dir, 'checkpoint'));
  await assert.rejects(openLog(dir), /there are records but no `checkpoint`/);
  await writeFile(join(dir, 'checkpoint'), checkpoint.toString().replace('\n300\n', '\n299\n'));
  await assert.rejects(openLog(dir), /its `checkpoint` is not acceptable: the signature of/);
  await writeFile(join(dir, 'checkpoint'), checkpoint);
  await rm(join(dir, 'segments/00000001'));
  await assert.rejects(openLog(dir), /segment 1 is missing/);
  assert.ok((await verifyAudit(dir, { vkeys: [vkey] })).findings.some(({ code }) => code === 'segment.missing'));
});

test('a start reads the last segment, not all of them', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  await appendEvents(log, 0, 900, 'x'.repeat(400));
  await log.close();
  // Rubble in an old segment: verification finds it, a start that read it would refuse.
  const path = join(dir, 'segments/00000002');
  const segment = await readFile(path);
  segment[30_000]! ^= 1;
  await writeFile(path, segment);
  const again = await openLog(dir);
  await again.close();
  const { findings } = await verifyAudit(dir, { vkeys: [vkey] });
  assert.equal(findings[0]!.code, 'segment.damaged');
  assert.equal(findings[0]!.file, 'segments/00000002');
});
