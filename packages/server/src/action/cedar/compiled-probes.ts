// One operator, straight on values at its edges, with nothing around it that could hide what it does. Deep random expressions
// seldom get as far as the last day of a leap year.

import {
  ALIKE,
  badTextOf,
  dataOf,
  IDS,
  type Json,
  KINDS,
  type Kind,
  LONGS,
  type Random,
  TYPES,
  textOf,
  uidOf,
} from './compiled-samples.ts';

const COMPARISONS = ['<', '<=', '>', '>=', '==', '!='];
const DECIMAL_COMPARISONS = ['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'];
const IP_TESTS = ['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'];
const UNITS = ['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'];
const PIECES = ['a', 'b', 'a', 'b', 'ab', 'ba', 'aba', '😀', '*'];

/** A boolean expression of one or two operators over values written out. */
export function probeOf(random: Random): Json {
  return random.pick(PROBES)(random);
}

const PROBES: readonly ((random: Random) => Json)[] = [
  comparedLongs,
  comparedLongs,
  comparedDatetimes,
  comparedDatetimes,
  comparedDurations,
  comparedUnits,
  comparedDecimals,
  testedIp,
  ipInRange,
  parsed,
  matched,
  matched,
  equalSets,
  equalRecords,
  contained,
  inHierarchy,
  miscounted,
];

function call(name: string, ...args: readonly Json[]): Json {
  return { [name]: args };
}

function binary(operator: string, left: Json, right: Json): Json {
  return { [operator]: { left, right } };
}

function value(json: Json): Json {
  return { Value: json };
}

function made(random: Random, kind: Kind): Json {
  return call(kind, value(textOf(random, kind)));
}

/** A second operand that is often the first, or nearly. */
function near(random: Random, kind: Kind, text: string): Json {
  const other = random.chance(0.3) ? text : (ALIKE.get(text) ?? textOf(random, kind));
  return call(kind, value(random.chance(0.7) ? other : textOf(random, kind)));
}

function comparedLongs(random: Random): Json {
  const long = (): Json => value(random.pick(LONGS));
  const result = random.chance(0.3) ? { neg: { arg: long() } } : binary(random.pick(['+', '-', '*']), long(), long());
  return binary(random.pick(COMPARISONS), result, long());
}

function comparedDatetimes(random: Random): Json {
  const text = textOf(random, 'datetime');
  const at = call('datetime', value(text));
  const moved = random.pick([at, call('toDate', at), call('offset', at, made(random, 'duration'))]);
  return binary(random.pick(COMPARISONS), moved, near(random, 'datetime', text));
}

function comparedDurations(random: Random): Json {
  const text = textOf(random, 'duration');
  const datetime = made(random, 'datetime');
  const since = call('durationSince', datetime, made(random, 'datetime'));
  const left = random.pick([call('duration', value(text)), call('toTime', datetime), since]);
  const right = random.chance(0.1) ? made(random, 'datetime') : near(random, 'duration', text);
  return binary(random.pick(COMPARISONS), left, right);
}

function comparedUnits(random: Random): Json {
  const units = call(random.pick(UNITS), made(random, 'duration'));
  return binary(random.pick(COMPARISONS), units, value(random.pick([-2n, -1n, 0n, 1n, 24n, 26n, ...LONGS])));
}

function comparedDecimals(random: Random): Json {
  const text = textOf(random, 'decimal');
  return call(random.pick(DECIMAL_COMPARISONS), call('decimal', value(text)), near(random, 'decimal', text));
}

function testedIp(random: Random): Json {
  return call(random.pick(IP_TESTS), made(random, 'ip'));
}

function ipInRange(random: Random): Json {
  const text = textOf(random, 'ip');
  return call('isInRange', call('ip', value(text)), near(random, 'ip', text));
}

/** Says no more than whether a text is read, and as what it is written to be. */
function parsed(random: Random): Json {
  const kind = random.pick(['decimal', 'ip', 'datetime', 'duration'] as const);
  const text = random.chance(0.6) ? badTextOf(random, kind) : textOf(random, kind);
  return binary('==', call(kind, value(text)), near(random, kind, text));
}

/** Over two letters, so that the pieces of a pattern overlap in the text; often all but one of them are in it. */
function matched(random: Random): Json {
  const pieces = Array.from({ length: random.below(5) }, () => random.pick(PIECES));
  const pattern = pieces.flatMap((piece): Json[] => {
    const literal = { Literal: piece };
    return random.pick<Json[]>([[literal], ['Wildcard', literal], ['Wildcard', literal], [literal, 'Wildcard']]);
  });
  const left = pieces.filter(() => random.chance(0.8));
  const text = random.chance(0.7) ? left : left.toReversed();
  return { like: { left: value(text.join('')), pattern } };
}

function items(random: Random, max: number): Json[] {
  const few = [random.pick(KINDS), random.pick(KINDS)];
  return Array.from({ length: random.below(max + 1) }, () => literal(random, random.pick(few)));
}

function literal(random: Random, kind: Kind): Json {
  if (kind === 'set') return { Set: items(random, 2) };
  if (kind === 'record') return { Record: { x: value(random.pick(LONGS)), y: value(random.chance(0.5)) } };
  if (kind === 'entity') return value({ __entity: { ...uidOf(random) } });
  if (kind === 'bool' || kind === 'long' || kind === 'string') return value(dataOf(random, kind, 0));
  return made(random, kind);
}

function equalSets(random: Random): Json {
  const all = items(random, random.chance(0.2) ? 12 : 4);
  const some = all.filter(() => random.chance(0.8));
  const operator = random.pick(['==', '==', 'containsAll', 'containsAny']);
  const [a, b]: readonly Json[] = random.chance(0.5) ? [{ Set: all }, { Set: some }] : [{ Set: some }, { Set: all }];
  const repeated = { Set: [...all, ...some].reverse() };
  return binary(operator, a!, random.chance(0.5) ? b! : repeated);
}

function equalRecords(random: Random): Json {
  const fields = { x: literal(random, random.pick(KINDS)), y: value(random.pick(LONGS)) };
  const others: readonly Json[] = [
    { ...fields, z: value(1n) },
    { x: fields.x },
    { y: fields.y, x: fields.x },
    { ...fields, y: value(1n) },
  ];
  const [a, b]: readonly Json[] = [{ Record: fields }, { Record: random.pick(others) }];
  return random.chance(0.5) ? binary('==', a!, b!) : binary('==', b!, a!);
}

function contained(random: Random): Json {
  const all = items(random, random.chance(0.3) ? 14 : 5);
  const last = all.at(-1) ?? value(true);
  return binary('contains', { Set: all }, random.chance(0.6) ? last : literal(random, random.pick(KINDS)));
}

function inHierarchy(random: Random): Json {
  const uid = uidOf(random);
  const twin = { type: random.pick(TYPES), id: uid.id };
  const other = random.pick<Json>([{ ...uid }, twin, { ...uid, id: random.pick(IDS) }]);
  const entity = (json: Json): Json => value({ __entity: json });
  if (random.chance(0.3)) return binary(random.pick(['==', '!=']), entity({ ...uid }), entity(other));
  const group = random.chance(0.5) ? entity(other) : { Set: [entity(other), ...items(random, 1)] };
  return binary('in', random.chance(0.5) ? entity({ ...uid }) : { Var: 'principal' }, group);
}

/** Cedar's grammar counts no arguments of a method; its evaluation does. */
function miscounted(random: Random): Json {
  const decimals = Array.from({ length: 1 + random.below(3) }, () => made(random, 'decimal'));
  const ips = Array.from({ length: 1 + random.below(3) }, () => made(random, 'ip'));
  const name = random.pick([...DECIMAL_COMPARISONS, 'isInRange', ...IP_TESTS]);
  return call(name, ...(DECIMAL_COMPARISONS.includes(name) ? decimals : ips));
}
