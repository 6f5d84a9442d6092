// Turns durable records into what others can verify: tiles, entry bundles, and the signed checkpoint over them, in this
// order. Holds in memory only what no full bundle holds yet.

import { join } from 'node:path';
import {
  type Cosigner,
  type Engine,
  encodeBundle,
  type NoteSigner,
  signCheckpoint,
  type TileContent,
  type TreeEdge,
  tileWidth,
  withSignatures,
} from '@writ/core';
import { writeDurably } from './disk.ts';
import type { TileFiles } from './tile-files.ts';

export interface DurableEntry {
  readonly entry: Uint8Array;
  readonly leaf: Uint8Array;
}

export interface Published {
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed note as it stands in `checkpoint`. */
  readonly note: Uint8Array;
}

export interface Publisher {
  /** Takes the next record; it is durable in its segment. */
  add(entry: DurableEntry): void;
  /** Records taken. */
  size(): number;
  /** A record that stands in no full bundle yet, or null. */
  recent(sequence: number): DurableEntry | null;
  /** Bytes held because no bundle holds them yet. */
  heldBytes(): number;
  /** Writes tiles and bundles of the records taken so far. One call at a time. */
  writeTiles(): Promise<void>;
  /** Writes tiles, then signs and replaces the checkpoint. One call at a time. */
  publish(): Promise<Published>;
  /** The newest checkpoint; null before the first one. */
  published(): Published | null;
  /** Adds signatures of others to the checkpoint of that size, while it is the newest. */
  addSignatures(size: number, lines: readonly string[]): Promise<void>;
}

export interface PublisherStart {
  readonly edge: TreeEdge;
  /** The records since the last full bundle. */
  readonly recent: readonly DurableEntry[];
  /** The checkpoint that was found. */
  readonly published: Published | null;
}

export interface PublisherFolder {
  readonly dir: string;
  readonly engine: Engine;
  readonly key: NoteSigner;
  /** ML-DSA key of the log, for a second signature; null without. */
  readonly secondKey: Cosigner | null;
  readonly clock: { nowMillis(): number };
  readonly tiles: TileFiles;
}

export function publisher(
  { dir, engine, key, secondKey, clock, tiles }: PublisherFolder,
  { edge, recent, published }: PublisherStart,
): Publisher {
  const checkpointPath = join(dir, 'checkpoint');
  const alone = oneAtATime();
  let newest = published;
  const held = [...recent];
  let heldFrom = edge.size() - held.length;
  let heldBytes = held.reduce((sum, { entry }) => sum + entry.length, 0);
  let full: TileContent[] = [];

  async function writeTiles(): Promise<{ size: number; root: Uint8Array; full: TileContent[] }> {
    // Taken together before the first await: records go on arriving meanwhile.
    const state = { size: edge.size(), root: edge.root(), full };
    const contents = [...full, ...edge.partials(), ...bundlesOf(held, heldFrom)];
    full = [];
    await tiles.write(contents);
    const bundled = Math.floor(state.size / tileWidth) * tileWidth - heldFrom;
    for (const { entry } of held.splice(0, bundled)) heldBytes -= entry.length;
    heldFrom += bundled;
    return state;
  }

  async function publish(): Promise<Published> {
    const { size, root, full: replaced } = await writeTiles();
    const second = secondKey && { key: secondKey, timeSeconds: Math.floor(clock.nowMillis() / 1000) };
    const note = signCheckpoint(engine, { origin: key.name, size, root }, key, second);
    await writeDurably(checkpointPath, note);
    newest = { size, root, note };
    await tiles.removePartialsOf(
      replaced.flatMap(({ tile }) => (tile.level === 0 ? [tile, { ...tile, level: 'entries' as const }] : [tile])),
    );
    return newest;
  }

  async function addSignatures(size: number, lines: readonly string[]): Promise<void> {
    if (newest?.size !== size) return;
    const note = withSignatures(newest.note, lines);
    await writeDurably(checkpointPath, note);
    newest = { ...newest, note };
  }

  return {
    add(entry) {
      full.push(...edge.append(entry.leaf));
      held.push(entry);
      heldBytes += entry.entry.length;
    },
    size: () => edge.size(),
    recent: (sequence) => held[sequence - heldFrom] ?? null,
    heldBytes: () => heldBytes,
    writeTiles: async () => void (await writeTiles()),
    publish: () => alone(publish),
    published: () => newest,
    addSignatures: (size, lines) => alone(() => addSignatures(size, lines)),
  };
}

/** Both writers of the checkpoint file, one behind the other: an older one must never replace a newer. */
function oneAtATime() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work);
    last = mine.catch(() => {});
    return mine;
  };
}

/** Bundles of consecutive records, the last one partial unless it comes out even. */
function bundlesOf(entries: readonly DurableEntry[], from: number): TileContent[] {
  const bundles: TileContent[] = [];
  for (let at = 0; at < entries.length; at += tileWidth) {
    const part = entries.slice(at, at + tileWidth);
    const tile = { level: 'entries', index: (from + at) / tileWidth, width: part.length } as const;
    bundles.push({ tile, bytes: encodeBundle(part.map(({ entry }) => entry)) });
  }
  return bundles;
}
