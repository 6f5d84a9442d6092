// `sha256:<hex>` over bytes as they travelled.

import { createHash } from 'node:crypto';

export function digestOfBytes(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
