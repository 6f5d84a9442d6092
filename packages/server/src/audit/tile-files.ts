// The tile and bundle files under `tile/`: written durably before the checkpoint that covers them, read back for proofs,
// old records and restarts. Everything here can be rebuilt from the segments.

import { dirname, join } from 'node:path';
import { type TileContent, type TileId, tilePath, tileWidth } from '@writ/core';
import { type FileContents, makeDirectory, readIfThere, removeIfThere, syncDirectory, writeContents } from './disk.ts';
import { type TileReader, tileReader } from './tile-reader.ts';

export interface TileFiles extends TileReader {
  /** Writes the files; when it returns they survive a power cut. */
  write(contents: readonly TileContent[]): Promise<void>;
  /** Removes the partial files that full ones have replaced. */
  removePartialsOf(full: readonly TileId[]): Promise<void>;
}

export function tileFiles(dir: string): TileFiles {
  const directories = new Set<string>();
  const newestPartial = new Map<TileId['level'], string>();

  async function write(contents: readonly TileContent[]): Promise<void> {
    const files: FileContents[] = [];
    for (const { tile, bytes } of contents) {
      const path = join(dir, tilePath(tile));
      // Upper levels grow 256 times slower than the checkpoints that would write them again.
      if (newestPartial.get(tile.level) === path) continue;
      if (tile.width < tileWidth) newestPartial.set(tile.level, path);
      const parent = dirname(path);
      if (!directories.has(parent)) await makeDirectory(parent);
      directories.add(parent);
      files.push({ path, bytes });
    }
    await writeContents(files);
    for (const directory of new Set(files.map(({ path }) => dirname(path)))) await syncDirectory(directory);
  }

  async function removePartialsOf(full: readonly TileId[]): Promise<void> {
    for (const tile of full) {
      const directory = join(dir, `${tilePath(tile)}.p`);
      await removeIfThere(directory);
      directories.delete(directory);
    }
  }

  return { ...tileReader((path) => readIfThere(join(dir, path))), write, removePartialsOf };
}
