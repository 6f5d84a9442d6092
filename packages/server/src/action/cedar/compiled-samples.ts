// What random worlds are made of: one source of chance, and for each type of Cedar the values at its edges, the texts it must
// refuse, and texts that mean the same.

export interface Random {
  /** A whole number from 0 to below `bound`. */
  below(bound: number): number;
  chance(share: number): boolean;
  pick<T>(list: readonly T[]): T;
}

/** Mulberry32: 32 bits of state, good enough to pick test cases, and the same everywhere. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  return { below, chance: (share) => next() < share, pick: (list) => list[below(list.length)]! };
}

/** JSON in which a long may be a bigint. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [name: string]: Json };

export interface Uid {
  readonly type: string;
  readonly id: string;
}

export const TYPES = ['User', 'Group', 'Doc', 'Shop::Item', 'Shop::Action', 'Action'];
export const IDS = ['a', 'b', 'c', 'd"\\', '', 'e::f'];
export const NAMES = ['x', 'y', 'z', 'has', 'a b', '__proto__'];
const STRINGS = ['', 'a', 'ab', 'abc', 'a*b', '😀b', '10.0.0.1', '2024-02-29', '1d', '1.5', 'x"\\\n', '\u0000'];
export const LONGS = [0n, 1n, -1n, 2n, 60n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 53n) - 1n];
const DECIMALS = ['0.0', '-0.0', '1.5', '1.50', '-1.2345', '007.0', '922337203685477.5807', '-922337203685477.5808'];
const BAD_DECIMALS = ['1', '1.', '.5', '1.23456', '922337203685477.5808', '+1.0', ' 1.0', '1.0\n', '٣.٠'];
const IPS = [
  '10.0.0.1',
  '10.0.0.1/32',
  '10.0.0.0/8',
  '10.9.9.9/8',
  '127.0.0.1',
  '127.0.0.0/7',
  '224.0.0.1',
  '239.1.2.3/4',
  '224.0.0.0/3',
  '10.0.0.0/9',
  '10.128.0.0/9',
  '127.1.0.0/8',
  '0.0.0.0/0',
];
const IPS6 = [
  '::1',
  '::1/128',
  '::/0',
  'ff00::/8',
  'ff02::1/7',
  '2001:db8::/32',
  '2001:db8::5',
  '1:2:3:4:5:6:7::',
  '::ffff:a00:1',
];
const BAD_IPS = [
  '10.0.0.256',
  '10.0.0',
  '010.0.0.1',
  '10.0.0.1/33',
  '10.0.0.1/08',
  '::ffff:1.2.3.4',
  '1::2::3',
  '::1/129',
  '10.0.0.1/',
];
const DATETIMES = [
  '1970-01-01',
  '2024-02-29',
  '2000-02-29T23:59:59Z',
  '1969-12-31T23:59:59.999Z',
  '0000-01-01',
  '9999-12-31T23:59:59.999-2359',
  '0000-03-01T00:00:00+2359',
  '1900-03-01T12:00:00.001+0130',
];
const BAD_DATETIMES = [
  '2023-02-29',
  '1900-02-29',
  '2024-13-01',
  '2024-01-01T24:00:00Z',
  '2024-01-01T00:00:60Z',
  '2024-01-01T00:00:00',
  '2024-01-01T00:00:00+2400',
  '2024-01-01T00:00:00-0060',
  '2024-02-29t00:00:00Z',
  '2024-00-10',
  '2024-04-31',
];
const DURATIONS = [
  '0ms',
  '1d',
  '-1d2h3m4s5ms',
  '86399999ms',
  '-1d12h',
  '-90s',
  '26h',
  '-12h1ms',
  '00000000000000000000000000001d',
  '9223372036854775807ms',
  '-9223372036854775808ms',
  '106751991167d',
  '-1ms',
];
const BAD_DURATIONS = ['', '-', '1h1d', '1.5h', '9223372036854775808ms', '106751991168d', '1', '1d ', '--1d'];

/** What Cedar refuses to read as a value. */
export const UNREADABLE: readonly Json[] = [
  null,
  1.5,
  2n ** 63n,
  { __expr: '1' },
  { __extn: { fn: 'decimal', arg: '1' } },
  { __extn: { fn: 'nothing', arg: '1' } },
  { __entity: { type: 'in', id: '' } },
];

/** Text for an equal value, or for one that is nearly equal. */
export const ALIKE: ReadonlyMap<string, string> = new Map([
  ['1.5', '1.50'],
  ['1.50', '1.5000'],
  ['0.0', '-0.0'],
  ['10.0.0.1', '10.0.0.1/32'],
  ['10.0.0.0/8', '10.9.9.9/8'],
  ['10.9.9.9/8', '10.9.9.9'],
  ['::1', '0:0::1/128'],
  ['1970-01-01', '1970-01-01T01:00:00.000+0100'],
  ['2024-02-29', '2024-02-29T00:00:00Z'],
  ['1d', '24h'],
  ['86399999ms', '23h59m59s999ms'],
  ['a', 'ab'],
  ['127.0.0.1', '127.1.0.0/8'],
  ['10.0.0.0/9', '10.0.0.0/8'],
  ['10.128.0.0/9', '10.0.0.0/9'],
  ['-1d12h', '-36h'],
  ['26h', '1d2h'],
  ['1900-03-01T12:00:00.001+0130', '1900-03-01T10:30:00.001Z'],
  ['9999-12-31T23:59:59.999-2359', '9999-12-31'],
  ['2000-02-29T23:59:59Z', '2000-02-29'],
  ['1969-12-31T23:59:59.999Z', '1969-12-31'],
]);

export const KINDS = [
  'bool',
  'long',
  'string',
  'entity',
  'set',
  'record',
  'decimal',
  'ip',
  'datetime',
  'duration',
] as const;
export type Kind = (typeof KINDS)[number];

export function uidOf(random: Random): Uid {
  // Two types of six, so that the same entity is often met again.
  return { type: random.chance(0.7) ? random.pick(TYPES.slice(0, 2)) : random.pick(TYPES), id: random.pick(IDS) };
}

export function textOf(random: Random, kind: Kind): string {
  switch (kind) {
    case 'decimal':
      return random.pick(DECIMALS);
    case 'ip':
      return random.pick([...IPS, ...IPS6]);
    case 'datetime':
      return random.pick(DATETIMES);
    case 'duration':
      return random.pick(DURATIONS);
    default:
      return random.pick(STRINGS);
  }
}

export function badTextOf(random: Random, kind: Kind): string {
  switch (kind) {
    case 'decimal':
      return random.pick(BAD_DECIMALS);
    case 'ip':
      return random.pick(BAD_IPS);
    case 'datetime':
      return random.pick(BAD_DATETIMES);
    default:
      return random.pick(BAD_DURATIONS);
  }
}

function extension(fn: string, arg: string): Json {
  return { __extn: { fn, arg } };
}

export function dataOf(random: Random, kind: Kind, depth: number): Json {
  switch (kind) {
    case 'bool':
      return random.chance(0.5);
    case 'long':
      return random.pick(LONGS);
    case 'string':
      return random.pick(STRINGS);
    case 'entity':
      return { __entity: { ...uidOf(random) } };
    case 'set':
      return Array.from({ length: depth > 0 ? random.below(random.chance(0.1) ? 14 : 4) : 0 }, () =>
        dataOf(random, random.pick(KINDS), depth - 1),
      );
    case 'record':
      return depth > 0 ? recordOf(random, depth - 1) : {};
    default:
      return extension(kind, textOf(random, kind));
  }
}

export function recordOf(random: Random, depth: number): Json {
  const names = NAMES.filter(() => random.chance(0.6));
  const value = (): Json =>
    random.chance(0.0005) ? random.pick(UNREADABLE) : dataOf(random, random.pick(KINDS), depth);
  return Object.fromEntries(names.map((name) => [name, value()]));
}
