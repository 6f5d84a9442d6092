// Passwords as they are kept: scrypt (RFC 7914), its parameters in the text, so that they can grow and old ones stay readable.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

export interface Cost {
  /** Binary logarithm of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** OWASP Password Storage Cheat Sheet: N=2^15, r=8, p=3, which needs 32 MiB. */
export const COST: Cost = { ln: 15, r: 8, p: 3 };

const hashBytes = 32;
const saltBytes = 16;
/** NIST SP 800-63B-4 §3.1.1.2, where a password stands alone. */
const passwordCharsMin = 15;
const passwordCharsMax = 256;
// A file with other parameters is a mistake, or somebody who wants a sign-in to take all memory.
const STORED = /^\$scrypt\$ln=(1[0-8]),r=([1-9]|1[0-6]),p=([1-8])\$([A-Za-z0-9_-]{22,64})\$([A-Za-z0-9_-]{43})$/;

/** `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, base64url. */
export async function hashPassword(password: string, cost: Cost = COST): Promise<string> {
  const salt = randomBytes(saltBytes);
  const derived = await derive(password, salt, cost);
  const { ln, r, p } = cost;
  return `$scrypt$ln=${ln},r=${r},p=${p}$${salt.toString('base64url')}$${derived.toString('base64url')}`;
}

/** Throws when the stored text is not one that `hashPassword` made. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const match = STORED.exec(stored);
  if (!match) throw new Error('a stored password has another form than `$scrypt$ln=…,r=…,p=…$<salt>$<hash>`');
  const [ln, r, p] = match.slice(1, 4).map(Number) as [number, number, number];
  if (password.length > passwordCharsMax) return false;
  const derived = await derive(password, Buffer.from(match[4]!, 'base64url'), { ln, r, p });
  return timingSafeEqual(derived, Buffer.from(match[5]!, 'base64url'));
}

/** Why this cannot be a password, for the person who chose it; null when it can. */
export function passwordProblem(password: string, user: string): string | null {
  const { length } = [...password.normalize('NFKC')];
  if (length < passwordCharsMin)
    return `Choose a password of at least ${passwordCharsMin} characters; a sentence is good.`;
  if (password.length > passwordCharsMax) return `Choose a password of at most ${passwordCharsMax} characters.`;
  if (new Set(password).size < 5) return 'Choose a password with more different characters.';
  return password.toLowerCase() === user.toLowerCase() ? 'Choose a password that is not your name.' : null;
}

function derive(password: string, salt: Uint8Array, { ln, r, p }: Cost): Promise<Buffer> {
  const N = 2 ** ln;
  return new Promise((resolve, reject) => {
    // The same password typed on two keyboards may differ in its code points. NIST SP 800-63B-4 §3.1.1.2.
    scrypt(password.normalize('NFKC'), salt, hashBytes, { N, r, p, maxmem: 256 * N * r }, (error, derived) =>
      error ? reject(error) : resolve(derived),
    );
  });
}
