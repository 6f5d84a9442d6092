import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { formatVkey, parseVkey, tilePath, utf8, verifyProofFile } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { AuditRefused } from './errors.ts';
import { appendEvents, decision, newKey, openLog, origin, outcome, tempFolder, vkey } from './fixture.ts';
import { openAuditIndex } from './index.ts';
import { openPublished, type PublishedLog } from './published.ts';
import { openQueryIndex } from './query-index.ts';
import { serveLog } from './serve-log.ts';

async function closedLog(t: TestContext, count: number): Promise<string> {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  await appendEvents(log, 0, count);
  await log.close();
  return dir;
}

/** The folder as a server would give it. */
function served(dir: string): typeof fetch {
  const serve = serveLog(dir);
  return (async (url: URL) => {
    const { status, body } = await serve(new URL(url).pathname.slice('/log'.length));
    return new Response(body as Uint8Array<ArrayBuffer>, { status });
  }) as typeof fetch;
}

for (const from of ['folder', 'server'] as const) {
  test(`every record of a log in a ${from} is proven, across full and partial tiles`, async (t) => {
    const dir = await closedLog(t, 300);
    const log =
      from === 'folder'
        ? await openPublished(dir, { vkeys: [vkey] })
        : await openPublished('http://127.0.0.1/log', { vkeys: [vkey], fetch: served(dir) });
    assert.equal(log.checkpoint.size, 300);
    for (const sequence of [0, 1, 255, 256, 299]) {
      const { record, bytes, proof } = await log.prove(sequence);
      assert.equal(record.id, `event-${sequence}`);
      const question = { entry: bytes, origin, keys: [parseVkey(nodeEngine, vkey)!] };
      assert.ok(verifyProofFile(nodeEngine, proof, question).ok);
      assert.ok(!verifyProofFile(nodeEngine, proof, { ...question, entry: utf8('{}') }).ok);
    }
    let next = 254;
    for await (const { sequence } of log.entries(254)) assert.equal(sequence, next++);
    assert.equal(next, 300);
    await assert.rejects(log.prove(300), RangeError);
  });
}

test('a changed record is not proven, and a foreign key opens nothing', async (t) => {
  const dir = await closedLog(t, 3);
  const path = join(dir, tilePath({ level: 'entries', index: 0, width: 3 }));
  const bundle = (await readFile(path)).toString('latin1').replace('event-1', 'event-9');
  await writeFile(path, bundle, 'latin1');
  const log = await openPublished(dir, { vkeys: [vkey] });
  await log.prove(0);
  await assert.rejects(
    log.prove(1),
    (error) => error instanceof AuditRefused && /record 1.*not proven/.test(error.message),
  );
  const foreign = formatVkey(nodeEngine, origin, newKey(origin).publicKey);
  await assert.rejects(openPublished(dir, { vkeys: [foreign] }), /not acceptable: no known key/);
  await assert.rejects(openPublished(join(dir, 'tile')), /it is not a log/);
});

test('a question is answered from the index of the plane, and from the log where there is none', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  const index = await openAuditIndex({ dir, log });
  const { sequence } = log.append(decision('d1', 'allow'));
  await log.append(outcome('d1', sequence)).durable;
  await log.close();
  index.close();
  const ask = async () => {
    const opened = await openQueryIndex({ open: () => openPublished(dir, { vkeys: [vkey] }) });
    using rows = opened.index;
    return [
      rows.from,
      rows
        .find({}, 9)
        .map(({ decisionId, result }) => `${decisionId} ${result}`)
        .join(),
    ];
  };
  assert.deepEqual(await ask(), ['index', 'd1 complete']);

  await mkdir(join(dir, 'kept'));
  await copyFile(join(dir, 'index.db'), join(dir, 'kept', 'index.db'));
  await rm(join(dir, 'index.db'));
  assert.deepEqual(await ask(), ['log', 'd1 complete']);

  // One that has missed a record, and one of another log, are not asked.
  const again = await openLog(dir);
  await again.append(decision('d2', 'deny')).durable;
  await again.close();
  await rename(join(dir, 'kept', 'index.db'), join(dir, 'index.db'));
  assert.deepEqual(await ask(), ['log', 'd2 none,d1 complete']);
  await writeFile(join(dir, 'index.db'), 'not a database, whatever its name says about it');
  assert.deepEqual(await ask(), ['log', 'd2 none,d1 complete']);
});

test('an index of another log of the same size is not asked', async (t) => {
  const [dir, other] = await Promise.all(
    ['d1', 'd2'].map(async (id) => {
      const folder = await tempFolder(t);
      const log = await openLog(folder);
      const index = await openAuditIndex({ dir: folder, log });
      await log.append(decision(id, 'deny')).durable;
      await log.close();
      index.close();
      return folder;
    }),
  );
  await copyFile(join(other!, 'index.db'), join(dir!, 'index.db'));
  const { index } = await openQueryIndex({ open: () => openPublished(dir!, { vkeys: [vkey] }) });
  using rows = index;
  assert.deepEqual([rows.from, rows.find({}, 9).map(({ decisionId }) => decisionId)], ['log', ['d1']]);
});

test('an index ahead of the checkpoint is asked once the checkpoint has caught up', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir, { checkpointMillis: 60_000 });
  const index = await openAuditIndex({ dir, log });
  await log.append(decision('d1', 'deny')).durable;
  // The first one was published at once; this one waits for the next.
  await log.prove(0);
  await log.append(decision('d2', 'deny')).durable;
  assert.equal(index.decision('d2')!.sequence, 1);
  const opened: number[] = [];
  const open = async (): Promise<PublishedLog> => {
    if (opened.length === 1) await log.close();
    const published = await openPublished(dir, { vkeys: [vkey] });
    opened.push(published.checkpoint.size);
    return published;
  };
  const asked = await openQueryIndex({ open });
  using rows = asked.index;
  assert.deepEqual(opened, [1, 2]);
  assert.deepEqual([rows.from, asked.log.checkpoint.size, rows.find({}, 9).length], ['index', 2, 2]);
  index.close();
});
