import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dayOf, daysIn } from './calendar.ts';

const days: [text: string, day: string | null][] = [
  ['2024-05-19', '2024-5-19'],
  ['2024-05-19T10:00:00Z', '2024-5-19'],
  ['2024-05-19 10:00', '2024-5-19'],
  ['2024/5/9', '2024-5-9'],
  ['19.05.2024', '2024-5-19'],
  ['May 19, 2024', '2024-5-19'],
  ['Sept. 3rd 2024', '2024-9-3'],
  ['19th of May 2024', '2024-5-19'],
  ['19/05/2024', '2024-5-19'],
  ['05/05/2024', '2024-5-5'],
  ['05/06/2024', null], // two days
  ['May 19', null], // no year
  ['2024-02-30', null],
  ['2023-02-29', null],
  ['2024-02-29', '2024-2-29'],
  ['2024-13-01', null],
  ['2024-05-19/2024-05-20', null],
  ['tomorrow', null],
];

describe('a text names one day', () => {
  for (const [text, day] of days) {
    test(`${JSON.stringify(text)}: ${day ?? 'no'}`, () => {
      const found = dayOf(text);
      assert.equal(found === null ? null : `${found.year}-${found.month}-${found.day}`, day);
    });
  }
});

test('days in a text have places, and a year only where one is given', () => {
  const found = daysIn('from May 19th to 2024-05-21').map(({ year, month, day, start }) => [year, month, day, start]);
  assert.deepEqual(
    found.toSorted((a, b) => a[3]! - b[3]!),
    [
      [null, 5, 19, 5],
      [2024, 5, 21, 17],
    ],
  );
});

test('an ambiguous day in a text is read both ways', () => {
  assert.deepEqual(
    daysIn('05/06/2024').map(({ month, day }) => [month, day]),
    [
      [5, 6],
      [6, 5],
    ],
  );
});
