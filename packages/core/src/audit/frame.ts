// One record in a segment file. A segment is preallocated and zero-filled, so a length of zero reads as "nothing yet".
//
//   0  u32  length of the entry, 1 to 65,535          big-endian throughout
//   4  u32  CRC-32 of everything but these four bytes
//   8  u64  sequence
//  16  u64  flush: the first sequence written together with this one. All records before it were acknowledged
//           when this frame was written, so a reader can tell a torn tail from a damaged record.
//  24  32   RFC 6962 leaf hash of the entry
//  56       the entry

import { hashBytes } from './merkle.ts';
import { entryBytesMax } from './tile.ts';

export interface Frame {
  readonly sequence: number;
  readonly flush: number;
  readonly leaf: Uint8Array;
  readonly entry: Uint8Array;
}

/** CRC-32 of IEEE 802.3, continued from `seed`; as in `node:zlib`. Finds accidents, not forgers: that is the leaf hash. */
export type Crc32 = (bytes: Uint8Array, seed?: number) => number;

export type FrameRead =
  | { readonly kind: 'frame'; readonly frame: Frame; readonly end: number }
  /** Zero where a length would be, or no room for one. */
  | { readonly kind: 'blank' }
  | { readonly kind: 'damaged'; readonly says: string };

export const frameHeaderBytes = 24 + hashBytes;
export const frameBytesMax = frameHeaderBytes + entryBytesMax;

/** The bytes of a frame. The entry is not empty and at most `entryBytesMax` long. */
export function encodeFrame(crc32: Crc32, { sequence, flush, leaf, entry }: Frame): Uint8Array {
  if (entry.length < 1 || entry.length > entryBytesMax) throw new RangeError(`an entry of ${entry.length} bytes`);
  const bytes = new Uint8Array(frameHeaderBytes + entry.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, entry.length);
  setUint53(view, 8, sequence);
  setUint53(view, 16, flush);
  bytes.set(leaf, 24);
  bytes.set(entry, frameHeaderBytes);
  view.setUint32(4, frameCrc(crc32, bytes));
  return bytes;
}

/** The frame at an offset. Leaf hash against entry is the reader's to compare: it costs a hash. */
export function readFrame(crc32: Crc32, segment: Uint8Array, offset: number): FrameRead {
  if (segment.length - offset < frameHeaderBytes) return { kind: 'blank' };
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  const length = view.getUint32(offset);
  if (length === 0) return { kind: 'blank' };
  const end = offset + frameHeaderBytes + length;
  if (length > entryBytesMax || end > segment.length) return { kind: 'damaged', says: 'the length is not possible' };
  const bytes = segment.subarray(offset, end);
  if (frameCrc(crc32, bytes) !== view.getUint32(offset + 4)) {
    return { kind: 'damaged', says: 'the checksum does not match' };
  }
  const frame = {
    sequence: getUint53(view, offset + 8),
    flush: getUint53(view, offset + 16),
    leaf: bytes.subarray(24, frameHeaderBytes),
    entry: bytes.subarray(frameHeaderBytes),
  };
  return { kind: 'frame', frame, end };
}

/** Offset of the next readable frame at or after `from`, or -1. JSON holds no zero byte, so no entry can pose as one. */
export function findFrame(crc32: Crc32, segment: Uint8Array, from: number): number {
  for (let at = from; at + frameHeaderBytes < segment.length; at += 1) {
    // Length, sequence and flush begin with zero bytes: all but a few offsets are dismissed here.
    const mayBegin = segment[at] === 0 && segment[at + 1] === 0 && segment[at + 8] === 0 && segment[at + 16] === 0;
    if (mayBegin && (segment[at + 2] !== 0 || segment[at + 3] !== 0)) {
      if (readFrame(crc32, segment, at).kind === 'frame') return at;
    }
  }
  return -1;
}

function frameCrc(crc32: Crc32, bytes: Uint8Array): number {
  return crc32(bytes.subarray(8), crc32(bytes.subarray(0, 4)));
}

function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value % 2 ** 32);
}

function getUint53(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
