// Amounts, to the last cent (rules §2.12).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../std/json.ts';
import { minorUnits, spendOf } from './spend.ts';
import type { ToolTrust } from './trust/manifest.ts';

const pay = (args: ToolTrust['args']): ToolTrust => ({ risk: 4, effect: 'money', args });
const amount = { '/amount': { role: 'value', type: 'number', currency: 'EUR' } } as const;
const EUR = (cents: number) => ({ unit: 'EUR', amount: cents });

test('an amount is counted in minor units of its currency, and never rounded', () => {
  const table: readonly (readonly [string | number | boolean, string, number | null])[] = [
    ...([
      [98.7, 'EUR', 9870],
      ['98.70', 'EUR', 9870],
      [0.1, 'EUR', 10],
      [1e3, 'EUR', 100_000],
    ] as const),
    ...([
      [0.001, 'EUR', null],
      ['1.005', 'EUR', null],
      [1.005, 'KWD', 1005],
      [100, 'JPY', 100],
    ] as const),
    ...([
      [100.5, 'JPY', null],
      [-1, 'EUR', null],
      ['-0', 'EUR', 0],
      [true, 'EUR', null],
    ] as const),
    ...([
      ['1,000', 'EUR', null],
      ['', 'EUR', null],
      [Number.NaN, 'EUR', null],
      ['9'.repeat(20), 'EUR', null],
    ] as const),
  ];
  for (const [value, unit, expected] of table) assert.equal(minorUnits(value, unit), expected, `${value} ${unit}`);
});

test('a tool that pays and does not say how much pays nobody knows what', () => {
  const unknown: readonly (readonly [ToolTrust, JsonObject])[] = [
    [pay({}), { amount: 1 }],
    [pay(amount), {}],
    [pay(amount), { amount: '' }],
    [pay(amount), { amount: 'ten' }],
    [{ risk: 4, effect: 'unknown' }, { anything: 1 }],
    [pay({ '/amount': { role: 'value', currency: { arg: '/currency' } } }), { amount: 1, currency: 'euro' }],
    [pay({ '/amount': { role: 'value', currency: { arg: '/currency' } } }), { amount: 1 }],
  ];
  for (const [tool, args] of unknown) assert.equal(spendOf(tool, args), 'unknown', JSON.stringify(args));
  assert.equal(spendOf({ risk: 0, effect: 'read' }, { amount: 1 }), 'nothing');
});

test('several amounts are one sum; two currencies are none', () => {
  const each = { '/items/*/price': { role: 'value', currency: 'EUR' } } as const;
  assert.deepEqual(spendOf(pay(each), { items: [{ price: 0.1 }, { price: 0.2 }] }), EUR(30));
  const both = { ...amount, '/fee': { role: 'value', currency: { arg: '/in' } } } as const;
  assert.deepEqual(spendOf(pay(both), { amount: 1, fee: 2, in: 'EUR' }), EUR(300));
  assert.equal(spendOf(pay(both), { amount: 1, fee: 2, in: 'USD' }), 'unknown');
});

test('an argument that hides the amount deeper is still counted', () => {
  assert.deepEqual(spendOf(pay(amount), { amount: [{ value: 5 }, 6] }), EUR(1100));
});
