// Turns durable records into what others can verify: tiles, entry bundles, and the signed checkpoint over them, in this
// order. Holds in memory only what no full bundle holds yet.

import { join } from 'node:path';
import {
  type Engine,
  encodeBundle,
  type NoteSigner,
  signCheckpoint,
  type TileContent,
  type TreeEdge,
  tileWidth,
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
}

export interface PublisherStart {
  readonly edge: TreeEdge;
  /** The records since the last full bundle. */
  readonly recent: readonly DurableEntry[];
}

export function publisher(
  { dir, engine, key, tiles }: { dir: string; engine: Engine; key: NoteSigner; tiles: TileFiles },
  { edge, recent }: PublisherStart,
): Publisher {
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
    const note = signCheckpoint(engine, { origin: key.name, size, root }, key);
    await writeDurably(join(dir, 'checkpoint'), note);
    await tiles.removePartialsOf(
      replaced.flatMap(({ tile }) => (tile.level === 0 ? [tile, { ...tile, level: 'entries' as const }] : [tile])),
    );
    return { size, root, note };
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
    publish,
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
