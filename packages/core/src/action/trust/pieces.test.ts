import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sharePiece } from './pieces.ts';

const texts = fc.array(fc.string({ unit: fc.constantFrom('x', 'y'), maxLength: 24 }), { maxLength: 4 });

test('heaps share a piece exactly when one text has a piece of another', () => {
  fc.assert(
    fc.property(texts, texts, fc.integer({ min: 1, max: 12 }), (one, other, length) => {
      const pieces = one.flatMap((text) => Array.from(text, (_, at) => text.slice(at, at + length)));
      const shared = pieces.some((piece) => piece.length === length && other.some((text) => text.includes(piece)));
      assert.equal(sharePiece(one, other, length), shared);
      assert.equal(sharePiece(other, one, length), shared);
    }),
    { numRuns: 2000 },
  );
});

test('heaps larger than a batch are looked through to their ends', () => {
  const filler = (from: number) =>
    Array.from({ length: 1_100_000 }, (_, i) => String.fromCharCode(from + ((i * i) % 9973))).join('');
  const [left, right] = [`${filler(0x4e00)}THE LAST PIECE`, `a THE LAST PIECE b${filler(0xac00)}`];
  assert.equal(sharePiece([left], [right], 12), true);
  assert.equal(sharePiece([left.slice(0, -9)], [right], 12), false);
});
