// Cedar's `datetime` and `duration`: 64 bits of milliseconds, and every way past them is a failure. The calendar is the
// proleptic Gregorian one, years 0000 to 9999 in text; there are no leap seconds.

import { type CedarDatetime, type CedarDuration, type Fault, fault, isLong } from './value.ts';

const dayMillis = 86_400_000n;
const DATETIME =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?(?:Z|([+-])([0-9]{2})([0-9]{2})))?$/;
// Twenty digits past leading zeros are more than 64 bits hold, and bound the work.
const DURATION =
  /^(-?)(?=.)(?:0*([0-9]{1,20})d)?(?:0*([0-9]{1,20})h)?(?:0*([0-9]{1,20})m)?(?:0*([0-9]{1,20})s)?(?:0*([0-9]{1,20})ms)?$/;
const UNREADABLE_DATETIME = fault('extension', '`datetime` could not read its argument');
const UNREADABLE_DURATION = fault('extension', '`duration` could not read its argument');

export function datetimeOf(text: string): CedarDatetime | Fault {
  const found = DATETIME.exec(text);
  if (!found) return UNREADABLE_DATETIME;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millis = 0] = found.slice(1, 8).map(numberOf);
  const sign = found[8];
  const [offsetHours = 0, offsetMinutes = 0] = found.slice(9).map(numberOf);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return UNREADABLE_DATETIME;
  if (hour > 23 || minute > 59 || second > 59) return UNREADABLE_DATETIME;
  if (offsetHours > 23 || offsetMinutes > 59) return UNREADABLE_DATETIME;
  const offset = (offsetHours * 60 + offsetMinutes) * (sign === '-' ? -60 : 60);
  const seconds = daysSinceEpoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
  return { kind: 'datetime', millis: BigInt(seconds * 1000 + millis) };
}

function numberOf(digits: string | undefined): number {
  return Number(digits ?? 0);
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days before the first of each month in a common year. */
const DAYS_BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
/** From 0000-01-01 to 1970-01-01. */
const epochDays = 719_528;

function daysSinceEpoch(year: number, month: number, day: number): number {
  // Leap days of the years before this one, 0000 being one.
  const leapDays = Math.ceil(year / 4) - Math.ceil(year / 100) + Math.ceil(year / 400);
  const leapDay = month > 2 && isLeap(year) ? 1 : 0;
  return year * 365 + leapDays + DAYS_BEFORE[month - 1]! + leapDay + day - 1 - epochDays;
}

const UNITS_MILLIS = [dayMillis, 3_600_000n, 60_000n, 1000n, 1n];

export function durationOf(text: string): CedarDuration | Fault {
  const found = DURATION.exec(text);
  if (!found) return UNREADABLE_DURATION;
  const parts = found.slice(2).map((digits) => BigInt(digits ?? 0));
  const sum = parts.reduce((total, part, i) => total + part * UNITS_MILLIS[i]!, 0n);
  const millis = found[1] ? -sum : sum;
  return isLong(millis) ? { kind: 'duration', millis } : UNREADABLE_DURATION;
}

export function datetimeAt(millis: bigint, call: string): CedarDatetime | Fault {
  return isLong(millis) ? { kind: 'datetime', millis } : fault('extension', `\`${call}\` overflows`);
}

export function durationFor(millis: bigint, call: string): CedarDuration | Fault {
  return isLong(millis) ? { kind: 'duration', millis } : fault('extension', `\`${call}\` overflows`);
}

/** Milliseconds since midnight UTC, never negative. */
export function timeOfDayMillis(millis: bigint): bigint {
  const rest = millis % dayMillis;
  return rest < 0n ? rest + dayMillis : rest;
}
