// The right edge of a growing tree, kept as its partial tiles: what a writer holds in memory, what it reads back
// after a restart, and what a verifier compares tile files with. One structure for roots and for tiles.

import { concat } from '../std/bytes.ts';
import type { Engine } from '../std/engine.ts';
import { type Frontier, nodeHash, treeRoot } from './merkle.ts';
import { edgeTiles, type TileId, tileWidth } from './tile.ts';

export interface TileContent {
  readonly tile: TileId;
  /** `tile.width` hashes behind one another. */
  readonly bytes: Uint8Array;
}

export interface TreeEdge {
  size(): number;
  /** Adds a leaf; answers the tiles it completed, lowest level first. */
  append(leaf: Uint8Array): readonly TileContent[];
  /** The partial tiles as they are now, lowest level first. */
  partials(): readonly TileContent[];
  root(): Uint8Array;
}

/** `hashes`: those of the partial tiles named by `edgeTiles(size)`, in that order; nothing for an empty tree. */
export function treeEdge(engine: Engine, size = 0, hashes: readonly (readonly Uint8Array[])[] = []): TreeEdge {
  let leaves = size;
  const levels: Uint8Array[][] = [];
  edgeTiles(size).forEach((tile, i) => {
    while (levels.length <= (tile.level as number)) levels.push([]);
    levels[tile.level as number] = hashes[i]!.slice();
  });

  function append(leaf: Uint8Array): TileContent[] {
    leaves += 1;
    const full: TileContent[] = [];
    let carry = leaf;
    for (let level = 0; ; level += 1) {
      if (level === levels.length) levels.push([]);
      const row = levels[level]!;
      row.push(carry);
      if (row.length < tileWidth) return full;
      const index = leaves / tileWidth ** (level + 1) - 1;
      full.push({ tile: { level, index, width: tileWidth }, bytes: concat(...row) });
      carry = perfectRoot(engine, row);
      levels[level] = [];
    }
  }

  function partials(): TileContent[] {
    return edgeTiles(leaves).map((tile) => ({ tile, bytes: concat(...levels[tile.level as number]!) }));
  }

  return { size: () => leaves, append, partials, root: () => treeRoot(engine, edgeFrontier(engine, leaves, levels)) };
}

/** Highest level first; within a level, runs of 128, 64, 32… hashes are the perfect subtrees. */
function edgeFrontier(engine: Engine, size: number, levels: readonly (readonly Uint8Array[])[]): Frontier {
  const nodes: Uint8Array[] = [];
  for (const row of levels.toReversed()) {
    for (let run = tileWidth / 2, at = 0; run >= 1; run /= 2) {
      if (row.length - at < run) continue;
      nodes.push(perfectRoot(engine, row.slice(at, at + run)));
      at += run;
    }
  }
  return { size, nodes };
}

/** The root of a power of two of hashes. */
export function perfectRoot(engine: Engine, hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < row.length; i += 2) above.push(nodeHash(engine, row[i]!, row[i + 1]!));
    row = above;
  }
  return row[0]!;
}
