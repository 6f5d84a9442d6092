import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { nodeEngine as engine } from '../node/engine.ts';
import { concat, utf8 } from '../std/bytes.ts';
import { encodeFrame, findFrame, frameHeaderBytes, readFrame } from './frame.ts';
import { leafHash } from './merkle.ts';

function frameOf(text: string, sequence: number, flush = sequence): Uint8Array {
  const entry = utf8(text);
  return encodeFrame(crc32, { sequence, flush, leaf: leafHash(engine, entry), entry });
}

test('a frame reads back, sequences past 2^32 included', () => {
  const bytes = frameOf('{"a":1}', 2 ** 40 + 3, 2 ** 40);
  const read = readFrame(crc32, bytes, 0);
  assert.ok(read.kind === 'frame');
  assert.equal(read.frame.sequence, 2 ** 40 + 3);
  assert.equal(read.frame.flush, 2 ** 40);
  assert.equal(new TextDecoder().decode(read.frame.entry), '{"a":1}');
  assert.equal(read.end, bytes.length);
});

test('any flipped bit makes a frame unreadable', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 200 }), fc.nat(), (text, bit) => {
      const bytes = concat(frameOf(text, 7), new Uint8Array(70_000));
      const size = frameHeaderBytes + utf8(text).length;
      bytes[Math.floor(bit / 8) % size]! ^= 1 << (bit % 8);
      assert.notEqual(readFrame(crc32, bytes, 0).kind, 'frame');
    }),
    { numRuns: 300 },
  );
});

test('zeros are blank, and so is a remainder too small for a frame', () => {
  assert.equal(readFrame(crc32, new Uint8Array(1000), 0).kind, 'blank');
  assert.equal(readFrame(crc32, new Uint8Array(10).fill(1), 0).kind, 'blank');
});

test('the next readable frame is found behind rubble', () => {
  const rubble = frameOf('{"broken":true}', 4);
  rubble[20]! ^= 1;
  const segment = concat(rubble, frameOf('{"b":2}', 5), new Uint8Array(100));
  assert.equal(findFrame(crc32, segment, 1), rubble.length);
  assert.equal(findFrame(crc32, segment, rubble.length + 1), -1);
});

test('an entry is neither empty nor longer than a bundle can say', () => {
  for (const length of [0, 65_536]) {
    const entry = new Uint8Array(length);
    assert.throws(() => encodeFrame(crc32, { sequence: 0, flush: 0, leaf: new Uint8Array(32), entry }), RangeError);
  }
});
