// Cedar's `decimal`: 64 bits with four fraction digits. Text needs digits on both sides of the point.

import { type CedarDecimal, type Fault, fault, isLong } from './value.ts';

const fractionDigits = 4;
// Nineteen digits past leading zeros are more than 64 bits hold, and bound the work.
const FORM = /^(-?)0*([0-9]{1,19})\.([0-9]{1,4})$/;
const UNREADABLE = fault('extension', '`decimal` could not read its argument');

export function decimalOf(text: string): CedarDecimal | Fault {
  const found = FORM.exec(text);
  if (!found) return UNREADABLE;
  const [, sign, whole, fraction] = found;
  const digits = BigInt(`${whole}${fraction!.padEnd(fractionDigits, '0')}`);
  const scaled = sign ? -digits : digits;
  return isLong(scaled) ? { kind: 'decimal', scaled } : UNREADABLE;
}
