// Exact decimals: money is never compared as a float.

export interface Decimal {
  /** The value is `digits × 10^-scale`. */
  readonly digits: bigint;
  readonly scale: number;
}

/** Sign, whole, fraction, exponent. Bounded, since the text is anybody's. */
export const DECIMAL = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?$/;

/** A plain or exponent decimal of bounded length, or null. */
export function parseDecimal(text: string): Decimal | null {
  const found = DECIMAL.exec(text);
  if (!found) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = found;
  const digits = BigInt(`${sign}${whole}${fraction}`);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** Below, equal, above: -1, 0, 1. */
export function compareDecimal(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const scale = Math.max(a.scale, b.scale);
  const left = a.digits * 10n ** BigInt(scale - a.scale);
  const right = b.digits * 10n ** BigInt(scale - b.scale);
  return left < right ? -1 : left > right ? 1 : 0;
}
