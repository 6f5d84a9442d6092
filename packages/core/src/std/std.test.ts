import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromBase64, fromBase64Url, toBase64, toBase64Url } from './base64.ts';
import { fromHex, toHex } from './bytes.ts';
import { inCidr } from './cidr.ts';
import { compareDecimal, parseDecimal } from './decimal.ts';
import { leavesAt, pointerCovers, pointersOf } from './pointer.ts';
import { isoSeconds, isSeconds, secondsMax, secondsOf } from './time.ts';

test('base64 agrees with Node, and every other spelling is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      assert.equal(toBase64Url(bytes), Buffer.from(bytes).toString('base64url'));
      assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64'));
      assert.deepEqual(fromBase64Url(toBase64Url(bytes)), bytes);
      assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
      assert.deepEqual(fromHex(toHex(bytes)), bytes);
    }),
  );
  for (const text of ['A', 'AB==', 'AA=', 'A A', 'AB', 'A+', 'AAAA\n']) assert.equal(fromBase64Url(text), null, text);
  for (const text of ['AA', 'AB==', 'AA=', 'AA-=', '====']) assert.equal(fromBase64(text), null, text);
});

test('addresses are inside a block by their leading bits', () => {
  assert.ok(inCidr('10.255.0.1', '10.0.0.0/8'));
  assert.ok(inCidr('2001:db8::1', '2001:db8::/32'));
  assert.ok(inCidr('::ffff:10.0.0.1', '::ffff:0:0/96'));
  assert.ok(inCidr('1.2.3.4', '0.0.0.0/0'));
  for (const [address, block] of [
    ['11.0.0.1', '10.0.0.0/8'],
    ['010.0.0.1', '10.0.0.0/8'],
    ['10.0.0', '10.0.0.0/8'],
    ['10.0.0.1', '10.0.0.0/33'],
    ['10.0.0.1', '::/0'],
    ['1:2:3', '::/0'],
    ['::1%eth0', '::/0'],
    ['1::2::3', '::/0'],
    ['10.0.0.1', '10.0.0.0'],
  ] as const)
    assert.ok(!inCidr(address, block), `${address} in ${block}`);
});

test('decimals are exact and bounded', () => {
  const cmp = (a: string, b: string) => compareDecimal(parseDecimal(a)!, parseDecimal(b)!);
  assert.equal(cmp('0.3', '0.30'), 0);
  assert.equal(cmp('1e2', '100'), 0);
  assert.equal(cmp('-1', '1'), -1);
  assert.equal(cmp('0.30000000000000004', '0.3'), 1);
  for (const text of ['', '1.', '.5', '1e9999', '0x10', ' 1', 'NaN']) assert.equal(parseDecimal(text), null, text);
});

test('pointers name every leaf, and escape what would be a separator', () => {
  const value = { 'a/b': [1, { '~': null }], c: {} };
  assert.deepEqual(pointersOf(value), ['/a~1b/0', '/a~1b/1/~0', '/c']);
  assert.deepEqual(leavesAt(value, '/a~1b'), [1, null]);
  assert.equal(leavesAt(value, '/a~1b/2'), null);
  assert.equal(leavesAt(value, '/__proto__'), null);
  assert.ok(pointerCovers('/a/*', '/a/0/x'));
  assert.ok(!pointerCovers('/a/b', '/a'));
});

test('every time that may be read can be written, and read again', () => {
  fc.assert(
    fc.property(fc.nat({ max: secondsMax }), (seconds) => {
      assert.ok(isSeconds(seconds));
      assert.equal(secondsOf(isoSeconds(seconds)), seconds);
    }),
  );
  assert.deepEqual([isoSeconds(0), isoSeconds(secondsMax)], ['1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z']);
  for (const bad of [secondsMax + 1, 8_640_000_000_001, Number.MAX_SAFE_INTEGER, -1, 0.5, Number.NaN, '0', null])
    assert.ok(!isSeconds(bad), String(bad));
});
