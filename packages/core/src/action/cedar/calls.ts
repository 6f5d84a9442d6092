// The extension functions and methods of Cedar 4.5 by name. Arguments are values already; a wrong count or type is a failure.

import { datetimeAt, datetimeOf, durationFor, durationOf, timeOfDayMillis } from './datetime.ts';
import { decimalOf } from './decimal.ts';
import { ipOf, isInRange, isLoopback, isMulticast, isV4 } from './ip.ts';
import {
  type CedarDatetime,
  type CedarDecimal,
  type CedarDuration,
  type CedarIp,
  fault,
  type Result,
  type Value,
} from './value.ts';

interface Types {
  readonly string: string;
  readonly decimal: CedarDecimal;
  readonly ipaddr: CedarIp;
  readonly datetime: CedarDatetime;
  readonly duration: CedarDuration;
}

export type Call = (args: readonly Value[]) => Result;

function unary<T extends keyof Types>(name: string, type: T, apply: (arg: Types[T]) => Result): [string, Call] {
  return [
    name,
    (args) => {
      const [arg] = args;
      if (args.length !== 1 || arg === undefined) return wrongCount(name, 1);
      return isType(arg, type) ? apply(arg) : wrongType(name, type);
    },
  ];
}

function binary<A extends keyof Types, B extends keyof Types>(
  name: string,
  [first, second]: readonly [A, B],
  apply: (a: Types[A], b: Types[B]) => Result,
): [string, Call] {
  return [
    name,
    (args) => {
      const [a, b] = args;
      if (args.length !== 2 || a === undefined || b === undefined) return wrongCount(name, 2);
      if (!isType(a, first)) return wrongType(name, first);
      return isType(b, second) ? apply(a, b) : wrongType(name, second);
    },
  ];
}

function isType<T extends keyof Types>(value: Value, type: T): value is Types[T] & Value {
  return typeof value === 'object' ? value.kind === type : typeof value === type;
}

function wrongCount(name: string, expected: number): Result {
  return fault('arity', `\`${name}\` takes ${expected} argument${expected === 1 ? '' : 's'}, its object included`);
}

function wrongType(name: string, type: string): Result {
  return fault('type', `type error: \`${name}\` takes ${type === 'ipaddr' ? 'an' : 'a'} ${type}`);
}

/** A truncated quotient, as Cedar divides durations. */
function whole(unitMillis: bigint): (duration: CedarDuration) => bigint {
  return ({ millis }) => millis / unitMillis;
}

export const CALLS: ReadonlyMap<string, Call> = new Map([
  unary('decimal', 'string', decimalOf),
  binary('lessThan', ['decimal', 'decimal'], (a, b) => a.scaled < b.scaled),
  binary('lessThanOrEqual', ['decimal', 'decimal'], (a, b) => a.scaled <= b.scaled),
  binary('greaterThan', ['decimal', 'decimal'], (a, b) => a.scaled > b.scaled),
  binary('greaterThanOrEqual', ['decimal', 'decimal'], (a, b) => a.scaled >= b.scaled),
  unary('ip', 'string', ipOf),
  unary('isIpv4', 'ipaddr', isV4),
  unary('isIpv6', 'ipaddr', (ip) => !isV4(ip)),
  unary('isLoopback', 'ipaddr', isLoopback),
  unary('isMulticast', 'ipaddr', isMulticast),
  binary('isInRange', ['ipaddr', 'ipaddr'], isInRange),
  unary('datetime', 'string', datetimeOf),
  unary('duration', 'string', durationOf),
  binary('offset', ['datetime', 'duration'], (at, by) => datetimeAt(at.millis + by.millis, 'offset')),
  binary('durationSince', ['datetime', 'datetime'], (at, since) =>
    durationFor(at.millis - since.millis, 'durationSince'),
  ),
  unary('toDate', 'datetime', ({ millis }) => datetimeAt(millis - timeOfDayMillis(millis), 'toDate')),
  unary('toTime', 'datetime', ({ millis }) => durationFor(timeOfDayMillis(millis), 'toTime')),
  unary('toMilliseconds', 'duration', whole(1n)),
  unary('toSeconds', 'duration', whole(1000n)),
  unary('toMinutes', 'duration', whole(60_000n)),
  unary('toHours', 'duration', whole(3_600_000n)),
  unary('toDays', 'duration', whole(86_400_000n)),
]);
