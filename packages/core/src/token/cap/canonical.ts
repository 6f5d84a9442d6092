// JSON inside a token has one spelling: canonical (RFC 8785). Two would be two tokens with one meaning.

import { utf8Text } from '../../std/bytes.ts';
import { canonicalJson, type JsonValue } from '../../std/json.ts';
import { parseStrictJson } from '../../std/strict-json.ts';

const bounds = { depthMax: 24, bytesMax: 12 * 1024 };

/** The value, or undefined for anything that is not canonical. */
export function canonicalValue(bytes: Uint8Array): JsonValue | undefined {
  const parsed = parseStrictJson(bytes, bounds);
  if (!parsed.ok) return undefined;
  try {
    return canonicalJson(parsed.value) === utf8Text(bytes) ? parsed.value : undefined;
  } catch {
    return undefined; // a number that canonical JSON cannot carry
  }
}
