import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nodeEngine as engine } from '../node/engine.ts';
import { equalBytes } from '../std/bytes.ts';
import { treeEdge } from './edge.ts';
import {
  emptyFrontier,
  extend,
  type HashReader,
  leafHash,
  nodeHash,
  proveConsistency,
  proveInclusion,
  treeRoot,
  treeRootAt,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';

const sizeMax = 600; // past two full tiles, so that edges of every kind occur

const leaves = Array.from({ length: sizeMax }, (_, i) => leafHash(engine, Uint8Array.of(i >> 8, i & 0xff)));

/** The definition, as RFC 6962 §2.1 writes it: the slow and plain twin of everything in merkle.ts. */
function plainRoot(some: readonly Uint8Array[]): Uint8Array {
  if (some.length === 0) return engine.sha256(new Uint8Array(0));
  if (some.length === 1) return some[0]!;
  let split = 1;
  while (split * 2 < some.length) split *= 2;
  return nodeHash(engine, plainRoot(some.slice(0, split)), plainRoot(some.slice(split)));
}

const read: HashReader = async (nodes) =>
  nodes.map(({ level, index }) => plainRoot(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)));

const sizes = fc.integer({ min: 1, max: sizeMax });
const sizeAndIndex = sizes.chain((size) => fc.record({ size: fc.constant(size), index: fc.nat(size - 1) }));
const twoSizes = fc
  .tuple(fc.nat(sizeMax), fc.nat(sizeMax))
  .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));

function flip(hash: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(hash);
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
}

test('frontier, tile edge and node reader agree with the definition at every size', async () => {
  let frontier = emptyFrontier;
  const edge = treeEdge(engine);
  for (let size = 0; size <= sizeMax; size += 1) {
    const root = plainRoot(leaves.slice(0, size));
    assert.ok(equalBytes(treeRoot(engine, frontier), root), `frontier of ${size}`);
    assert.ok(equalBytes(edge.root(), root), `edge of ${size}`);
    if (size % 37 === 0) assert.ok(equalBytes(await treeRootAt(engine, read, size), root), `nodes of ${size}`);
    if (size === sizeMax) break;
    frontier = extend(engine, frontier, leaves[size]!);
    edge.append(leaves[size]!);
  }
});

test('every leaf of every tree is proven by its inclusion proof', async () => {
  await fc.assert(
    fc.asyncProperty(sizeAndIndex, async ({ size, index }) => {
      const proof = await proveInclusion(engine, read, index, size);
      const root = plainRoot(leaves.slice(0, size));
      assert.ok(verifyInclusion(engine, { leaf: leaves[index]!, index, size, root, proof }));
    }),
    { numRuns: 150 },
  );
});

test('an inclusion proof breaks with any bit of it, of the leaf or of the root, and at any other index or length', async () => {
  await fc.assert(
    fc.asyncProperty(sizeAndIndex, fc.nat(), fc.nat(255), async ({ size, index }, where, bit) => {
      const proof = await proveInclusion(engine, read, index, size);
      const claim = { leaf: leaves[index]!, index, size, root: plainRoot(leaves.slice(0, size)), proof };
      const at = where % (proof.length + 2);
      const broken =
        at === proof.length
          ? { ...claim, leaf: flip(claim.leaf, bit) }
          : at > proof.length
            ? { ...claim, root: flip(claim.root, bit) }
            : { ...claim, proof: proof.with(at, flip(proof[at]!, bit)) };
      assert.ok(!verifyInclusion(engine, broken));
      assert.ok(!verifyInclusion(engine, { ...claim, proof: [...proof, claim.leaf] }));
      if (proof.length > 0) assert.ok(!verifyInclusion(engine, { ...claim, proof: proof.slice(0, -1) }));
      const elsewhere = where % size;
      if (elsewhere !== index) assert.ok(!verifyInclusion(engine, { ...claim, index: elsewhere }));
      assert.ok(!verifyInclusion(engine, { ...claim, index: size }));
    }),
    { numRuns: 150 },
  );
});

test('any two sizes of one log are consistent', async () => {
  await fc.assert(
    fc.asyncProperty(twoSizes, async ({ from, to }) => {
      const proof = await proveConsistency(engine, read, from, to);
      const claim = { from: at(from), to: at(to), proof };
      assert.ok(verifyConsistency(engine, claim));
      assert.ok(!verifyConsistency(engine, { ...claim, proof: [...proof, at(to).root] }));
    }),
    { numRuns: 150 },
  );
});

test('a consistency proof breaks with any bit of it or of either root', async () => {
  await fc.assert(
    fc.asyncProperty(twoSizes, fc.nat(), fc.nat(255), async ({ from, to }, where, bit) => {
      const proof = await proveConsistency(engine, read, from, to);
      const claim = { from: at(from), to: at(to), proof };
      if (proof.length > 0) {
        const i = where % proof.length;
        assert.ok(!verifyConsistency(engine, { ...claim, proof: proof.with(i, flip(proof[i]!, bit)) }));
      }
      // From an empty tree every tree grows, so there the newer root is free.
      const newer = { ...claim, to: { ...claim.to, root: flip(claim.to.root, bit) } };
      assert.equal(verifyConsistency(engine, newer), from === 0 && to > 0);
      assert.ok(!verifyConsistency(engine, { ...claim, from: { ...claim.from, root: flip(claim.from.root, bit) } }));
    }),
    { numRuns: 150 },
  );
});

function at(size: number): { size: number; root: Uint8Array } {
  return { size, root: plainRoot(leaves.slice(0, size)) };
}
