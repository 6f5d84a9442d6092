// Reads a log's folder for verification: every segment, and every tile and bundle that the checkpoint promises, compared
// with the records in the segments. A torn tail that nobody was promised is a warning; damage before that is a finding.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Engine,
  encodeBundle,
  equalBytes,
  type Finding,
  type LogVerifier,
  ofLog,
  type TileContent,
  tilePath,
  tileWidth,
  treeEdge,
} from '@writ/core';
import { readIfThere } from './disk.ts';
import { type Suspect, suspectOf } from './scan.ts';
import { listSegments } from './segments.ts';
import { type SegmentEvent, walkSegment } from './walk.ts';

type Reader = Pick<LogVerifier, 'take' | 'note' | 'checkpoint'>;
type FrameEvent = SegmentEvent & { kind: 'frame' };

/** Gives everything in the folder to the verifier; answers warnings. */
export async function readFolder(dir: string, engine: Engine, verifier: Reader): Promise<string[]> {
  const size = verifier.checkpoint?.size ?? 0;
  const tiles = tileComparison(dir, engine, size, verifier.note);
  const segments = await listSegments(dir);
  const missing = segments.findIndex(({ ordinal }, i) => ordinal !== i + 1);
  if (missing >= 0) verifier.note(ofLog('segment.missing', `segment ${missing + 1} is missing`, 'segments'));

  let expected = 0;
  let suspect: Suspect | null = null;
  // Frames behind a suspect belong to the log only when it turns out that they were acknowledged.
  let behind: FrameEvent[] = [];

  function take({ frame, file, offset }: FrameEvent): Promise<void> | undefined {
    const { sequence, entry, leaf } = frame;
    verifier.take({ sequence, entry, leaf, file: file.name, offset });
    expected = sequence + 1;
    return tiles.take(sequence, entry, leaf);
  }

  async function confirmDamage({ file, offset, says, expected: sequence }: Suspect): Promise<void> {
    verifier.note({ code: 'segment.damaged', sequence, file: file.name, offset, says });
    const frames = behind;
    suspect = null;
    behind = [];
    for (const event of frames) await take(event);
  }

  for (const file of segments) {
    for (const event of walkSegment(file, await readFile(file.path))) {
      if (event.kind === 'frame' && event.frame.sequence === expected && !suspect) {
        const waits = take(event);
        if (waits) await waits;
        continue;
      }
      suspect ??= suspectOf(event, expected);
      if (event.kind === 'frame') {
        behind.push(event);
        if (event.frame.flush > suspect.expected) await confirmDamage(suspect);
      }
    }
  }
  if (suspect && suspect.expected < size) await confirmDamage(suspect);
  await tiles.finish();
  return suspect ? [tornTail(suspect)] : [];
}

function tornTail({ file, offset, expected, says }: Suspect): string {
  return (
    `${file.name} ends in a torn write at ${offset}, where record ${expected} would follow (${says}): ` +
    'the mark of a crash, wiped at the next start; nothing after it was acknowledged unless it was the last flush of all'
  );
}

/** Compares the files under `tile/` with what the records in the segments make of them. */
function tileComparison(dir: string, engine: Engine, size: number, note: (finding: Finding) => void) {
  const edge = treeEdge(engine);
  let bundle: Uint8Array[] = [];
  let whole = true;

  function take(sequence: number, entry: Uint8Array, leaf: Uint8Array): Promise<void> | undefined {
    // Behind a gap nothing can be compared; the gap is a finding of its own.
    if (sequence !== edge.size()) whole = whole && sequence >= size;
    if (!whole || sequence >= size) return undefined;
    // The verifier has checked that the leaf hash is the entry's.
    const full = edge.append(leaf);
    bundle.push(entry);
    return bundle.length === tileWidth ? compareFull(full) : undefined;
  }

  async function compareFull(full: readonly TileContent[]): Promise<void> {
    for (const content of full) await compare(content);
    await compareBundle();
  }

  async function compareBundle(): Promise<void> {
    const index = Math.ceil(edge.size() / tileWidth) - 1;
    await compare({ tile: { level: 'entries', index, width: bundle.length }, bytes: encodeBundle(bundle) });
    bundle = [];
  }

  async function compare({ tile, bytes }: TileContent): Promise<void> {
    const file = tilePath(tile);
    // A partial file gives way to the full one of a later checkpoint, which begins with the same bytes.
    const full = tilePath({ ...tile, width: tileWidth });
    const found =
      (await readIfThere(join(dir, file))) ?? (await readIfThere(join(dir, full)))?.subarray(0, bytes.length);
    const sequence = tile.index * tileWidth ** (tile.level === 'entries' ? 1 : tile.level + 1);
    if (!found) {
      note({
        code: 'tile.missing',
        sequence,
        file,
        offset: null,
        says: 'the file is missing; it can be rebuilt from the segments',
      });
    } else if (!equalBytes(found, bytes)) {
      const offset = bytes.findIndex((byte, i) => byte !== found[i]);
      const says = 'the file is not what the records in the segments make';
      note({ code: 'tile.mismatch', sequence, file, offset: offset < 0 ? bytes.length : offset, says });
    }
  }

  async function finish(): Promise<void> {
    if (!whole || edge.size() !== size) return;
    for (const content of edge.partials()) await compare(content);
    if (bundle.length > 0) await compareBundle();
  }

  return { take, finish };
}
