// Tokens as an attacker would make them, and as a mistaken issuer might: changed claims under the old signature, no signature,
// a stranger's, or the issuer's very own. What the issuer itself signed has to be refused for what it says.

import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { type JsonObject, type JsonValue, toBase64Url, utf8 } from '@writ/core';
import type { Keys } from '../../packages/server/src/token/keys.ts';

export interface Forgery {
  /** Members to replace; null takes one away. */
  readonly header: JsonObject;
  /** JSON pointer → value, null takes it away. */
  readonly claims: JsonObject;
  readonly signed: 'kept' | 'no' | 'issuer' | 'stranger' | 'context' | 'hmac';
}

export function forge(token: string, { header, claims, signed }: Forgery, keys: Keys): string {
  const [head, body, tail] = token.split('.') as [string, string, string];
  const changedHead = { ...decode(head), ...header };
  for (const [name, value] of Object.entries(changedHead)) if (value === null) delete changedHead[name];
  const changedBody = edited(decode(body), claims) as JsonObject;
  const input = `${encode(changedHead)}.${encode(changedBody)}`;
  return `${input}.${signature(signed, utf8(input), tail, keys)}`;
}

function signature(signed: Forgery['signed'], input: Uint8Array, old: string, keys: Keys): string {
  switch (signed) {
    case 'kept':
      return old;
    case 'no':
      return '';
    case 'issuer':
      return toBase64Url(keys.token.sign(input));
    case 'context':
      return toBase64Url(keys.context.sign(input));
    case 'stranger':
      return toBase64Url(sign(null, input, generateKeyPairSync('ed25519').privateKey));
    case 'hmac': {
      // RFC 8725 §2.1: the public key, taken for a shared secret.
      const { publicKey } = keys.token;
      assert.ok('x' in publicKey);
      return createHmac('sha256', publicKey.x).update(input).digest('base64url');
    }
  }
}

export function decode(part: string): { [member: string]: JsonValue } {
  return JSON.parse(Buffer.from(part, 'base64url').toString());
}

function encode(value: JsonObject): string {
  return toBase64Url(utf8(JSON.stringify(value)));
}

/** A copy with values replaced by JSON pointer (RFC 6901); null takes one away. A path that leads nowhere is an error. */
export function edited(value: JsonValue, changes: JsonObject): JsonValue {
  const copy = structuredClone(value) as { [member: string]: JsonValue };
  for (const [pointer, to] of Object.entries(changes)) {
    const steps = pointer
      .slice(1)
      .split('/')
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop()!;
    const holder = steps.reduce((at, step) => at?.[step] as { [member: string]: JsonValue }, copy);
    assert.ok(typeof holder === 'object' && holder !== null, `nothing stands at \`${pointer}\``);
    if (Array.isArray(holder) && last === '-') holder.push(to);
    else if (to === null) delete holder[last];
    else holder[last] = to;
  }
  return copy;
}
