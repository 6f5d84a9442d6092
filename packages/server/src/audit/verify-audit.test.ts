import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { edgeTiles, tilePath } from '@writ/core';
import { appendEvents, chance, decision, openLog, tempFolder, vkey } from './fixture.ts';
import { serveLog } from './serve-log.ts';
import { verifyAudit } from './verify-audit.ts';

const size = 300;

async function closedLog(t: TestContext): Promise<string> {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  await appendEvents(log, 0, size, 'what was said');
  await log.close();
  return dir;
}

async function served(t: TestContext, dir: string): Promise<string> {
  const serve = serveLog(dir);
  const server = createServer(async (request, response) => {
    const { status, headers, body } = await serve(request.url!.slice('/log'.length));
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  return `http://127.0.0.1:${address.port}/log`;
}

test('no flipped bit of an acknowledged byte goes unnoticed', async (t) => {
  const dir = await closedLog(t);
  assert.deepEqual((await verifyAudit(dir, { vkeys: [vkey] })).findings, []);
  const files = ['checkpoint', 'tile/0/000', 'tile/entries/000', `tile/entries/001.p/${size - 256}`];
  files.push(...edgeTiles(size).map(tilePath));
  const contents = await Promise.all(files.map((name) => readFile(join(dir, name))));
  const segment = await readFile(join(dir, 'segments/00000001'));
  const used = segment.lastIndexOf(0x7d) + 1; // every record ends in a bracket, and nothing was written after
  const random = chance(7);
  for (let flip = 0; flip < 400; flip += 1) {
    // Two of three in the segment, where the records are; the rest in what is derived from it.
    const i = Math.floor(random() * files.length);
    const [name, bytes, end] =
      flip % 3 < 2 ? ['segments/00000001', segment, used] : [files[i]!, contents[i]!, contents[i]!.length];
    const bit = Math.floor(random() * end * 8);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    await writeFile(join(dir, name), bytes);
    const { ok, findings } = await verifyAudit(dir, { vkeys: [vkey] });
    assert.ok(!ok && findings.length > 0, `bit ${bit} of ${name}`);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    await writeFile(join(dir, name), bytes);
  }
  assert.ok((await verifyAudit(dir, { vkeys: [vkey] })).ok, 'every bit was put back');
});

test('a finding names file and offset', async (t) => {
  const dir = await closedLog(t);
  const path = join(dir, 'segments/00000001');
  const segment = await readFile(path);
  const at = segment.indexOf('"event-17"');
  segment[at + 2]! ^= 1;
  await writeFile(path, segment);
  const { findings } = await verifyAudit(dir, { vkeys: [vkey] });
  const frame = findings.find(({ code }) => code === 'segment.damaged')!;
  assert.equal(frame.sequence, 17);
  assert.equal(frame.file, 'segments/00000001');
  assert.ok(frame.offset! < at && frame.offset! > at - 100);

  segment[at + 2]! ^= 1;
  await writeFile(path, segment);
  const bundle = await readFile(join(dir, 'tile/entries/000'));
  const inBundle = bundle.indexOf('"event-17"');
  bundle[inBundle]! ^= 1;
  await writeFile(join(dir, 'tile/entries/000'), bundle);
  const mismatch = (await verifyAudit(dir, { vkeys: [vkey] })).findings;
  assert.deepEqual(
    mismatch.map(({ code, file, offset }) => [code, file, offset]),
    [['tile.mismatch', 'tile/entries/000', inBundle]],
  );
  await rm(join(dir, 'tile/entries/000'));
  const missing = (await verifyAudit(dir, { vkeys: [vkey] })).findings;
  assert.deepEqual(
    missing.map(({ code, file }) => [code, file]),
    [['tile.missing', 'tile/entries/000']],
  );
});

test('a folder and its URL give the same report', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  await appendEvents(log, 0, 256);
  log.append(decision('d1', 'allow'));
  await log.close();
  const checkDecision = () => [{ code: 'chain.widened', says: 'hop 1 has more than hop 0' }];
  const local = await verifyAudit(dir, { vkeys: [vkey], checkDecision });
  const remote = await verifyAudit(await served(t, dir), { vkeys: [vkey], checkDecision });
  assert.equal(local.findings[0]!.code, 'chain.widened');
  assert.equal(remote.findings[0]!.file, 'tile/entries/001.p/1');
  const same = ({ findings, ...rest }: typeof local) => ({
    ...rest,
    codes: findings.map(({ code, sequence }) => [code, sequence]),
  });
  assert.deepEqual(same(remote), same(local));
});

test('without a vkey the key comes from the log, and the report says so', async (t) => {
  const dir = await closedLog(t);
  for (const source of [dir, await served(t, dir)]) {
    const report = await verifyAudit(source);
    assert.ok(report.ok);
    assert.equal(report.keyFrom, 'log');
    assert.match(report.warnings.join(), /the key came from the log itself/);
  }
  await rm(join(dir, 'log.vkey'));
  const { findings } = await verifyAudit(dir);
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['checkpoint.invalid', 'key.missing'],
  );
});

test('a checkpoint kept from before shows a log that was rewritten and signed again', async (t) => {
  const dir = await closedLog(t);
  const kept = [await readFile(join(dir, 'checkpoint'))];
  assert.equal((await verifyAudit(dir, { vkeys: [vkey], kept })).anchor, 'kept');
  const rewritten = await tempFolder(t);
  const log = await openLog(rewritten);
  await appendEvents(log, 0, size + 10, 'what should have been said');
  await log.close();
  assert.ok((await verifyAudit(rewritten, { vkeys: [vkey] })).ok);
  const { findings } = await verifyAudit(rewritten, { vkeys: [vkey], kept });
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['log.root_mismatch'],
  );
});

test('an unreadable vkey and an unreachable log are no findings but errors', async (t) => {
  const dir = await closedLog(t);
  await assert.rejects(verifyAudit(dir, { vkeys: ['nonsense'] }), /`nonsense` is not a verifier key/);
  await assert.rejects(verifyAudit('http://127.0.0.1:1/log', { vkeys: [vkey] }));
  await assert.rejects(verifyAudit(join(dir, 'nowhere'), { vkeys: [vkey] }));
  const answers503 = async () => new Response('busy', { status: 503 });
  await assert.rejects(verifyAudit('http://log.example', { vkeys: [vkey], fetch: answers503 }), /answers 503/);
});

test('a remote log that withholds or cuts a bundle is found out', async (t) => {
  const dir = await closedLog(t);
  const serve = serveLog(dir);
  const lying =
    (name: string, body: (bytes: Uint8Array) => Uint8Array | null) => async (input: string | URL | Request) => {
      const path = new URL(String(input)).pathname;
      const answer = await serve(path);
      const changed = path === name ? body(answer.body) : answer.body;
      return new Response(changed && Buffer.from(changed), { status: changed ? answer.status : 404 });
    };
  const codes = async (fetch: (input: string | URL | Request) => Promise<Response>) =>
    (await verifyAudit('http://log.example/', { vkeys: [vkey], fetch })).findings.map(({ code }) => code);
  assert.deepEqual(await codes(lying('/none', () => null)), []);
  assert.deepEqual(await codes(lying('/tile/entries/000', () => null)), ['tile.missing', 'log.gap']);
  assert.deepEqual(await codes(lying('/tile/entries/000', (bytes) => bytes.subarray(1))), ['tile.mismatch', 'log.gap']);
  assert.deepEqual(await codes(lying('/checkpoint', () => null)), ['checkpoint.missing']);
  const edited = (bytes: Uint8Array) =>
    Buffer.from(Buffer.from(bytes).toString('latin1').replace('"event-9"', '"event-X"'), 'latin1');
  assert.deepEqual(await codes(lying('/tile/entries/000', edited)), ['log.root_mismatch']);
});

test('only published names are served, with the cache life of the standard', async (t) => {
  const dir = await closedLog(t);
  const serve = serveLog(dir);
  const checkpoint = await serve('/checkpoint');
  assert.equal(checkpoint.status, 200);
  assert.equal(checkpoint.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(checkpoint.headers['cache-control'], 'no-cache');
  const tile = await serve('/tile/0/000');
  assert.equal(tile.body.length, 8192);
  assert.match(tile.headers['cache-control']!, /immutable/);
  assert.equal((await serve('/log.vkey')).status, 200);
  for (const path of [
    '/segments/00000001',
    '/lock',
    '/index.db',
    '/tile',
    '/tile/0/001',
    '/tile/0/../../checkpoint',
    '/tile/0/%2e%2e/000',
    '/../checkpoint',
    'checkpoint',
    '/checkpoint/',
    '/',
  ]) {
    assert.equal((await serve(path)).status, 404, path);
  }
});
