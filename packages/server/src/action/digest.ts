// `sha256:<hex>` over RFC 8785 text: one value, one digest, whatever the order of its members.

import { createHash } from 'node:crypto';
import { canonicalJson, type JsonValue } from '@writ/core';

/** Throws on what canonical JSON cannot carry: lone surrogates, integers past 2^53-1. */
export function digestOf(value: unknown): string {
  return `sha256:${createHash('sha256')
    .update(canonicalJson(value as JsonValue))
    .digest('hex')}`;
}
