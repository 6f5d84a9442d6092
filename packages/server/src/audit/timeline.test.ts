import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { formatVkey } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { newKey, openLog, tempFolder } from './fixture.ts';
import { openPublished } from './published.ts';
import { timeline } from './timeline.ts';

/** A log with a record at each of these minutes past noon. */
async function logOf(t: TestContext, replica: number, minutes: readonly number[]) {
  const origin = `zylos.local/writ/${replica}`;
  const key = newKey(origin);
  const dir = await tempFolder(t);
  const log = await openLog(dir, { origin, key });
  for (const [i, minute] of minutes.entries()) {
    const time = `2026-11-24T12:${String(minute).padStart(2, '0')}:00.000Z`;
    await log.append({ kind: 'event', id: `${replica}.${i}`, time }).durable;
  }
  await log.close();
  return openPublished(dir, { vkeys: [formatVkey(nodeEngine, origin, key.publicKey)] });
}

async function ids(logs: Parameters<typeof timeline>[0]): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const { record } of timeline(logs)) seen.push(record.id);
  return seen;
}

test('the earlier time goes first, and at the same time the log whose name does', async (t) => {
  const one = await logOf(t, 1, [0, 3, 5]);
  const two = await logOf(t, 2, [1, 3, 4, 6]);
  assert.deepEqual(await ids([two, one]), ['1.0', '2.0', '1.1', '2.1', '2.2', '1.2', '2.3']);
  assert.deepEqual(await ids([await logOf(t, 3, []), one]), ['1.0', '1.1', '1.2']);
});

test('a clock that was set back does not change the order within a log', async (t) => {
  const one = await logOf(t, 1, [10, 2, 11]);
  const two = await logOf(t, 2, [5, 12]);
  assert.deepEqual(await ids([one, two]), ['2.0', '1.0', '1.1', '1.2', '2.1']);
});

test('one log twice is no timeline', async (t) => {
  const one = await logOf(t, 1, [1]);
  await assert.rejects(ids([one, one]), /two of these logs are `zylos\.local\/writ\/1`/);
});
