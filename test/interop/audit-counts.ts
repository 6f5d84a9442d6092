// What a stopped plane wrote down of refusals that happened before anybody was known: reason → how often. Read from the published
// tiles, as anybody could.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeBundle, parseCheckpoint, readRecord, tilePath, tileWidth } from '@writ/core';

export function countedRefusals(dataDir: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const entry of publishedEntries(join(dataDir, 'data', 'audit'))) {
    const record = readRecord(entry);
    if (record?.event !== 'refusals.counted') continue;
    for (const { reason, times } of record.counts as unknown as { reason: string; times: number }[])
      counts.set(reason, (counts.get(reason) ?? 0) + times);
  }
  return counts;
}

function* publishedEntries(dir: string): Generator<Uint8Array> {
  const [text] = readFileSync(join(dir, 'checkpoint'), 'utf8').split('\n\n', 1);
  const { size } = parseCheckpoint(`${text}\n`)!;
  for (let first = 0; first < size; first += tileWidth) {
    const width = Math.min(tileWidth, size - first);
    const path = tilePath({ level: 'entries', index: first / tileWidth, width });
    yield* decodeBundle(readFileSync(join(dir, path)), width)!;
  }
}
