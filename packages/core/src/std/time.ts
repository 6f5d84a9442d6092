// Times as RFC 3339 writes them: UTC, whole seconds since 1970. Arithmetic only: nothing here knows what time it is.

/** 9999-12-31T23:59:59Z. RFC 3339 §1 has no later year, and a `Date` none at all much further on. */
export const secondsMax = 253_402_300_799;

/** Whole seconds that can be written as a time: what others wrote is held to this where it is read. */
export function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= secondsMax;
}

/** `2026-12-31T00:00:00Z`. A RangeError for what `isSeconds` refuses by far. */
export function isoSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

// In UTC, to the second or finer; the calendar is checked by writing it back.
const TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?Z$/;

/** Seconds since 1970 of an RFC 3339 time in UTC, rounded down, or null. */
export function secondsOf(value: unknown): number | null {
  const found = typeof value === 'string' ? TIME.exec(value) : null;
  const millis = found ? Date.parse(`${found[1]}Z`) : Number.NaN;
  return Number.isNaN(millis) || isoSeconds(millis / 1000) !== `${found![1]}Z` ? null : millis / 1000;
}
