import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCertificate } from '../transport/certificate.ts';
import { readDer, readDerList } from './der.ts';

test('whatever the bytes, reading ends without a throw and what was read stands in them unchanged', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const list = readDerList(bytes);
      if (list !== null) assert.deepEqual(Buffer.concat(list.map(({ whole }) => whole)), Buffer.from(bytes));
      const one = readDer(bytes);
      if (one !== null) assert.deepEqual(Buffer.from(one.whole), Buffer.from(bytes));
      readCertificate(bytes);
    }),
  );
});

test('every content has exactly one encoding that is read, of all lengths that say the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 1, max: 5 }), (length, octets) => {
      const spelled = Buffer.alloc(octets);
      if (length >= 256 ** octets) return;
      spelled.writeUIntBE(length, 0, octets);
      const long = Buffer.concat([Buffer.of(4, 0x80 | octets), spelled, Buffer.alloc(length)]);
      const shortest = length >= 0x80 && octets <= 4 && (octets === 1 || length >= 256 ** (octets - 1));
      assert.equal(readDer(long) !== null, shortest);
      assert.equal(readDer(Buffer.concat([Buffer.of(4, length & 0xff), Buffer.alloc(length)])) !== null, length < 0x80);
    }),
  );
});
