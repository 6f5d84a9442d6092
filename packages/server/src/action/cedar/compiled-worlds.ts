// Random worlds for comparing evaluators: entities in a hierarchy, a context, policies in Cedar's JSON format, requests. Mostly
// well typed, so that evaluation gets somewhere; now and then not, so that every failure is met. One seed, one world.

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

export interface Uid {
  readonly type: string;
  readonly id: string;
}

/** JSON in which a long may be a bigint. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [name: string]: Json };

export interface Request {
  readonly principal: Uid;
  readonly action: Uid;
  readonly resource: Uid;
  readonly context: Json;
}

export interface World {
  readonly entities: readonly Json[];
  /** Cedar's JSON format, by id. */
  readonly policies: ReadonlyMap<string, Json>;
  readonly requests: readonly Request[];
}

const TYPES = ['User', 'Group', 'Doc', 'Shop::Item', 'Shop::Action', 'Action'];
const IDS = ['a', 'b', 'c', 'd"\\', '', 'e::f'];
const NAMES = ['x', 'y', 'z', 'has', 'a b', '__proto__'];
const STRINGS = ['', 'a', 'ab', 'abc', 'a*b', '😀b', '10.0.0.1', '2024-02-29', '1d', '1.5', 'x"\\\n', '\u0000'];
const LONGS = [0n, 1n, -1n, 2n, 60n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 53n) - 1n];
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
];
const DURATIONS = [
  '0ms',
  '1d',
  '-1d2h3m4s5ms',
  '86399999ms',
  '9223372036854775807ms',
  '-9223372036854775808ms',
  '106751991167d',
  '-1ms',
];
const BAD_DURATIONS = ['', '-', '1h1d', '1.5h', '9223372036854775808ms', '106751991168d', '1', '1d ', '--1d'];

/** What Cedar refuses to read as a value. */
const UNREADABLE: readonly Json[] = [
  null,
  1.5,
  2n ** 63n,
  { __expr: '1' },
  { __extn: { fn: 'decimal', arg: '1' } },
  { __extn: { fn: 'nothing', arg: '1' } },
  { __entity: { type: 'in', id: '' } },
];

/** Text for an equal value, or for one that is nearly equal. */
const ALIKE: ReadonlyMap<string, string> = new Map([
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
]);

const KINDS = ['bool', 'long', 'string', 'entity', 'set', 'record', 'decimal', 'ip', 'datetime', 'duration'] as const;
type Kind = (typeof KINDS)[number];

export function worldOf(random: Random): World {
  const entities = entitiesOf(random);
  const count = 1 + random.below(5);
  const policies = Array.from({ length: count }, (_, i) => [`p${i}`, policyOf(random)] as const);
  return { entities, policies: new Map(policies), requests: Array.from({ length: 3 }, () => requestOf(random)) };
}

function uidOf(random: Random): Uid {
  // Two types of six, so that the same entity is often met again.
  return { type: random.chance(0.7) ? random.pick(TYPES.slice(0, 2)) : random.pick(TYPES), id: random.pick(IDS) };
}

function requestOf(random: Random): Request {
  const action = random.chance(0.9) ? { type: 'Action', id: random.pick(IDS) } : uidOf(random);
  return { principal: uidOf(random), action, resource: uidOf(random), context: recordOf(random, 2) };
}

function entitiesOf(random: Random): Json[] {
  const uids = TYPES.flatMap((type) => IDS.map((id) => ({ type, id }))).filter(() => random.chance(0.4));
  const entities = uids.map((uid, i): { [name: string]: Json } => {
    // Parents come later in the list or are not there at all, so a cycle has to be put in by hand.
    const above = uids.slice(i + 1).filter((other) => uid.type.endsWith('Action') === other.type.endsWith('Action'));
    const parents =
      above.length === 0 ? [] : Array.from({ length: random.below(3) }, () => ({ ...random.pick(above) }));
    const attrs = recordOf(random, 2);
    return random.chance(0.5)
      ? { uid: { ...uid }, attrs, parents }
      : { uid: { __entity: { ...uid } }, attrs, parents, tags: recordOf(random, 1) };
  });
  const [first] = uids;
  if (first && random.chance(0.01)) entities.push({ uid: { ...first }, attrs: {}, parents: [] });
  if (first && random.chance(0.01))
    entities.push({ uid: { type: 'Loop', id: '' }, attrs: {}, parents: [{ type: 'Loop', id: '' }] });
  return entities;
}

function recordOf(random: Random, depth: number): Json {
  const names = NAMES.filter(() => random.chance(0.6));
  const value = (): Json =>
    random.chance(0.0005) ? random.pick(UNREADABLE) : dataOf(random, random.pick(KINDS), depth);
  return Object.fromEntries(names.map((name) => [name, value()]));
}

function dataOf(random: Random, kind: Kind, depth: number): Json {
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

function extension(fn: string, arg: string): Json {
  return { __extn: { fn, arg } };
}

function textOf(random: Random, kind: Kind): string {
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

function policyOf(random: Random): Json {
  const conditions = Array.from({ length: random.below(3) }, () => ({
    kind: random.chance(0.7) ? 'when' : 'unless',
    body: expressionOf(random, 'bool', 4),
  }));
  return {
    effect: random.chance(0.75) ? 'permit' : 'forbid',
    principal: scopeOf(random, true),
    action: actionScopeOf(random),
    resource: scopeOf(random, true),
    conditions,
  };
}

function scopeOf(random: Random, isTyped: boolean): Json {
  const entity = { ...uidOf(random) };
  switch (random.below(isTyped ? 9 : 7)) {
    case 0:
      return { op: '==', entity };
    case 1:
    case 2:
      return { op: 'in', entity };
    case 7:
      return { op: 'is', entity_type: random.pick(TYPES) };
    case 8:
      return { op: 'is', entity_type: random.pick(TYPES), in: { entity } };
    default:
      return { op: 'All' };
  }
}

function actionScopeOf(random: Random): Json {
  const action = () => ({ type: random.chance(0.9) ? 'Action' : 'Shop::Action', id: random.pick(IDS) });
  switch (random.below(6)) {
    case 0:
      return { op: '==', entity: action() };
    case 1:
      return { op: 'in', entity: action() };
    case 2:
      return { op: 'in', entities: Array.from({ length: random.below(4) }, action) };
    default:
      return { op: 'All' };
  }
}

/** An expression that mostly has the kind asked for. */
export function expressionOf(random: Random, wanted: Kind, depth: number): Json {
  const kind = random.chance(0.03) ? random.pick(KINDS) : wanted;
  if (depth <= 0 || random.chance(0.15)) return leafOf(random, kind);
  const to = (of: Kind): Json => expressionOf(random, of, depth - 1);
  // biome-ignore lint/suspicious/noThenProperty: Cedar's own name for the branch, in data that nobody awaits.
  if (random.chance(0.08)) return { 'if-then-else': { if: to('bool'), then: to(kind), else: to(kind) } };
  if (random.chance(0.08))
    return { '.': { left: { Record: { x: to(kind), y: to('bool') } }, attr: random.pick(['x', 'x', 'y', 'z']) } };
  return composed(random, kind, to);
}

function binary(operator: string, left: Json, right: Json): Json {
  return { [operator]: { left, right } };
}

function composed(random: Random, kind: Kind, to: (kind: Kind) => Json): Json {
  switch (kind) {
    case 'bool':
      return booleanOf(random, to);
    case 'long':
      if (random.chance(0.2)) return { neg: { arg: to('long') } };
      if (random.chance(0.2))
        return { [random.pick(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'])]: [to('duration')] };
      return binary(random.pick(['+', '-', '*']), to('long'), to('long'));
    case 'set':
      return { Set: Array.from({ length: random.below(4) }, () => to(random.pick(KINDS))) };
    case 'record':
      return {
        Record: Object.fromEntries(
          NAMES.filter(() => random.chance(0.4)).map((name) => [name, to(random.pick(KINDS))]),
        ),
      };
    case 'decimal':
    case 'ip':
      return { [kind]: [to('string')] };
    case 'datetime':
      if (random.chance(0.3)) return { toDate: [to('datetime')] };
      return random.chance(0.7) ? { offset: [to('datetime'), to('duration')] } : { datetime: [to('string')] };
    case 'duration':
      if (random.chance(0.3)) return { toTime: [to('datetime')] };
      return random.chance(0.7) ? { durationSince: [to('datetime'), to('datetime')] } : { duration: [to('string')] };
    default:
      return memberOf(random, to);
  }
}

/** Something looked up, of whatever kind it turns out to be. */
function memberOf(random: Random, to: (kind: Kind) => Json): Json {
  const left = to(random.pick(['entity', 'entity', 'record']));
  if (random.chance(0.3)) return binary('getTag', left, to('string'));
  return { '.': { left, attr: random.pick(NAMES) } };
}

function booleanOf(random: Random, to: (kind: Kind) => Json): Json {
  const kind = random.pick(KINDS);
  const compared = random.pick(['long', 'long', 'datetime', 'duration'] as const);
  const path = Array.from({ length: 1 + random.below(3) }, () => random.pick(['x', 'y', 'z']));
  switch (random.below(15)) {
    case 0:
    case 1:
      return binary('&&', to('bool'), to('bool'));
    case 2:
    case 3:
      return binary('||', to('bool'), to('bool'));
    case 4:
      return { '!': { arg: to('bool') } };
    case 5:
      return related(random, random.pick(['==', '!=']), to(kind), to);
    case 6:
      return binary(random.pick(['<', '<=', '>', '>=']), to(compared), to(compared));
    case 7:
      return binary('in', to('entity'), random.chance(0.6) ? to('entity') : entitySet(random, to));
    case 8:
      return containing(random, to(kind), to);
    case 9:
      return related(random, random.pick(['containsAll', 'containsAny']), to('set'), to);
    case 10:
      return random.chance(0.3)
        ? { isEmpty: { arg: to('set') } }
        : { like: { left: to('string'), pattern: patternOf(random) } };
    case 11:
      return {
        has: { left: to(random.pick(['entity', 'record'])), attr: path.length === 1 ? random.pick(NAMES) : path },
      };
    case 12:
      return binary('hasTag', to('entity'), to('string'));
    case 13:
      return isOf(random, to);
    default:
      return callOf(random, to);
  }
}

/** Two operands that may well be equal: things made apart hardly ever are. */
function related(random: Random, operator: string, left: Json, to: (kind: Kind) => Json): Json {
  const right = random.chance(0.8) ? varied(random, left) : to(random.pick(KINDS));
  return random.chance(0.5) ? binary(operator, left, right) : binary(operator, right, left);
}

function containing(random: Random, item: Json, to: (kind: Kind) => Json): Json {
  const others = Array.from({ length: random.below(random.chance(0.2) ? 12 : 3) }, () => to(random.pick(KINDS)));
  const set = { Set: random.chance(0.6) ? [...others, varied(random, item)] : others };
  return binary('contains', random.chance(0.7) ? set : to('set'), item);
}

/** The same written differently, or almost the same. */
function varied(random: Random, json: Json): Json {
  if (typeof json === 'string') return ALIKE.get(json) && random.chance(0.4) ? ALIKE.get(json)! : json;
  if (isList(json)) return json.map((item) => varied(random, item));
  if (typeof json !== 'object' || json === null) return json;
  if ('Set' in json && isList(json.Set)) return { Set: shuffled(random, json.Set) };
  if ('Record' in json && random.chance(0.2))
    return { Record: shorter(json.Record as { readonly [name: string]: Json }) };
  if ('type' in json && random.chance(0.2)) return { ...json, type: random.pick(TYPES) };
  return Object.fromEntries(Object.entries(json).map(([name, member]) => [name, varied(random, member)]));
}

function shuffled(random: Random, items: readonly Json[]): Json {
  const others = items.map((item) => varied(random, item));
  if (others.length > 0 && random.chance(0.1)) others.pop();
  if (others.length > 0 && random.chance(0.2)) others.push(random.pick(others));
  return random.chance(0.4) ? others.reverse() : others;
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

function shorter(fields: { readonly [name: string]: Json }): Json {
  return Object.fromEntries(Object.entries(fields).slice(1));
}

function entitySet(random: Random, to: (kind: Kind) => Json): Json {
  return { Set: Array.from({ length: random.below(4) }, () => to('entity')) };
}

function isOf(random: Random, to: (kind: Kind) => Json): Json {
  const is = { left: to('entity'), entity_type: random.pick(TYPES) };
  return { is: random.chance(0.5) ? is : { ...is, in: random.chance(0.7) ? to('entity') : entitySet(random, to) } };
}

function callOf(random: Random, to: (kind: Kind) => Json): Json {
  if (random.chance(0.5))
    return {
      [random.pick(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])]: [
        to('decimal'),
        to('decimal'),
      ],
    };
  // A method without a second argument, or with one too many, parses and fails when it is reached.
  const more = random.chance(0.03) ? [to('ip')] : [];
  if (random.chance(0.5)) return { isInRange: [to('ip'), to('ip'), ...more] };
  return { [random.pick(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'])]: [to('ip'), ...more] };
}

function patternOf(random: Random): Json {
  const piece = (): Json =>
    random.chance(0.45) ? 'Wildcard' : { Literal: random.pick(['a', 'b', 'ab', '*', '😀', 'c']) };
  return Array.from({ length: random.below(5) }, piece);
}

function leafOf(random: Random, kind: Kind): Json {
  const looked = random.below(10);
  if (looked < 2) return { '.': { left: { Var: 'context' }, attr: random.pick(NAMES) } };
  if (looked === 2) return { '.': { left: { Var: random.pick(['principal', 'resource']) }, attr: random.pick(NAMES) } };
  switch (kind) {
    case 'entity':
      if (random.chance(0.6)) return { Var: random.pick(['principal', 'action', 'resource']) };
      return { Value: { __entity: { ...uidOf(random) } } };
    case 'record':
      return random.chance(0.7) ? { Var: 'context' } : { Record: {} };
    case 'set':
      return {
        Set: Array.from({ length: random.below(3) }, () => ({
          Value: dataOf(random, random.pick(['bool', 'long', 'string']), 0),
        })),
      };
    case 'bool':
    case 'long':
    case 'string':
      return { Value: dataOf(random, kind, 0) };
    default:
      return { [kind]: [{ Value: random.chance(0.85) ? textOf(random, kind) : badTextOf(random, kind) }] };
  }
}

function badTextOf(random: Random, kind: Kind): string {
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
