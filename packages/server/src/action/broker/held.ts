// What a source of credentials gives: fields, an end, and a handle to give it back by. And the one way in which it fails.

import { isJsonObject, type JsonObject, parseStrictJsonText } from '@writ/core';
import type { WebAnswer } from './web.ts';

export interface Held {
  /** `value`; or `username` and `password`. */
  readonly fields: { readonly [field: string]: string };
  /** Null: it does not end by itself, or nobody says when. */
  readonly expiresSeconds: number | null;
  /** How its source calls it; null: there is nothing to give back. No secret: it is kept in the store. */
  readonly handle: string | null;
}

/** There is no credential. The message is for the operator: it names the place and the way out, and no secret. */
export class CredentialFault extends Error {
  override readonly name = 'CredentialFault';
}

/** The answer's JSON object, each name once. What the other side wrote is not repeated: it may hold what it was sent. */
export function objectOf({ text }: WebAnswer, who: string): JsonObject {
  const parsed = parseStrictJsonText(text, 16);
  if (!parsed.ok || !isJsonObject(parsed.value)) throw new CredentialFault(`${who} answered no JSON object`);
  return parsed.value;
}
