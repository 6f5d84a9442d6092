// Reads segments back, frame by frame, past whatever is damaged. It reports and does not judge: a torn tail is normal
// after a crash, damage before acknowledged records is not, and only the reader of the whole log can tell which it is.

import { crc32 } from 'node:zlib';
import { type Frame, findFrame, frameHeaderBytes, readFrame } from '@writ/core';
import { withFile } from './disk.ts';
import type { SegmentFile } from './segments.ts';

export type SegmentEvent =
  | {
      readonly kind: 'frame';
      readonly frame: Frame;
      readonly file: SegmentFile;
      readonly offset: number;
      readonly end: number;
    }
  /** Bytes that are no frame and not zero: from `offset` to `end`. */
  | {
      readonly kind: 'damage';
      readonly says: string;
      readonly file: SegmentFile;
      readonly offset: number;
      readonly end: number;
    };

/** Every frame and every damaged stretch of one segment, in order. */
export function* walkSegment(file: SegmentFile, segment: Uint8Array): Generator<SegmentEvent> {
  let offset = 0;
  while (offset < segment.length) {
    const read = readFrame(crc32, segment, offset);
    if (read.kind === 'frame') {
      yield { kind: 'frame', frame: read.frame, file, offset, end: read.end };
      offset = read.end;
      continue;
    }
    const used = usedBytes(segment, offset);
    if (used === offset) return;
    const next = findFrame(crc32, segment, offset + 1);
    const says = read.kind === 'damaged' ? read.says : 'bytes stand where nothing was written yet';
    yield { kind: 'damage', says, file, offset, end: next < 0 ? used : next };
    if (next < 0) return;
    offset = next;
  }
}

/** The sequence a segment begins with, or null when it begins with nothing that can be read. */
export async function firstSequence(file: SegmentFile): Promise<number | null> {
  return withFile(file.path, 'r', async (handle) => {
    const head = new Uint8Array(2 * 65_536);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    if (bytesRead < frameHeaderBytes) return null;
    const read = readFrame(crc32, head.subarray(0, bytesRead), 0);
    return read.kind === 'frame' ? read.frame.sequence : null;
  });
}

/** The length of a segment without the zeros at its end, not counting what stands before `from`. */
export function usedBytes(segment: Uint8Array, from = 0): number {
  let end = segment.length;
  // Block by block: after a clean stop nearly the whole segment is zeros.
  while (end - from >= zeroBlock.length && zeroBlock.equals(segment.subarray(end - zeroBlock.length, end))) {
    end -= zeroBlock.length;
  }
  while (end > from && segment[end - 1] === 0) end -= 1;
  return end;
}

const zeroBlock = Buffer.alloc(4096);
