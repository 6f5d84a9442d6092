// The segment files: where records are kept for good. Each is zero-filled and flushed before its first record, so that
// an append overwrites blocks that exist and needs no commit of the file system's journal; the next one is prepared ahead.
// What a frame means is core's frame.ts; how segments are read back is walk.ts.

import { constants, write as writeFd } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { frameBytesMax } from '@writ/core';
import { syncDirectory, withFile } from './disk.ts';

export interface SegmentFile {
  readonly ordinal: number;
  /** `segments/00000001`, relative to the log. */
  readonly name: string;
  readonly path: string;
}

/** `flushed`: an append survives a power cut. `written`: it survives the process; checkpoints flush it. */
export type Level = 'flushed' | 'written';

/** Writes at a position and answers how many bytes; a test hands in one that fails. */
export type WriteAt = (fd: number, bytes: Uint8Array, position: number) => Promise<number>;

export interface SegmentWriter {
  /** Writes frames behind the last ones. After a failure the state of the file is unknown: no further call is allowed. */
  write(frames: readonly Uint8Array[]): Promise<void>;
  /** Flushes what `written` has left to the system. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface SegmentOptions {
  readonly dir: string;
  readonly segmentBytes: number;
  readonly level: Level;
  readonly write: WriteAt;
}

export const segmentBytesDefault = 64 * 2 ** 20;
/** The very first segment is small, so that a first start does not wait for 64 MB of zeros. */
const firstSegmentBytesMax = 4 * 2 ** 20;
const zeros = new Uint8Array(2 ** 20);

export const writeAt: WriteAt = (fd, bytes, position) =>
  new Promise((resolve, reject) => {
    writeFd(fd, bytes, 0, bytes.length, position, (error, written) => (error ? reject(error) : resolve(written)));
  });

/** All segments, oldest first; half-prepared ones are not segments. */
export async function listSegments(dir: string): Promise<SegmentFile[]> {
  const names = await readdir(join(dir, 'segments'));
  return names
    .filter((name) => /^[0-9]{8}$/.test(name))
    .sort()
    .map((name) => segmentFile(dir, Number(name)));
}

/** Makes a segment of zeros; when it has its name it is complete, and both survive a power cut. */
export async function prepareSegment(dir: string, ordinal: number, segmentBytes: number): Promise<SegmentFile> {
  const file = segmentFile(dir, ordinal);
  const bytes = ordinal === 1 ? Math.min(segmentBytes, firstSegmentBytesMax) : segmentBytes;
  const part = `${file.path}.part`;
  await withFile(part, 'w', async (handle) => {
    for (let at = 0; at < bytes; at += zeros.length) {
      await handle.writeFile(zeros.subarray(0, Math.min(zeros.length, bytes - at)));
      // Piece by piece: one flush of 64 MB would make every append of that moment wait behind it.
      await handle.datasync();
    }
  });
  await rename(part, file.path);
  await syncDirectory(join(dir, 'segments'));
  return file;
}

/** Zeroes a stretch of a segment, durably. */
export async function wipe(file: SegmentFile, start: number, end: number): Promise<void> {
  await withFile(file.path, constants.O_WRONLY | constants.O_DSYNC, async (handle) => {
    for (let at = start; at < end; at += zeros.length) {
      await handle.write(zeros, 0, Math.min(zeros.length, end - at), at);
    }
  });
}

/** Removes what a crash left of a preparation. */
export async function removeHalfPrepared(dir: string): Promise<void> {
  for (const name of await readdir(join(dir, 'segments'))) {
    if (name.endsWith('.part')) await rm(join(dir, 'segments', name));
  }
}

/** Writes on at `offset` of the segment with that ordinal; `spare` says that the one after it is prepared already. */
export async function openSegmentWriter(
  { dir, segmentBytes, level, write }: SegmentOptions,
  end: { readonly ordinal: number; readonly offset: number; readonly spare: boolean },
): Promise<SegmentWriter> {
  if (segmentBytes < frameBytesMax) throw new RangeError(`a segment of ${segmentBytes} bytes cannot hold every record`);
  const flags = constants.O_RDWR | (level === 'flushed' ? constants.O_DSYNC : 0);
  let ordinal = end.ordinal;
  let offset = end.offset;
  let current = await openSegment(ordinal);
  let next: Promise<SegmentFile> | null = end.spare ? Promise.resolve(segmentFile(dir, ordinal + 1)) : null;

  async function openSegment(which: number): Promise<{ handle: FileHandle; bytes: number }> {
    const { path } = segmentFile(dir, which);
    return { handle: await open(path, flags), bytes: (await stat(path)).size };
  }

  function prepareNext(): Promise<SegmentFile> {
    const preparing = prepareSegment(dir, ordinal + 1, segmentBytes);
    preparing.catch(() => {}); // reported when the segment is needed, not before
    return preparing;
  }

  async function roll(): Promise<void> {
    next ??= prepareNext();
    await next;
    if (level === 'written') await current.handle.datasync();
    await current.handle.close();
    ordinal += 1;
    current = await openSegment(ordinal);
    offset = 0;
    next = null;
  }

  async function writeAll(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const written = await write(current.handle.fd, bytes.subarray(done), offset + done);
      if (written <= 0) throw new Error('the system wrote nothing');
      done += written;
    }
    offset += bytes.length;
  }

  async function writeFrames(frames: readonly Uint8Array[]): Promise<void> {
    for (let from = 0; from < frames.length; ) {
      let size = 0;
      let to = from;
      while (to < frames.length && offset + size + frames[to]!.length <= current.bytes) size += frames[to++]!.length;
      if (to === from) await roll();
      else await writeAll(to === from + 1 ? frames[from]! : Buffer.concat(frames.slice(from, to), size));
      from = to;
    }
    if (offset > current.bytes / 2) next ??= prepareNext();
  }

  return {
    write: writeFrames,
    sync: async () => {
      if (level === 'written') await current.handle.datasync();
    },
    close: async () => {
      await next?.catch(() => {});
      await current.handle.close();
    },
  };
}

function segmentFile(dir: string, ordinal: number): SegmentFile {
  const name = `segments/${String(ordinal).padStart(8, '0')}`;
  return { ordinal, name, path: join(dir, name) };
}
