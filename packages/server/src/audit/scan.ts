// Reads records in sequence for a start, and tells a torn tail from damage: every frame says which sequence its flush
// began with, and everything before that was acknowledged. So an unreadable record is damage exactly when a later frame
// belongs to a later flush; else nobody was ever told that it exists.

import { readFile } from 'node:fs/promises';
import type { Frame } from '@writ/core';
import { AuditRefused } from './errors.ts';
import { type SegmentFile, wipe } from './segments.ts';
import { type SegmentEvent, usedBytes, walkSegment } from './walk.ts';

/** The first thing that is not the expected record. */
export interface Suspect {
  readonly file: SegmentFile;
  readonly offset: number;
  readonly expected: number;
  readonly says: string;
}

export interface ScanEnd {
  /** The sequence after the last good record. */
  readonly next: number;
  /** Behind the last good record; ordinal null when there is none. */
  readonly ordinal: number | null;
  readonly offset: number;
  readonly suspect: Suspect | null;
}

/**
 * Visits the records from sequence `from` on, up to the end or the first suspect, and waits only where a visit does:
 * a segment holds a hundred thousand records. Throws `AuditRefused` on damage.
 */
export async function scan(
  dir: string,
  segments: readonly SegmentFile[],
  from: number,
  visit: (frame: Frame) => Promise<void> | undefined,
): Promise<ScanEnd> {
  let next = from;
  let ordinal: number | null = null;
  let offset = 0;
  let suspect: Suspect | null = null;
  for (const file of segments) {
    for (const event of walkSegment(file, await readFile(file.path))) {
      if (event.kind === 'frame' && event.frame.sequence === next && !suspect) {
        const waits = visit(event.frame);
        if (waits) await waits;
        next += 1;
        ordinal = file.ordinal;
        offset = event.end;
        continue;
      }
      suspect ??= suspectOf(event, next);
      if (event.kind === 'frame' && event.frame.flush > suspect.expected) {
        throw damaged(dir, suspect, event.frame.sequence);
      }
    }
  }
  return { next, ordinal, offset, suspect };
}

export function suspectOf(event: SegmentEvent, expected: number): Suspect {
  const { file, offset } = event;
  const says =
    event.kind === 'damage' ? event.says : `record ${event.frame.sequence} stands where ${expected} was to follow`;
  return { file, offset, expected, says };
}

/** Zeroes everything from a suspect on, in its segment and in those after it. */
export async function wipeAfter(
  segments: readonly SegmentFile[],
  { file, offset }: Suspect,
): Promise<{ file: string; offset: number; bytes: number }> {
  let bytes = 0;
  for (const segment of segments.filter(({ ordinal }) => ordinal >= file.ordinal)) {
    const start = segment.ordinal === file.ordinal ? offset : 0;
    const end = usedBytes(await readFile(segment.path), start);
    await wipe(segment, start, end);
    bytes += end - start;
  }
  return { file: file.name, offset, bytes };
}

function damaged(dir: string, { file, offset, expected, says }: Suspect, later: number): AuditRefused {
  return new AuditRefused(
    `the audit log in \`${dir}\` is not continued: record ${expected} is damaged in ${file.name} at ${offset} (${says}), ` +
      `though record ${later} was written after it was safe; restore \`segments\` from a backup, or keep this folder as evidence and start with an empty one`,
  );
}
