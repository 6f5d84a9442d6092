// The one strict parse (rules §5): valid UTF-8, no duplicate names, bounded depth and size, nothing after the value.
// Two parsers that disagree about a body are a way round policy, so what another parser might read differently is refused.

import { utf8Text } from './bytes.ts';
import type { JsonValue } from './json.ts';

export interface JsonBounds {
  readonly depthMax: number;
  readonly bytesMax: number;
}

export const JSON_BOUNDS: JsonBounds = { depthMax: 64, bytesMax: 4 * 1024 * 1024 };

export type JsonFault = {
  readonly fault:
    | 'too_large'
    | 'not_utf8'
    | 'syntax'
    | 'duplicate_name'
    | 'too_deep'
    | 'number_unsafe'
    | 'lone_surrogate';
  /** Byte or character offset where reading stopped. */
  readonly offset: number;
};

export type JsonResult = { readonly ok: true; readonly value: JsonValue } | ({ readonly ok: false } & JsonFault);

export function parseStrictJson(bytes: Uint8Array, bounds: JsonBounds = JSON_BOUNDS): JsonResult {
  if (bytes.length > bounds.bytesMax) return { ok: false, fault: 'too_large', offset: bounds.bytesMax };
  const text = utf8Text(bytes);
  if (text === null) return { ok: false, fault: 'not_utf8', offset: 0 };
  return parseStrictJsonText(text, bounds.depthMax);
}

class Fault extends Error {
  readonly fault: JsonFault['fault'];
  readonly offset: number;
  constructor(fault: JsonFault['fault'], offset: number) {
    super(fault);
    this.fault = fault;
    this.offset = offset;
  }
}

export function parseStrictJsonText(text: string, depthMax: number = JSON_BOUNDS.depthMax): JsonResult {
  const reader = new Reader(text, depthMax);
  try {
    const value = reader.value(0);
    reader.space();
    if (reader.at !== text.length) return { ok: false, fault: 'syntax', offset: reader.at };
    return { ok: true, value };
  } catch (error) {
    if (error instanceof Fault) return { ok: false, fault: error.fault, offset: error.offset };
    throw error;
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// Runs of ordinary characters; a quote, a backslash or a control character ends one.
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 §7 forbids exactly these
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: { readonly [letter: string]: string } = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Reader {
  at = 0;
  readonly text: string;
  readonly depthMax: number;
  constructor(text: string, depthMax: number) {
    this.text = text;
    this.depthMax = depthMax;
  }

  space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) this.at++;
      else return;
    }
  }

  value(depth: number): JsonValue {
    if (depth > this.depthMax) throw new Fault('too_deep', this.at);
    this.space();
    const first = this.text[this.at];
    if (first === '{') return this.object(depth);
    if (first === '[') return this.array(depth);
    if (first === '"') return this.string();
    if (first === 't') return this.word('true', true);
    if (first === 'f') return this.word('false', false);
    if (first === 'n') return this.word('null', null);
    return this.number();
  }

  object(depth: number): JsonValue {
    // No prototype: a member called __proto__ is a member like any other.
    const object: Record<string, JsonValue> = Object.create(null);
    this.at++;
    this.space();
    if (this.text[this.at] === '}') {
      this.at++;
      return object;
    }
    for (;;) {
      this.space();
      const start = this.at;
      if (this.text[this.at] !== '"') throw new Fault('syntax', this.at);
      const name = this.string();
      if (Object.hasOwn(object, name)) throw new Fault('duplicate_name', start);
      this.space();
      if (this.text[this.at++] !== ':') throw new Fault('syntax', this.at - 1);
      object[name] = this.value(depth + 1);
      this.space();
      const next = this.text[this.at++];
      if (next === '}') return object;
      if (next !== ',') throw new Fault('syntax', this.at - 1);
    }
  }

  array(depth: number): JsonValue {
    const items: JsonValue[] = [];
    this.at++;
    this.space();
    if (this.text[this.at] === ']') {
      this.at++;
      return items;
    }
    for (;;) {
      items.push(this.value(depth + 1));
      this.space();
      const next = this.text[this.at++];
      if (next === ']') return items;
      if (next !== ',') throw new Fault('syntax', this.at - 1);
    }
  }

  string(): string {
    const start = this.at++;
    let text = '';
    for (;;) {
      const from = this.at;
      PLAIN.lastIndex = from;
      PLAIN.test(this.text);
      this.at = PLAIN.lastIndex;
      text += this.text.slice(from, this.at);
      const next = this.text[this.at++];
      if (next === '"') break;
      if (next !== '\\') throw new Fault('syntax', this.at - 1);
      text += this.escape();
    }
    if (!text.isWellFormed()) throw new Fault('lone_surrogate', start);
    return text;
  }

  escape(): string {
    const letter = this.text[this.at++];
    if (letter === 'u') {
      const hex = this.text.slice(this.at, this.at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw new Fault('syntax', this.at);
      this.at += 4;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const plain = letter === undefined ? undefined : ESCAPES[letter];
    if (plain === undefined) throw new Fault('syntax', this.at - 1);
    return plain;
  }

  number(): number {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text);
    if (!found) throw new Fault('syntax', this.at);
    const value = Number(found[0]);
    // A whole number that JavaScript cannot hold would be judged as one value and used as another.
    if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER)) {
      throw new Fault('number_unsafe', this.at);
    }
    this.at = NUMBER.lastIndex;
    return value;
  }

  word<T extends boolean | null>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw new Fault('syntax', this.at);
    this.at += word.length;
    return value;
  }
}
