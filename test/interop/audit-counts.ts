// What a stopped plane wrote down of refusals that happened before anybody was known: reason → how often.

import { join } from 'node:path';
import { readRecord } from '@writ/core';
import { listSegments } from '../../packages/server/src/audit/segments.ts';
import { walkSegments } from '../../packages/server/src/audit/walk.ts';

export async function countedRefusals(dataDir: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const event of walkSegments(await listSegments(join(dataDir, 'data', 'audit')))) {
    const record = event.kind === 'frame' ? readRecord(event.frame.entry) : null;
    if (record?.event !== 'refusals.counted') continue;
    for (const { reason, times } of record.counts as unknown as { reason: string; times: number }[])
      counts.set(reason, (counts.get(reason) ?? 0) + times);
  }
  return counts;
}
