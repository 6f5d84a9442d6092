// The published log read by somebody else: Go's checksum-database packages check signature, tiles, every record and consistency,
// while the plane runs and after something was changed.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DeniedError } from '@writ/agent';
import { edgeTiles, formatVkey, parseCheckpoint, tilePath } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';
import { runProgram } from './programs.ts';

const program = process.env.WRIT_INTEROP_VERIFY_LOG;
assert.ok(program, 'WRIT_INTEROP_VERIFY_LOG names no program; `npm run interop` builds one');

let world: TestPlane;
let url: string;
let vkey: string;
let scratch: string;

interface Report {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly records: number;
  readonly consistentFrom: number;
}

before(async () => {
  world = await startTestPlane();
  ({ url, vkey } = world.plane.ready.log as { url: string; vkey: string });
  scratch = mkdtempSync(join(tmpdir(), 'writ-golog-'));
});

after(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await world?.close();
});

const verify = (log: string, more: readonly string[] = [], key = vkey) =>
  runProgram(program, ['-log', log, '-vkey', key, ...more]);

async function verified(log: string, more: readonly string[] = []): Promise<Report> {
  const said = await verify(log, more);
  assert.equal(said.status, 0, said.stderr);
  return JSON.parse(said.stdout) as Report;
}

const sizeNow = async () => {
  const text = await (await fetch(`${url}/checkpoint`)).text();
  return parseCheckpoint(`${text.split('\n\n')[0]}\n`)!.size;
};

/** Calls that are refused, so that each is one record, until the published log has `size` records. */
async function growTo(size: number): Promise<void> {
  const agent = await world.agent('claude/orchestrator');
  const task = await agent.task(await world.task('claude/orchestrator'));
  const path = `${world.docs}/x`;
  const refused = () => assert.rejects(agent.mcp('files').callTool('write_file', { path, content: 'x' }), DeniedError);
  await task.run(async () => {
    for (let asked = 0; asked < size; asked += 10) await Promise.all(Array.from({ length: 10 }, refused));
  });
  task.close();
  for (let tries = 0; tries < 100 && (await sizeNow()) < size; tries++) await delay(50);
  assert.ok((await sizeNow()) >= size, 'the log was not published');
}

test('a fresh log verifies over HTTP: key, checkpoint, tiles, every record', async () => {
  await growTo(20);
  const report = await verified(url);
  assert.equal(report.origin, 'zylos.local/writ/1');
  assert.equal(report.records, report.size);
});

test('past a full tile it verifies too, and continues what was published before', async () => {
  const earlier = join(scratch, 'checkpoint');
  writeFileSync(earlier, await (await fetch(`${url}/checkpoint`)).text());
  const before = parseCheckpoint(`${readFileSync(earlier, 'utf8').split('\n\n')[0]}\n`)!;
  await growTo(300);
  const report = await verified(url, ['-from', earlier]);
  assert.equal(report.consistentFrom, before.size);
  assert.ok(report.size >= 300 && report.records === report.size, JSON.stringify(report));
});

test('another key, a changed record, a changed tile and a changed checkpoint are all found', async () => {
  await world.plane.stop();
  const dir = join(world.dataDir, 'data', 'audit');
  assert.ok((await verified(dir)).size >= 300, 'the folder verifies as it is');
  const { size } = await verified(dir);
  const [edge] = edgeTiles(size);
  const entries = tilePath({ level: 'entries', index: edge!.index, width: edge!.width });
  for (const path of [entries, tilePath(edge!), 'tile/entries/000', 'tile/0/000', 'checkpoint']) {
    const copy = join(scratch, 'copy');
    cpSync(dir, copy, { recursive: true, filter: (from) => !from.includes('segments') });
    const bytes = readFileSync(join(copy, path));
    // In a checkpoint the end is the signature.
    bytes[bytes.length - (path === 'checkpoint' ? 10 : 3)]! ^= 1;
    writeFileSync(join(copy, path), bytes);
    const said = await verify(copy);
    assert.notEqual(said.status, 0, `${path} was changed and nobody noticed`);
    rmSync(copy, { recursive: true });
  }
  const { publicKey } = generateKeyPairSync('ed25519');
  const other = formatVkey(
    nodeEngine,
    'zylos.local/writ/1',
    publicKey.export({ type: 'spki', format: 'der' }).subarray(-32),
  );
  assert.notEqual((await verify(dir, [], other)).status, 0);
});
