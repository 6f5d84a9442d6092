// What a start finds in the log's folder, and whether it may go on from there. Torn tails of a crash are wiped; a log
// that is shorter than its newest checkpoint, or another one, is refused. Normally reads the last segment and the tiles
// at the tree's right edge; only when tiles are missing or damaged are all records read again.

import { join } from 'node:path';
import {
  type Engine,
  edgeTiles,
  emptyFrontier,
  equalBytes,
  extend,
  leafHash,
  openCheckpoint,
  type TileId,
  tilePath,
  tileWidth,
  toBase64,
  treeEdge,
  treeRoot,
  type VerifierKey,
} from '@writ/core';
import { readIfThere } from './disk.ts';
import { AuditRefused } from './errors.ts';
import { type Published, type Publisher, type PublisherFolder, type PublisherStart, publisher } from './publisher.ts';
import { type ScanEnd, scan, wipeAfter } from './scan.ts';
import { listSegments, prepareSegment, removeHalfPrepared, type SegmentFile } from './segments.ts';
import { firstSequence } from './walk.ts';

export interface LogFolder extends PublisherFolder {
  /** All keys the log ever had, for its own checkpoint. */
  readonly keys: readonly VerifierKey[];
  readonly segmentBytes: number;
}

export interface Recovered {
  readonly publisher: Publisher;
  readonly published: Published;
  /** Where the next frame goes. */
  readonly end: { readonly ordinal: number; readonly offset: number; readonly spare: boolean };
  /** The torn tail that was wiped; nobody was told that these records exist. */
  readonly wiped: { readonly file: string; readonly offset: number; readonly bytes: number } | null;
}

export async function recover(folder: LogFolder): Promise<Recovered> {
  const { dir, tiles } = folder;
  await removeHalfPrepared(dir);
  const segments = await listSegments(dir);
  const missing = segments.findIndex(({ ordinal }, i) => ordinal !== i + 1);
  if (missing >= 0) throw refused(dir, `segment ${missing + 1} is missing`, restoreAll);
  const starts = await Promise.all(segments.map(firstSequence));
  const note = await readIfThere(join(dir, 'checkpoint'));
  if (!note) {
    // A log has a checkpoint before its first record, so records without one mean that somebody removed it.
    const hasBundle = await tiles.entries({ level: 'entries', index: 0, width: tileWidth });
    if (hasBundle || starts.some((start) => start !== null)) {
      throw refused(dir, 'there are records but no `checkpoint`', restoreAll);
    }
    return begin(folder);
  }
  const opened = openCheckpoint(folder.engine, note, folder.keys);
  if (!opened.ok) throw refused(dir, `its \`checkpoint\` is not acceptable: ${opened.says}`, restoreAll);
  const checkpoint = opened.value;
  if (checkpoint.origin !== folder.key.name) {
    throw refused(
      dir,
      `it is the log \`${checkpoint.origin}\`, not \`${folder.key.name}\``,
      'give this replica a folder of its own',
    );
  }
  const published = { size: checkpoint.size, root: checkpoint.root, note };
  const start = await startFromTiles(folder, published);
  return start ? resume(folder, segments, starts, published, start) : rebuild(folder, segments, published);
}

/** A log that holds nothing yet, with a checkpoint that says so. */
async function begin(folder: LogFolder): Promise<Recovered> {
  await prepareSegment(folder.dir, 1, folder.segmentBytes);
  const empty = publisher(folder, { edge: treeEdge(folder.engine), recent: [], published: null });
  return {
    publisher: empty,
    published: await empty.publish(),
    end: { ordinal: 1, offset: 0, spare: false },
    wiped: null,
  };
}

/** Goes on from the tiles: only records around and after the checkpoint are read. */
async function resume(
  folder: LogFolder,
  segments: readonly SegmentFile[],
  starts: readonly (number | null)[],
  published: Published,
  start: PublisherStart,
): Promise<Recovered> {
  const { dir, engine } = folder;
  const first = Math.max(
    0,
    starts.findLastIndex((sequence) => sequence !== null && sequence <= published.size),
  );
  const checkSigned = signedLeafCheck(folder, published.size);
  const all = publisher(folder, start);
  const end = await scan(dir, segments.slice(first), starts[first] ?? 0, ({ sequence, entry, leaf }) => {
    if (sequence < published.size) return checkSigned(sequence, leaf);
    all.add({ entry: entry.slice(), leaf: checkedLeaf(dir, engine, sequence, entry, leaf) });
    return undefined;
  });
  return finish(folder, segments, published, all, end);
}

/** Reads every record twice: whether they are the signed ones, and then to write the tiles again. */
async function rebuild(folder: LogFolder, segments: readonly SegmentFile[], published: Published): Promise<Recovered> {
  const { dir, engine } = folder;
  let frontier = emptyFrontier;
  let root = treeRoot(engine, frontier);
  const end = await scan(dir, segments, 0, ({ sequence, entry, leaf }) => {
    if (sequence >= published.size) return undefined;
    frontier = extend(engine, frontier, checkedLeaf(dir, engine, sequence, entry, leaf));
    if (frontier.size === published.size) root = treeRoot(engine, frontier);
    return undefined;
  });
  refuseIfShorter(dir, published, end);
  if (!equalBytes(root, published.root)) {
    const says = `its ${published.size} records have the root ${toBase64(root)}, its checkpoint signed ${toBase64(published.root)}`;
    throw refused(dir, says, restoreAll);
  }
  const all = publisher(folder, { edge: treeEdge(engine), recent: [], published });
  await scan(dir, segments, 0, ({ sequence, entry, leaf }) => {
    all.add({ entry: entry.slice(), leaf: checkedLeaf(dir, engine, sequence, entry, leaf) });
    return all.size() % rebuildStep === 0 ? all.writeTiles() : undefined;
  });
  await all.writeTiles();
  return finish(folder, segments, published, all, end);
}

/** Records kept in memory between two writes of tiles. */
const rebuildStep = 16_384;

async function finish(
  folder: LogFolder,
  segments: readonly SegmentFile[],
  published: Published,
  all: Publisher,
  end: ScanEnd,
): Promise<Recovered> {
  refuseIfShorter(folder.dir, published, end);
  const wiped = end.suspect ? await wipeAfter(segments, end.suspect) : null;
  const ordinal = end.ordinal ?? 1;
  if (segments.length === 0) await prepareSegment(folder.dir, 1, folder.segmentBytes);
  return {
    publisher: all,
    published,
    end: { ordinal, offset: end.offset, spare: segments.some((segment) => segment.ordinal === ordinal + 1) },
    wiped,
  };
}

function refuseIfShorter(dir: string, published: Published, end: ScanEnd): void {
  if (end.next >= published.size) return;
  const damage = end.suspect
    ? ` (${end.suspect.file.name} is damaged at ${end.suspect.offset}: ${end.suspect.says})`
    : '';
  const says = `it holds ${end.next} records${damage}, but its checkpoint was signed over ${published.size}`;
  throw refused(dir, says, restoreAll);
}

/** The tree at the checkpoint, as its tiles have it; null when they are not whole or give another root. */
async function startFromTiles({ engine, tiles }: LogFolder, published: Published): Promise<PublisherStart | null> {
  const { size, root } = published;
  const edge = edgeTiles(size);
  const hashes = await Promise.all(edge.map((tile) => tiles.hashes(tile)));
  if (hashes.includes(null)) return null;
  const tree = treeEdge(engine, size, hashes as Uint8Array[][]);
  if (!equalBytes(tree.root(), root)) return null;
  const leaves = edge[0]?.level === 0 ? hashes[0]! : [];
  if (leaves.length === 0) return { edge: tree, recent: [], published };
  const bundle: TileId = { level: 'entries', index: edge[0]!.index, width: leaves.length };
  const entries = await tiles.entries(bundle);
  if (!entries?.every((entry, i) => equalBytes(leafHash(engine, entry), leaves[i]!))) return null;
  return { edge: tree, recent: entries.map((entry, i) => ({ entry, leaf: leaves[i]! })), published };
}

/** Compares stored leaf hashes below the checkpoint with the signed tiles, one tile in memory at a time. */
function signedLeafCheck({ dir, tiles }: LogFolder, size: number) {
  let held = -1;
  let hashes: readonly Uint8Array[] = [];

  function compare(sequence: number, leaf: Uint8Array): void {
    if (equalBytes(leaf, hashes[sequence % tileWidth]!)) return;
    throw refused(dir, `record ${sequence} is not the one that was signed`, restoreAll);
  }

  async function load(index: number): Promise<void> {
    const tile = { level: 0, index, width: Math.min(tileWidth, size - index * tileWidth) };
    const read = await tiles.hashes(tile);
    if (!read) throw refused(dir, `\`${tilePath(tile)}\` is missing`, 'remove `tile`: it is rebuilt from the segments');
    held = index;
    hashes = read;
  }

  return (sequence: number, leaf: Uint8Array): Promise<void> | undefined => {
    const index = Math.floor(sequence / tileWidth);
    if (index !== held) return load(index).then(() => compare(sequence, leaf));
    compare(sequence, leaf);
    return undefined;
  };
}

function checkedLeaf(dir: string, engine: Engine, sequence: number, entry: Uint8Array, leaf: Uint8Array): Uint8Array {
  const hash = leafHash(engine, entry);
  if (!equalBytes(hash, leaf))
    throw refused(dir, `record ${sequence} is not the one its leaf hash was made of`, restoreAll);
  return hash;
}

const restoreAll =
  'restore `segments`, `tile` and `checkpoint` from one backup, newer than what is here; or keep this folder as evidence and start with an empty one';

function refused(dir: string, says: string, wayOut: string): AuditRefused {
  return new AuditRefused(`the audit log in \`${dir}\` is not continued: ${says}; ${wayOut}`);
}
