import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex, utf8 } from './bytes.ts';
import {
  bytesField,
  mapField,
  protoBytes,
  protoBytesList,
  protoMap,
  protoString,
  protoVarint,
  readProto,
  stringField,
  varintField,
  writeProto,
} from './protobuf.ts';

const bytes = (hex: string) => fromHex(hex.replaceAll(' ', ''))!;

test('the examples of the encoding guide read as it says', () => {
  assert.equal(protoVarint(readProto(bytes('08 96 01'))!, 1), 150n);
  assert.equal(protoString(readProto(bytes('12 07 74 65 73 74 69 6e 67'))!, 2), 'testing');
});

test('the examples of the encoding guide are written byte for byte', () => {
  assert.equal(toHex(writeProto([varintField(1, 150n)])), '089601');
  assert.equal(toHex(writeProto([stringField(2, 'testing')])), '120774657374696e67');
  assert.equal(toHex(writeProto(mapField(3, new Map([['a', utf8('b')]])))), '1a060a016112' + '0162');
});

test('unknown fields of every wire type are skipped', () => {
  const message = bytes('78 01  71 0102030405060708  75 01020304  7a 01 ff  0a 01 61');
  assert.equal(protoString(readProto(message)!, 1), 'a');
});

test('the last value of a singular field wins, and a repeated one keeps its order', () => {
  const fields = readProto(writeProto([stringField(1, 'a'), stringField(2, 'x'), stringField(1, 'b')]))!;
  assert.equal(protoString(fields, 1), 'b');
  assert.deepEqual(protoBytesList(fields, 1)!.map(toHex), ['61', '62']);
});

test('absent fields are empty, not an error', () => {
  const fields = readProto(new Uint8Array())!;
  assert.equal(protoString(fields, 1), '');
  assert.equal(protoBytes(fields, 1)!.length, 0);
  assert.equal(protoVarint(fields, 1), 0n);
  assert.equal(protoMap(fields, 1)!.size, 0);
});

test('a map entry without key or value has the empty one', () => {
  assert.deepEqual([...protoMap(readProto(bytes('1a 00'))!, 3)!], [['', new Uint8Array()]]);
});

const malformed: readonly (readonly [string, string])[] = [
  ['a varint that stops', '08 96'],
  ['a tag without a body', '08'],
  ['a length past the end', '0a 02 61'],
  ['a length past 2^63', '0a ff ff ff ff ff ff ff ff ff 01'],
  ['a varint of eleven bytes', '08 80 80 80 80 80 80 80 80 80 80 01'],
  ['a varint past 2^64-1', '08 ff ff ff ff ff ff ff ff ff 02'],
  ['a tag past 32 bits', '88 80 80 80 80 01 00'],
  ['field number 0', '00 00'],
  ['a fixed64 cut short', '09 01 02 03'],
  ['a fixed32 cut short', '0d 01 02'],
  ['a group', '0b 0c'],
  ['wire type 6', '0e 00'],
  ['wire type 7', '0f 00'],
];
for (const [what, hex] of malformed) {
  test(`${what} is refused`, () => assert.equal(readProto(bytes(hex)), null));
}

test('a known field with another wire type is refused, not guessed', () => {
  const fields = readProto(bytes('08 01'))!;
  assert.equal(protoString(fields, 1), null);
  assert.equal(protoVarint(readProto(bytes('0a 01 61'))!, 1), null);
});

test('text that is not UTF-8 is refused', () => {
  assert.equal(protoString(readProto(bytes('0a 02 c3 28'))!, 1), null);
  assert.equal(protoMap(readProto(bytes('1a 04 0a 02 c3 28'))!, 3), null);
});

test('more fields than the bound are refused', () => {
  const message = writeProto(Array.from({ length: 5 }, () => varintField(1, 1n)));
  assert.equal(readProto(message, 4), null);
  assert.equal(readProto(message, 5)!.length, 5);
});

test('the writer refuses what the format cannot carry', () => {
  assert.throws(() => writeProto([varintField(0, 1n)]), RangeError);
  assert.throws(() => writeProto([varintField(2 ** 29, 1n)]), RangeError);
  assert.throws(() => writeProto([varintField(1, -1n)]), RangeError);
  assert.throws(() => writeProto([varintField(1, 1n << 64n)]), RangeError);
  assert.throws(() => writeProto([{ number: 1, kind: 'fixed', value: new Uint8Array(3) }]), RangeError);
});

test('values are views, so a large field is not copied', () => {
  const message = writeProto([bytesField(1, new Uint8Array(8))]);
  assert.equal(protoBytes(readProto(message)!, 1)!.buffer, message.buffer);
});
