// Ids that are secrets are stored as their hash: whoever reads the database can redeem nothing.

import { hash } from 'node:crypto';

/** SHA-256, base64url. For random ids of at least 128 bits, so without salt. */
export function hashed(id: string): string {
  return hash('sha256', id, 'base64url');
}
