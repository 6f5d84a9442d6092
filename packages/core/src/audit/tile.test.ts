import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nodeEngine as engine } from '../node/engine.ts';
import { equalBytes, utf8 } from '../std/bytes.ts';
import { perfectRoot, treeEdge } from './edge.ts';
import { leafHash, proveInclusion, verifyInclusion } from './merkle.ts';
import { decodeBundle, edgeTiles, encodeBundle, parseTilePath, splitTile, tileOf, tilePath } from './tile.ts';

test('paths are those of the standard', () => {
  assert.equal(tilePath({ level: 0, index: 1234067, width: 256 }), 'tile/0/x001/x234/067');
  assert.equal(tilePath({ level: 'entries', index: 7, width: 256 }), 'tile/entries/007');
  assert.equal(tilePath({ level: 1, index: 0, width: 8 }), 'tile/1/000.p/8');
});

test('a path has one spelling', () => {
  for (const path of ['tile/0/x001/x234/067', 'tile/entries/007', 'tile/63/000.p/255', 'tile/entries/x001/000.p/1']) {
    assert.equal(tilePath(parseTilePath(path)!), path);
  }
  for (const path of [
    'tile/0/7',
    'tile/0/0007',
    'tile/00/007',
    'tile/64/000',
    'tile/0/x000/007',
    'tile/0/001/067',
    'tile/0/007.p/0',
    'tile/0/007.p/01',
    'tile/0/007.p/256',
    'tile/0/../checkpoint',
    'tile/entries/007/',
    '/tile/0/007',
    'checkpoint',
  ]) {
    assert.equal(parseTilePath(path), null, path);
  }
});

test('bundles read back entry for entry, and a byte more or less is no bundle', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 40 }), (entries) => {
      const bundle = encodeBundle(entries);
      const read = decodeBundle(bundle, entries.length)!;
      assert.deepEqual(
        read.map((entry) => [...entry]),
        entries.map((entry) => [...entry]),
      );
      assert.equal(decodeBundle(Uint8Array.of(...bundle, 0), entries.length), null);
      if (bundle.length > 0) assert.equal(decodeBundle(bundle.subarray(0, -1), entries.length), null);
    }),
  );
  assert.throws(() => encodeBundle([new Uint8Array(65_536)]), RangeError);
});

test('a tree past one tile of tiles writes the tiles of the standard, and proofs come out of them', async () => {
  const size = 65_537 + 300;
  const edge = treeEdge(engine);
  const files = new Map<string, Uint8Array>();
  const leaves = Array.from({ length: size }, (_, i) => leafHash(engine, utf8(`record ${i}`)));
  for (const leaf of leaves) for (const { tile, bytes } of edge.append(leaf)) files.set(tilePath(tile), bytes);
  for (const { tile, bytes } of edge.partials()) files.set(tilePath(tile), bytes);
  assert.deepEqual(edgeTiles(size).map(tilePath), ['tile/0/257.p/45', 'tile/1/001.p/1', 'tile/2/000.p/1']);
  assert.equal(files.get('tile/2/000.p/1')!.length, 32);
  assert.equal(files.has('tile/1/000'), true);

  const read = async (nodes: readonly { level: number; index: number }[]) =>
    nodes.map((node) => {
      const { tile, start, count } = tileOf(node, size);
      return perfectRoot(engine, splitTile(files.get(tilePath(tile))!, tile.width)!.slice(start, start + count));
    });
  for (const index of [0, 255, 256, 65_535, 65_536, size - 1]) {
    const proof = await proveInclusion(engine, read, index, size);
    assert.ok(
      verifyInclusion(engine, { leaf: leaves[index]!, index, size, root: edge.root(), proof }),
      `leaf ${index}`,
    );
  }

  // A writer that restarts from its partial tiles goes on as if it had never stopped.
  const hashes = edgeTiles(size).map((tile) => splitTile(files.get(tilePath(tile))!, tile.width)!);
  const again = treeEdge(engine, size, hashes);
  assert.ok(equalBytes(again.root(), edge.root()));
  for (let i = 0; i < 400; i += 1) assert.deepEqual(again.append(leaves[i]!), edge.append(leaves[i]!));
  assert.ok(equalBytes(again.root(), edge.root()));
});
