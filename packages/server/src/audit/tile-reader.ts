// Reads hashes and entries out of tile files, wherever they come from: a folder, or a log over HTTP.

import {
  decodeBundle,
  type Engine,
  type HashReader,
  perfectRoot,
  splitTile,
  type TileId,
  tileOf,
  tilePath,
  tileWidth,
} from '@writ/core';

export interface TileReader {
  /** The hashes of a tile; of a partial one also from the full tile that took its place. Null when neither is there whole. */
  hashes(tile: TileId): Promise<readonly Uint8Array[] | null>;
  /** The entries of a bundle, likewise. */
  entries(tile: TileId): Promise<readonly Uint8Array[] | null>;
  /** Reads nodes of the tree of `size` leaves. Throws when a tile is missing. */
  reader(engine: Engine, size: number): HashReader;
}

/** `get`: the file of that path below the log, or null when there is none. */
export function tileReader(get: (path: string) => Promise<Uint8Array | null>): TileReader {
  async function read<T>(tile: TileId, split: (bytes: Uint8Array, width: number) => T[] | null): Promise<T[] | null> {
    const exact = await get(tilePath(tile));
    const parts = exact && split(exact, tile.width);
    if (parts || tile.width === tileWidth) return parts;
    const full = await get(tilePath({ ...tile, width: tileWidth }));
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

  return { hashes: (tile) => read(tile, splitTile), entries: (tile) => read(tile, decodeBundle), reader };
}
