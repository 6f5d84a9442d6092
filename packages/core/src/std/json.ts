// JSON values, and RFC 8785 canonical text. The strict reader is strict-json.ts.

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * RFC 8785 (JCS) text of a JSON value.
 * Throws on what JCS cannot carry: non-finite numbers, lone surrogates, integers past 2^53-1, undefined.
 */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return canonicalNumber(value);
  if (typeof value === 'string') return canonicalString(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item as JsonValue)).join(',')}]`;
  if (typeof value !== 'object') throw new TypeError(`canonical JSON cannot carry a value of type ${typeof value}`);
  const object = value as JsonObject;
  // RFC 8785 §3.2.3 sorts by UTF-16 code units, which is what JavaScript's default comparison does.
  const names = Object.keys(object).sort();
  return `{${names.map((name) => `${canonicalString(name)}:${canonicalJson(object[name]!)}`).join(',')}}`;
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError('canonical JSON cannot carry a number that is not finite');
  if (Number.isInteger(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER && Math.abs(value) < 1e21) {
    // Such a number has lost digits on the way in; carrying it on would sign something nobody sent.
    throw new RangeError('canonical JSON cannot carry an integer past 2^53-1');
  }
  return JSON.stringify(value);
}

function canonicalString(value: string): string {
  if (!value.isWellFormed()) throw new RangeError('canonical JSON cannot carry a lone surrogate');
  return JSON.stringify(value);
}
