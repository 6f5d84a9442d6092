// The tile and bundle files under `tile/`: written durably before the checkpoint that covers them, read back for proofs,
// old records and restarts. Everything here can be rebuilt from the segments.

import { dirname, join } from 'node:path';
import {
  decodeBundle,
  type Engine,
  type HashReader,
  perfectRoot,
  splitTile,
  type TileContent,
  type TileId,
  tileOf,
  tilePath,
  tileWidth,
} from '@writ/core';
import { type FileContents, makeDirectory, readIfThere, removeIfThere, syncDirectory, writeContents } from './disk.ts';

export interface TileFiles {
  /** Writes the files; when it returns they survive a power cut. */
  write(contents: readonly TileContent[]): Promise<void>;
  /** The hashes of a tile; of a partial one also from the full tile that took its place. Null when neither is there whole. */
  hashes(tile: TileId): Promise<readonly Uint8Array[] | null>;
  /** The entries of a bundle, likewise. */
  entries(tile: TileId): Promise<readonly Uint8Array[] | null>;
  /** Reads nodes of the tree of `size` leaves. Throws when a tile is missing. */
  reader(engine: Engine, size: number): HashReader;
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

  async function read<T>(tile: TileId, split: (bytes: Uint8Array, width: number) => T[] | null): Promise<T[] | null> {
    const exact = await readIfThere(join(dir, tilePath(tile)));
    const parts = exact && split(exact, tile.width);
    if (parts || tile.width === tileWidth) return parts;
    const full = await readIfThere(join(dir, tilePath({ ...tile, width: tileWidth })));
    return (full && split(full, tileWidth)?.slice(0, tile.width)) ?? null;
  }

  function reader(engine: Engine, size: number): HashReader {
    return async (nodes) => {
      const held = new Map<string, Promise<readonly Uint8Array[] | null>>();
      return Promise.all(
        nodes.map(async (node) => {
          const { tile, start, count } = tileOf(node, size);
          const path = tilePath(tile);
          if (!held.has(path)) held.set(path, read(tile, splitTile));
          const hashes = await held.get(path)!;
          if (!hashes) throw new Error(`the audit log has no readable \`${path}\``);
          return perfectRoot(engine, hashes.slice(start, start + count));
        }),
      );
    };
  }

  async function removePartialsOf(full: readonly TileId[]): Promise<void> {
    for (const tile of full) {
      const directory = join(dir, `${tilePath(tile)}.p`);
      await removeIfThere(directory);
      directories.delete(directory);
    }
  }

  return {
    write,
    hashes: (tile) => read(tile, splitTile),
    entries: (tile) => read(tile, decodeBundle),
    reader,
    removePartialsOf,
  };
}
