import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CALLS } from './calls.ts';
import { valueFromJson } from './json.ts';
import { patternOf } from './pattern.ts';
import { cedarSet, contains, equal, isFault, type Result, type Value } from './value.ts';

const extension = (fn: string, ...args: unknown[]) => ({ __extn: { fn, args } });
const entity = (type: string, id: string) => ({ __entity: { type, id } });

function value(json: unknown): Value {
  const read = valueFromJson(json);
  return isFault(read) ? assert.fail(read.says) : read;
}

function call(name: string, ...args: readonly unknown[]): Result {
  return CALLS.get(name)!(args.map(value));
}

test('equality is by value at every depth and never across types', () => {
  const groups: readonly (readonly unknown[])[] = [
    [true],
    [1, 1n],
    ['1'],
    [entity('A', 'B::c')],
    [entity('A::B', 'c')],
    [extension('decimal', '1.5'), extension('decimal', '01.50')],
    [extension('ip', '10.0.0.1'), extension('ip', '10.0.0.1/32')],
    [extension('ip', '10.0.0.1/8')],
    [extension('ip', '::a00:1')],
    [extension('datetime', '1970-01-01'), extension('datetime', '1970-01-01T01:00:00+0100')],
    [extension('duration', '0ms'), extension('duration', '-0d')],
    [
      [1, [2, 3]],
      [[3, 2, 2], 1, 1],
    ],
    [[1, [2]]],
    [[]],
    [{}],
    [
      { a: 1, b: [1, 2] },
      { b: [2, 1], a: 1n },
    ],
    [{ a: 1 }],
    [{ b: 1 }],
    [['s1', 'n1']],
    [['s1,n1']],
  ];
  for (const [i, group] of groups.entries()) {
    for (const [j, other] of groups.entries()) {
      for (const a of group) {
        for (const b of other) {
          assert.equal(equal(value(a), value(b)), i === j, `${JSON.stringify([i, j])}`);
          // Walked or hashed, a set gives the same answer.
          const many = cedarSet([...Array.from({ length: 20 }, (_, n) => BigInt(n + 100)), value(a)]);
          assert.equal(contains(many, value(b)), i === j);
          assert.equal(contains(cedarSet([value(a)]), value(b)), i === j);
        }
      }
    }
  }
});

test('nested sets are compared in time that does not multiply with depth', () => {
  const nested = (depth: number, last: number): unknown =>
    depth === 0 ? last : Array.from({ length: 4 }, (_, i) => [nested(depth - 1, last), i]);
  const [a, b, c] = [value(nested(5, 1)), value(nested(5, 1)), value(nested(5, 2))];
  const started = performance.now();
  assert.deepEqual([equal(a, b), equal(a, c)], [true, false]);
  // Pair by pair this is beyond 10^9 comparisons.
  assert.ok(performance.now() - started < 2000);
});

test('decimals have four places and 64 bits', () => {
  const scaled = (text: string) => {
    const read = call('decimal', text);
    return isFault(read) ? read.fault : (read as { scaled: bigint }).scaled;
  };
  assert.equal(scaled('-0.5'), -5000n);
  assert.equal(scaled('1.2'), 12000n);
  assert.equal(scaled('000000000000000000000000000001.2'), 12000n);
  assert.equal(scaled('922337203685477.5807'), 2n ** 63n - 1n);
  assert.equal(scaled('-922337203685477.5808'), -(2n ** 63n));
  for (const text of ['922337203685477.5808', '1', '1.', '.1', '1.23456', '+1.0', '1.0\n', '--1.0', '', '１.0'])
    assert.equal(scaled(text), 'extension', text);
});

test('addresses are read strictly, and a block is in a range only whole', () => {
  const table: readonly (readonly [string, string, boolean])[] = [
    ['10.1.2.3', '10.0.0.0/8', true],
    ['10.0.0.0/7', '10.0.0.0/8', false],
    ['10.128.0.0/9', '10.0.0.0/9', false],
    ['11.0.0.0', '10.0.0.0/7', true],
    ['1.2.3.4', '0.0.0.0/0', true],
    ['1.2.3.4', '::/0', false],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/31', true],
    ['2001:db9::1', '2001:db8::/32', false],
  ];
  for (const [ip, range, expected] of table)
    assert.equal(call('isInRange', extension('ip', ip), extension('ip', range)), expected, `${ip} in ${range}`);
  for (const text of [
    '10.0.0.1/33',
    '10.0.0.1/08',
    '10.0.0.01',
    '10.0.0',
    '::ffff:1.2.3.4',
    '::1%lo',
    '1::2::3',
    '/8',
    ' ::1',
  ])
    assert.ok(isFault(call('ip', text)), text);
  const tests = (ip: string) =>
    ['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'].filter((name) => call(name, extension('ip', ip)) === true);
  assert.deepEqual(tests('127.3.2.1'), ['isIpv4', 'isLoopback']);
  assert.deepEqual(tests('127.0.0.0/7'), ['isIpv4']);
  assert.deepEqual(tests('239.0.0.1'), ['isIpv4', 'isMulticast']);
  assert.deepEqual(tests('224.0.0.0/3'), ['isIpv4']);
  assert.deepEqual(tests('::1'), ['isIpv6', 'isLoopback']);
  assert.deepEqual(tests('::1/127'), ['isIpv6']);
  assert.deepEqual(tests('ff02::1'), ['isIpv6', 'isMulticast']);
});

test('days of eight centuries have their own numbers, and what is no day has none', () => {
  const first = Date.UTC(1999, 0, 1);
  for (let day = 0; day < 146_097 * 2; day += 97) {
    const text = new Date(first + day * 86_400_000).toISOString();
    assert.equal((call('datetime', text) as { millis: bigint }).millis, BigInt(first + day * 86_400_000), text);
  }
  const bad = [
    '2023-02-29',
    '1900-02-29',
    '2024-04-31',
    '2024-00-01',
    '2024-13-01',
    '2024-01-00',
    '2024-1-01',
    '12024-01-01',
  ];
  const worse = [
    'T24:00:00Z',
    'T00:60:00Z',
    'T00:00:60Z',
    'T00:00:00',
    'T00:00Z',
    'T00:00:00.1Z',
    'T00:00:00+2400',
    'T00:00:00-0060',
  ];
  for (const text of [...bad, ...worse.map((time) => `2024-01-01${time}`)])
    assert.ok(isFault(call('datetime', text)), text);
});

test('datetimes and durations stop at 64 bits', () => {
  const last = extension('offset', extension('datetime', '1970-01-01'), extension('duration', '9223372036854775807ms'));
  const first = extension(
    'offset',
    extension('datetime', '1970-01-01'),
    extension('duration', '-9223372036854775808ms'),
  );
  const faults = [
    call('offset', last, extension('duration', '1ms')),
    call('durationSince', last, first),
    call('toDate', first),
    call('duration', '9223372036854775808ms'),
    call('duration', '106751991168d'),
  ];
  assert.deepEqual(
    faults.map((one) => isFault(one) && one.fault),
    Array(5).fill('extension'),
  );
  assert.deepEqual(call('toTime', first), { kind: 'duration', millis: 60_424_192n });
  assert.deepEqual(call('toDays', extension('duration', '-1d23h')), -1n);
  assert.deepEqual(call('toSeconds', extension('duration', '-1999ms')), -1n);
  for (const text of ['', '-', '1h1d', '1', 'd', '1.5h', '+1d', '1d '])
    assert.ok(isFault(call('duration', text)), text);
});

test('a call with the wrong count or type of arguments fails as such', () => {
  const fault = (one: Result) => isFault(one) && one.fault;
  assert.equal(fault(call('decimal', 1)), 'type');
  assert.equal(fault(call('decimal')), 'arity');
  assert.equal(fault(call('isInRange', extension('ip', '::1'))), 'arity');
  assert.equal(fault(call('lessThan', extension('decimal', '1.0'), '1.0')), 'type');
  assert.equal(fault(call('offset', extension('duration', '1d'), extension('duration', '1d'))), 'type');
});

test('a pattern matches as a whole, and a star also nothing', () => {
  const like = (text: string, pattern: string) =>
    patternOf([...pattern].map((char) => (char === '*' ? 'Wildcard' : { Literal: char })))(text);
  for (const [text, pattern] of [
    ['', ''],
    ['', '*'],
    ['a', '*a'],
    ['abc', 'a*c'],
    ['abab', '*ab'],
    ['ab', 'a**b'],
    ['aXbXc', 'a*b*c'],
    ['😀', '*😀'],
  ] as const)
    assert.ok(like(text, pattern), `${text} like ${pattern}`);
  for (const [text, pattern] of [
    ['a', ''],
    ['ab', 'a'],
    ['aba', 'ab*ba'],
    ['ab', 'a*b*b'],
    ['abc', '*b'],
    ['ba', 'a*'],
  ] as const)
    assert.ok(!like(text, pattern), `${text} not like ${pattern}`);
  assert.ok(patternOf([{ Literal: '*' }])('*') && !patternOf([{ Literal: '*' }])('a'));
});
