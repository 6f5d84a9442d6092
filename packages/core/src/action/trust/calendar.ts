// Calendar days as people and programs write them. A day is a day: time of day and time zone do not count, and a year counts
// only where one is given (rules §3.10). Relative words ("tomorrow") name no day here; they would need a clock.

export interface Day {
  /** Null where the text gives none. */
  readonly year: number | null;
  readonly month: number;
  readonly day: number;
}

export interface FoundDay extends Day {
  readonly start: number;
  readonly end: number;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH =
  '(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?';
const TIME =
  '(?:(?:T|,? +(?:at +)?)\\d{1,2}:\\d{2}(?::\\d{2}(?:[.,]\\d{1,9})?)?(?: ?(?:[ap]m))?(?: ?(?:Z|UTC|GMT|[+-]\\d{2}:?\\d{2}))?)?';
const ORDINAL = '(\\d{1,2})(?:st|nd|rd|th)?';
const YEAR = '(?:,? +(\\d{4}))?';

type Read = (groups: readonly (string | undefined)[]) => readonly Day[];

const number = (text: string | undefined): number => Number(text);
const yearOf = (text: string | undefined): number | null => (text === undefined ? null : Number(text));
const monthOf = (text: string | undefined): number => MONTHS.indexOf(text!.slice(0, 3).toLowerCase()) + 1;

const FORMS: readonly (readonly [form: string, read: Read])[] = [
  ['(\\d{4})-(\\d{1,2})-(\\d{1,2})', ([, y, m, d]) => [{ year: number(y), month: number(m), day: number(d) }]],
  ['(\\d{4})/(\\d{1,2})/(\\d{1,2})', ([, y, m, d]) => [{ year: number(y), month: number(m), day: number(d) }]],
  ['(\\d{1,2})\\.(\\d{1,2})\\.(\\d{4})', ([, d, m, y]) => [{ year: number(y), month: number(m), day: number(d) }]],
  // Read both ways round: either is what a person may have meant, and whoever abuses it gains that one other day.
  [
    '(\\d{1,2})/(\\d{1,2})/(\\d{4})',
    ([, a, b, y]) => [
      { year: number(y), month: number(a), day: number(b) },
      { year: number(y), month: number(b), day: number(a) },
    ],
  ],
  [`${MONTH} +(?:the +)?${ORDINAL}${YEAR}`, ([, m, d, y]) => [{ year: yearOf(y), month: monthOf(m), day: number(d) }]],
  [`${ORDINAL} +(?:of +)?${MONTH}${YEAR}`, ([, d, m, y]) => [{ year: yearOf(y), month: monthOf(m), day: number(d) }]],
];

const SEARCH = FORMS.map(([form, read]) => [new RegExp(`${form}${TIME}`, 'giu'), read] as const);
const WHOLE = FORMS.map(([form, read]) => [new RegExp(`^${form}${TIME}$`, 'iu'), read] as const);

/** Most texts name no day at all, which one look tells. The first forms are of figures alone, the others have a month by name. */
const figureForms = 4;
const FIGURES = /\d[-/.]\d/u;
const MONTH_NAME = new RegExp(MONTHS.join('|'), 'iu');

/** Every day that stands in the text; whether it is bounded there is the caller's question. */
export function daysIn(text: string): readonly FoundDay[] {
  const hasFigures = FIGURES.test(text);
  const hasMonth = MONTH_NAME.test(text);
  return SEARCH.flatMap(([form, read], i) => {
    if (i < figureForms ? !hasFigures : !hasMonth) return [];
    return [...text.matchAll(form)].flatMap((match) =>
      read(match)
        .filter(isDay)
        .map((day) => ({ ...day, start: match.index, end: match.index + match[0].length })),
    );
  });
}

/** The one day that the whole text names, with its year; null when it names none or could be read two ways. */
export function dayOf(text: string): Day | null {
  const trimmed = text.trim();
  const read = WHOLE.flatMap(([form, days]) => {
    const match = form.exec(trimmed);
    return match ? days(match).filter(isDay) : [];
  });
  const [first, ...others] = read;
  if (!first || first.year === null) return null;
  return others.every((other) => sameDay(first, other)) ? first : null;
}

/** Years are compared where both are given. */
export function sameDay(a: Day, b: Day): boolean {
  return a.month === b.month && a.day === b.day && (a.year === null || b.year === null || a.year === b.year);
}

function isDay({ year, month, day }: Day): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  const leap = year === null || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0));
  return day <= [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!;
}
