// Several logs as one timeline. Within a log its own order holds, whatever the clock did; between logs the earlier time goes
// first, and at the same time the log whose name does. How far two machines' clocks differ, no log can say.

import type { AuditEntry } from './group-commit.ts';
import type { PublishedLog } from './published.ts';

export interface TimelineEntry extends AuditEntry {
  readonly origin: string;
  readonly time: string;
}

type ReadLog = Pick<PublishedLog, 'checkpoint' | 'entries'>;

/** The records of all logs. Throws a TypeError when two of them have one name: that is one log twice, or a forged one. */
export async function* timeline(logs: readonly ReadLog[]): AsyncGenerator<TimelineEntry> {
  const origins = logs.map(({ checkpoint }) => checkpoint.origin);
  const twice = origins.find((origin, i) => origins.indexOf(origin) !== i);
  if (twice !== undefined)
    throw new TypeError(`two of these logs are \`${twice}\`; \`writ audit verify\` compares them`);
  const readers = logs.map((log) => named(log));
  try {
    const heads = await Promise.all(readers.map(async (reader) => ({ reader, head: await reader.next() })));
    for (;;) {
      const first = heads.filter(({ head }) => !head.done).toSorted((a, b) => order(a.head.value!, b.head.value!))[0];
      if (!first) return;
      yield first.head.value!;
      first.head = await first.reader.next();
    }
  } finally {
    for (const reader of readers) await reader.return(undefined);
  }
}

async function* named({ checkpoint, entries }: ReadLog): AsyncGenerator<TimelineEntry, undefined> {
  for await (const entry of entries(0)) {
    yield { ...entry, origin: checkpoint.origin, time: String(entry.record.time) };
  }
}

/** Times are RFC 3339 in UTC with milliseconds, so they compare as text. */
function order(a: TimelineEntry, b: TimelineEntry): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  return a.origin < b.origin ? -1 : 1;
}
