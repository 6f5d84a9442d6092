// base58btc, as multibase `z` carries it. One text per byte string.

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** Work grows with the square of the length; keys need 44. */
const charsMax = 128;

export function toBase58(bytes: Uint8Array): string {
  let value = 0n;
  for (const byte of bytes) value = value * 256n + BigInt(byte);
  let text = '';
  for (; value > 0n; value /= 58n) text = ALPHABET[Number(value % 58n)]! + text;
  // Each leading zero byte is a leading `1`, which the number does not show.
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return '1'.repeat(zeros === -1 ? bytes.length : zeros) + text;
}

const DIGITS = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) DIGITS[ALPHABET.charCodeAt(i)] = i;

/**
 * Null for a foreign character or a text that is too long. No two texts give the same bytes: leading `1`s are zero bytes, and a number
 * has no other spelling. Each digit is carried through the bytes so far, which is quicker than a bigint for a key.
 */
export function fromBase58(text: string): Uint8Array | null {
  if (text.length > charsMax) return null;
  let zeros = 0;
  while (text[zeros] === '1') zeros++;
  // Least significant byte first.
  const bytes = new Uint8Array(text.length);
  let used = 0;
  for (let i = zeros; i < text.length; i++) {
    const code = text.charCodeAt(i);
    let carry = code < 128 ? DIGITS[code]! : -1;
    if (carry < 0) return null;
    for (let at = 0; at < used; at++) {
      carry += bytes[at]! * 58;
      bytes[at] = carry & 0xff;
      carry >>= 8;
    }
    for (; carry > 0; carry >>= 8) bytes[used++] = carry & 0xff;
  }
  const out = new Uint8Array(zeros + used);
  for (let at = 0; at < used; at++) out[zeros + at] = bytes[used - 1 - at]!;
  return out;
}
