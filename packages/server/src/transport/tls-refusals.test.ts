import assert from 'node:assert/strict';
import { test } from 'node:test';
import { denial } from '@writ/core';
import { type CountedRefusal, refusalCounter } from './tls-refusals.ts';

function counter(entriesMax?: number) {
  const clock = { now: 1_800_000_030, nowSeconds: () => clock.now };
  const counted: CountedRefusal[] = [];
  const refusals = refusalCounter({
    clock,
    onCounted: (entry) => void counted.push(entry),
    ...(entriesMax ? { entriesMax } : {}),
  });
  const brief = () =>
    counted.map(({ code, source, minuteSeconds, count }) => [code, source, minuteSeconds - 1_800_000_000, count]);
  return { clock, refusals, counted, brief };
}

test('refusals of one minute become one entry per reason and source', () => {
  const { clock, refusals, counted, brief } = counter();
  refusals.count(denial('transport.certificate_missing', { cause: 'first' }), { source: '192.0.2.1' });
  refusals.count(denial('transport.certificate_missing', { cause: 'second' }), { source: '192.0.2.1' });
  refusals.count(denial('transport.certificate_expired'), { source: '192.0.2.1' });
  refusals.count(denial('transport.certificate_missing'), { source: '192.0.2.2' });
  refusals.flush();
  assert.deepEqual(brief(), [], 'the minute is not over');
  clock.now += 30;
  refusals.count(denial('transport.certificate_missing'), { source: '192.0.2.1' });
  assert.deepEqual(brief(), [
    ['transport.certificate_missing', '192.0.2.1', 0, 2],
    ['transport.certificate_expired', '192.0.2.1', 0, 1],
    ['transport.certificate_missing', '192.0.2.2', 0, 1],
  ]);
  assert.deepEqual(counted[0]!.first.detail, { cause: 'first' });
  refusals.flush({ all: true });
  assert.deepEqual(brief().at(-1), ['transport.certificate_missing', '192.0.2.1', 60, 1]);
});

test('a flood from a thousand sources stays within the bound, and none of it goes uncounted', () => {
  const { refusals, counted } = counter(10);
  for (let i = 0; i < 1000; i++) refusals.count(denial('transport.certificate_missing'), { source: `192.0.2.${i}` });
  refusals.count(denial('transport.certificate_expired'), { source: '198.51.100.1' });
  refusals.flush({ all: true });
  assert.ok(counted.length <= 12, `${counted.length} entries`);
  assert.equal(
    counted.reduce((sum, { count }) => sum + count, 0),
    1001,
  );
  assert.equal(
    counted.find(({ code, source }) => code === 'transport.certificate_missing' && source === 'other')?.count,
    990,
  );
});
