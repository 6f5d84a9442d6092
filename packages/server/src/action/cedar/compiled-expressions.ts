// Random expressions in Cedar's JSON policy format, mostly of the type that is asked for. Deep ones meet how failures travel;
// what an operator does at its edges is met in compiled-probes.ts.

import {
  ALIKE,
  badTextOf,
  dataOf,
  type Json,
  KINDS,
  type Kind,
  NAMES,
  type Random,
  TYPES,
  textOf,
  uidOf,
} from './compiled-samples.ts';

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
