import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ProtoField, readProto, writeProto } from './protobuf.ts';

const number = fc.integer({ min: 1, max: 2 ** 29 - 1 });
const field: fc.Arbitrary<ProtoField> = fc.oneof(
  fc
    .tuple(number, fc.bigInt(0n, (1n << 64n) - 1n))
    .map(([number, value]) => ({ number, kind: 'varint', value }) as const),
  fc
    .tuple(number, fc.uint8Array({ maxLength: 300 }))
    .map(([number, value]) => ({ number, kind: 'bytes', value }) as const),
  fc
    .tuple(
      number,
      fc.constantFrom(4, 8).chain((n) => fc.uint8Array({ minLength: n, maxLength: n })),
    )
    .map(([number, value]) => ({ number, kind: 'fixed', value }) as const),
);

test('what was written reads back as it was', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 20 }), (fields) => {
      assert.deepEqual(readProto(writeProto(fields)), fields);
    }),
  );
});

test('a message cut inside its last field is refused', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 5 }), field, fc.nat(), (before, last, at) => {
      const head = writeProto(before);
      const tail = writeProto([last]);
      const cut = head.length + 1 + (at % (tail.length - 1));
      assert.equal(readProto(writeProto([...before, last]).subarray(0, cut)), null);
    }),
  );
});

test('no bytes make the reader throw, hang, or read past them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const fields = readProto(bytes);
      if (fields) assert.ok(fields.length <= bytes.length);
    }),
    { numRuns: 2000 },
  );
});
