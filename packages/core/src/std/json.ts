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
  if (typeof value === 'string') return canonicalString(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return canonicalNumber(value);
  const fixed = fixedTexts.get(value);
  if (fixed !== undefined) return fixed;
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[]) text += `${text === '' ? '' : ','}${canonicalJson(item)}`;
    return `[${text}]`;
  }
  if (typeof value !== 'object') throw new TypeError(`canonical JSON cannot carry a value of type ${typeof value}`);
  const object = value as JsonObject;
  for (const name of sorted(Object.keys(object))) {
    text += `${text === '' ? '' : ','}${canonicalString(name)}:${canonicalJson(object[name]!)}`;
  }
  return `{${text}}`;
}

const fixedTexts = new WeakMap<object, string>();

/** Freezes a value that will be written again and again, all the way down, so that its canonical text is worked out once. */
export function fixedJson<T extends readonly JsonValue[] | JsonObject>(value: T): T {
  freeze(value);
  fixedTexts.set(value, canonicalJson(value));
  return value;
}

function freeze(value: JsonValue): void {
  if (typeof value !== 'object' || value === null) return;
  for (const inner of Object.values(value)) freeze(inner as JsonValue);
  Object.freeze(value);
}

/** In place, by UTF-16 code units (RFC 8785 §3.2.3). Insertion wins for the few names of a usual object, many in order already. */
function sorted(names: string[]): readonly string[] {
  if (names.length > 40) return names.sort();
  for (let i = 1; i < names.length; i++) {
    const name = names[i]!;
    let at = i;
    for (; at > 0 && names[at - 1]! > name; at--) names[at] = names[at - 1]!;
    names[at] = name;
  }
  return names;
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError('canonical JSON cannot carry a number that is not finite');
  if (Number.isInteger(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER && Math.abs(value) < 1e21) {
    // Such a number has lost digits on the way in; carrying it on would sign something nobody sent.
    throw new RangeError('canonical JSON cannot carry an integer past 2^53-1');
  }
  return JSON.stringify(value);
}

// Printable ASCII without quote and backslash stands for itself; that is nearly every text here.
const needsCare = /[^ !#-[\]-~]/;

function canonicalString(value: string): string {
  if (!needsCare.test(value)) return `"${value}"`;
  if (!value.isWellFormed()) throw new RangeError('canonical JSON cannot carry a lone surrogate');
  return JSON.stringify(value);
}
