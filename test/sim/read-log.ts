// Every record of a log, read from its segments as they lie on disk: what a plane said it wrote, without asking the plane.

import { readFile } from 'node:fs/promises';
import { type JsonObject, utf8Text } from '@writ/core';
import { listSegments } from '../../packages/server/src/audit/segments.ts';
import { walkSegment } from '../../packages/server/src/audit/walk.ts';

/** In sequence. Reads to the first thing that is no record. */
export async function readLog(auditDir: string): Promise<JsonObject[]> {
  const records: JsonObject[] = [];
  for (const file of await listSegments(auditDir)) {
    for (const event of walkSegment(file, await readFile(file.path))) {
      if (event.kind !== 'frame') continue;
      records.push(JSON.parse(utf8Text(event.frame.entry)!) as JsonObject);
    }
  }
  return records;
}
