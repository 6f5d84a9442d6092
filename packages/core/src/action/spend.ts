// What a call spends, read from its arguments as the manifest says (rules §2.12). Exact: money is never counted in floats, and an
// amount that cannot be read is no amount.

import { parseDecimal } from '../std/decimal.ts';
import type { JsonObject } from '../std/json.ts';
import { valueAt } from '../std/pointer.ts';
import { CURRENCY } from '../token/budget.ts';
import type { ToolTrust } from './trust/manifest.ts';
import { argumentLeaves } from './trust/roles.ts';

/** `unknown`: it may spend, and nobody can say how much. */
export type Spend = 'nothing' | 'unknown' | { readonly unit: string; readonly amount: number };

export function spendOf({ effect, args = {} }: ToolTrust, given: JsonObject): Spend {
  // A payment that names no amount pays whatever the tool thinks.
  const unsaid: Spend = effect === 'money' || effect === 'unknown' ? 'unknown' : 'nothing';
  const priced = Object.entries(args).filter(([, rule]) => rule.currency !== undefined);
  if (priced.length === 0) return unsaid;
  const found: Exclude<Spend, string>[] = [];
  for (const [pointer, rule] of priced) {
    const unit = typeof rule.currency === 'string' ? rule.currency : valueAt(given, rule.currency!.arg);
    if (typeof unit !== 'string' || !CURRENCY.test(unit)) return 'unknown';
    const leaves = argumentLeaves(given, { [pointer]: rule }).filter(({ role }) => role === 'value');
    for (const { value } of leaves) {
      const amount = minorUnits(value, unit);
      if (amount === null || found.some((one) => one.unit !== unit)) return 'unknown';
      found.push({ unit, amount });
    }
  }
  const [first] = found;
  if (!first) return unsaid;
  const amount = found.reduce((sum, one) => sum + one.amount, 0);
  return Number.isSafeInteger(amount) ? { unit: first.unit, amount } : 'unknown';
}

/** Digits after the point where they are not two (ISO 4217). */
const EXPONENTS: { readonly [unit: string]: number } = {
  ...Object.fromEntries(['BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW'].map((unit) => [unit, 0])),
  ...Object.fromEntries(['PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'].map((unit) => [unit, 0])),
  ...Object.fromEntries(['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'].map((unit) => [unit, 3])),
};

/** An amount of at least nothing in whole minor units of a currency; null for what is none. */
export function minorUnits(value: string | number | boolean, unit: string): number | null {
  const decimal = typeof value === 'boolean' ? null : parseDecimal(String(value));
  if (decimal === null || decimal.digits < 0n) return null;
  const places = EXPONENTS[unit] ?? 2;
  const shift = places - decimal.scale;
  const exact =
    shift >= 0 ? decimal.digits * 10n ** BigInt(shift) : dividedExactly(decimal.digits, 10n ** BigInt(-shift));
  return exact === null || exact > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(exact);
}

/** A fraction of a cent is not rounded, in nobody's favour. */
function dividedExactly(digits: bigint, by: bigint): bigint | null {
  return digits % by === 0n ? digits / by : null;
}
