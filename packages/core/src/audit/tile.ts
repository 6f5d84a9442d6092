// Tiles (C2SP tlog-tiles v0.1.0): which file holds which hash, and how entries are bundled. Paths and bytes only.

import { hashBytes, type TreeNode } from './merkle.ts';

/** Hashes per full tile, entries per full bundle. */
export const tileWidth = 256;
/** An entry's length is two bytes in a bundle. */
export const entryBytesMax = 65_535;

/** A file of the log's read interface: `width` entries or hashes from index·256 on; 1 to 256, less than 256 is partial. */
export interface TileId {
  /** Tree level divided by 8, or `entries`. */
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** `tile/<level>/<index>[.p/<width>]`, index in groups of three digits: 1234067 is `x001/x234/067`. */
export function tilePath({ level, index, width }: TileId): string {
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`${groups.length > 0 ? 'x' : ''}${String(rest % 1000).padStart(3, '0')}`);
  }
  return `tile/${level}/${groups.join('/')}${width < tileWidth ? `.p/${width}` : ''}`;
}

/** The tile a path names, or null. Only the one spelling that `tilePath` gives is accepted. */
export function parseTilePath(path: string): TileId | null {
  const match = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,4}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(path);
  if (!match) return null;
  const tile: TileId = {
    level: match[1] === 'entries' ? 'entries' : Number(match[1]),
    index: Number(match[2]!.replaceAll(/[x/]/g, '')),
    width: match[3] === undefined ? tileWidth : Number(match[3]),
  };
  if (tile.width < 1 || (tile.level !== 'entries' && tile.level > 63)) return null;
  return tilePath(tile) === path ? tile : null;
}

/** How many hashes a tree of `size` leaves has at a tile level. */
export function hashesAt(level: number, size: number): number {
  return Math.floor(size / tileWidth ** level);
}

/** The partial tiles at the right edge of a tree of `size` leaves, from level 0 up; their hashes rebuild the tree's state. */
export function edgeTiles(size: number): TileId[] {
  const tiles: TileId[] = [];
  for (let level = 0; hashesAt(level, size) > 0; level += 1) {
    const hashes = hashesAt(level, size);
    const width = hashes % tileWidth;
    if (width > 0) tiles.push({ level, index: Math.floor(hashes / tileWidth), width });
  }
  return tiles;
}

/** The tile of a tree of `size` leaves that holds a node, and the `count` hashes from `start` on whose root it is. */
export function tileOf(node: TreeNode, size: number): { tile: TileId; start: number; count: number } {
  const level = Math.floor(node.level / 8);
  const count = 2 ** (node.level % 8);
  const first = node.index * count;
  const index = Math.floor(first / tileWidth);
  const width = Math.min(tileWidth, hashesAt(level, size) - index * tileWidth);
  if ((first % tileWidth) + count > width)
    throw new RangeError(`a tree of ${size} has no node ${node.index} at level ${node.level}`);
  return { tile: { level, index, width }, start: first % tileWidth, count };
}

/** The hashes of a tile's bytes, or null when it has another width. */
export function splitTile(bytes: Uint8Array, width: number): Uint8Array[] | null {
  if (bytes.length !== width * hashBytes) return null;
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * hashBytes, (i + 1) * hashBytes));
}

/** Entries behind one another, each after its length as two bytes, big-endian. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bundle = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > entryBytesMax) throw new RangeError(`an entry of ${entry.length} bytes does not fit a bundle`);
    bundle[at] = entry.length >> 8;
    bundle[at + 1] = entry.length & 0xff;
    bundle.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bundle;
}

/** Exactly `width` entries, or null when the bundle is cut, longer, or of another width. */
export function decodeBundle(bundle: Uint8Array, width: number): Uint8Array[] | null {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (entries.length < width) {
    if (at + 2 > bundle.length) return null;
    const end = at + 2 + ((bundle[at]! << 8) | bundle[at + 1]!);
    if (end > bundle.length) return null;
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return at === bundle.length ? entries : null;
}
