import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from './bytes.ts';
import {
  type Der,
  derBoolean,
  derMembers,
  derNamedBits,
  derOid,
  derTag,
  derTimeSeconds,
  derUnsigned,
  readDer,
  readDerList,
} from './der.ts';

const read = (hex: string): Der => {
  const value = readDer(fromHex(hex)!);
  assert.ok(value !== null, hex);
  return value;
};
const time = (tag: number, text: string): Der => ({
  tag,
  content: new TextEncoder().encode(text),
  whole: new Uint8Array(),
});

test('a value is read only in its one shortest form, and only when it fills the bytes', () => {
  assert.equal(toHex(read('0401ff').content), 'ff');
  assert.equal(read(`048180${'00'.repeat(128)}`).content.length, 128);
  assert.equal(read(`04820100${'00'.repeat(256)}`).content.length, 256);
  const refused = [
    ...['', '04', '0401', '040200', '0401ff00'], // too short, and something behind
    ...['04800000', '0481017f', '04820001ff', `0482007f${'00'.repeat(127)}`, '04850000000001ff'], // other forms of a length
    ...['1f0100', '3f8101'], // tags above 30
    '0484ffffffff',
  ];
  for (const hex of refused) assert.equal(readDer(fromHex(hex)!), null, hex);
});

test('concatenated values are split by their lengths', () => {
  const list = readDerList(fromHex('0401aa30003003020105')!);
  assert.deepEqual(
    list?.map(({ whole }) => toHex(whole)),
    ['0401aa', '3000', '3003020105'],
  );
  assert.equal(readDerList(fromHex('0401aa30')!), null);
  assert.deepEqual(readDerList(new Uint8Array()), []);
});

test('members are those of the expected tag', () => {
  assert.equal(derMembers(read('3006020101020102'), derTag.sequence)?.length, 2);
  assert.equal(derMembers(read('3006020101020102'), 0xa0), null);
  assert.equal(derMembers(read('3003020201'), derTag.sequence), null);
  assert.equal(derMembers(null, derTag.sequence), null);
});

test('booleans have two spellings', () => {
  const table = { '0101ff': true, '010100': false, '010101': null, '0100': null, '0102ffff': null, '0201ff': null };
  for (const [hex, value] of Object.entries(table)) assert.equal(derBoolean(read(hex)), value, hex);
});

test('object identifiers are dotted as in their standards', () => {
  const table = {
    '0603551d11': '2.5.29.17',
    '06082b06010505070301': '1.3.6.1.5.5.7.3.1',
    '06032a0304': '1.2.3.4',
    '0603883703': '2.999.3',
    '060100': '0.0',
    '06012780': null,
    '0600': null,
    '0603558011': null,
    '060255ff': null,
  };
  for (const [hex, text] of Object.entries(table)) {
    const value = readDer(fromHex(hex)!);
    assert.equal(value === null ? null : derOid(value), text, hex);
  }
});

test('integers are read when positive and unpadded', () => {
  const table = {
    '020100': '00',
    '02017f': '7f',
    '02020080': '80',
    '0202007f': null,
    '020180': null,
    '0200': null,
    '040101': null,
  };
  for (const [hex, octets] of Object.entries(table)) {
    const value = derUnsigned(read(hex));
    assert.equal(value === null ? null : toHex(value), octets, hex);
  }
});

test('named bits count from the left and end with a one', () => {
  const table = {
    '03020780': [0],
    '03020106': [5, 6],
    '030205a0': [0, 2],
    '0303070080': [8],
    '030100': [],
    '03020700': null, // a zero at the end
    '03020781': null, // an unused bit that is set
    '03020880': null,
    '030101': null,
    '0300': null,
    '04020780': null,
  };
  for (const [hex, set] of Object.entries(table)) {
    const bits = derNamedBits(read(hex));
    assert.deepEqual(bits === null ? null : [...bits.keys()].filter((bit) => bits[bit]), set, hex);
  }
});

test('times are those of RFC 5280, and dates that do not exist are none', () => {
  const { utcTime, generalizedTime } = derTag;
  const table: [tag: number, text: string, iso: string | null][] = [
    [utcTime, '270115080140Z', '2027-01-15T08:01:40.000Z'],
    [utcTime, '500101000000Z', '1950-01-01T00:00:00.000Z'],
    [utcTime, '491231235959Z', '2049-12-31T23:59:59.000Z'],
    [generalizedTime, '20500101000000Z', '2050-01-01T00:00:00.000Z'],
    [generalizedTime, '99991231235959Z', '9999-12-31T23:59:59.000Z'],
    [utcTime, '240229000000Z', '2024-02-29T00:00:00.000Z'],
    [utcTime, '250229000000Z', null],
    [utcTime, '271315080140Z', null],
    [utcTime, '270115240000Z', null],
    [utcTime, '270115080160Z', null],
    [utcTime, '2701150801Z', null],
    [utcTime, '270115080140+0100', null],
    [utcTime, '27011508014 Z', null],
    [generalizedTime, '20500101000000.5Z', null],
    [generalizedTime, '205001010000Z', null],
    [derTag.octetString, '270115080140Z', null],
  ];
  for (const [tag, text, iso] of table) {
    const seconds = derTimeSeconds(time(tag, text));
    assert.equal(seconds === null ? null : new Date(seconds * 1000).toISOString(), iso, text);
  }
});
