// What an upstream answered, held against what its document declares: status, media type, headers. Anything else goes to nobody.

import {
  blanketRules,
  errorOutputs,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseStrictJsonText,
} from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import type { OutputPart } from '../tasks-port.ts';
import type { Layout } from './api.ts';
import { textIn } from './units.ts';
import type { Arrived } from './upstream.ts';

export interface Head {
  readonly status: number;
  /** Null: there is no body. */
  readonly type: string | null;
  readonly form: 'json' | 'text' | 'lines' | 'events' | 'bytes';
  /** Declared headers beside the content type. */
  readonly headers: { readonly [name: string]: string };
}

type Rules = OutputPart['rules'];

const depthMax = 128;

/** Throws UpstreamError with the reason for the operator. */
export function headOf({ method, answers }: Layout, { status, headers }: Arrived): Head {
  if (status === 401 || status === 403) {
    // What it says to that is about the gateway's credential, not about the caller.
    throw new UpstreamError(`the upstream refused the gateway's credential: HTTP ${status}`);
  }
  if (status >= 300 && status < 400) {
    throw new UpstreamError(`the upstream redirects, which is not followed: HTTP ${status}`);
  }
  const declared =
    answers.get(String(status)) ?? answers.get(`${Math.floor(status / 100)}XX`) ?? answers.get('default');
  if (!declared) throw new UpstreamError(`the upstream answered HTTP ${status}, which its document does not declare`);
  if ((one(headers['content-encoding']) ?? 'identity') !== 'identity') {
    throw new UpstreamError('the upstream answered in a coding that was not asked for');
  }
  const passed = declared.headers.flatMap((name) => {
    const value = one(headers[name]);
    return value === null || !/^[\t\x20-\x7e]*$/.test(value) ? [] : [[name, value] as const];
  });
  const about = { status, headers: Object.fromEntries(passed) };
  const isBare = method === 'HEAD' || status === 204 || status === 205 || one(headers['content-length']) === '0';
  const written = one(headers['content-type']);
  if (isBare || (written === null && declared.types.length === 0)) return { ...about, type: null, form: 'bytes' };
  const [type = '', ...parameters] = (written ?? '').toLowerCase().split(';');
  const name = type.trim();
  if (!declared.types.includes(name)) {
    throw new UpstreamError(
      `the upstream answered \`${name || 'no media type'}\`, which its document does not declare`,
    );
  }
  const form = formOf(name);
  const foreign = parameters.find((one) => /^\s*charset\s*=/.test(one) && !/=\s*"?(?:utf-8|us-ascii)"?\s*$/.test(one));
  if (foreign !== undefined && form !== 'bytes') throw new UpstreamError('the upstream answered in another charset');
  return { ...about, type: name, form };
}

function one(value: string | string[] | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function formOf(type: string): Head['form'] {
  if (type === 'application/json' || type.endsWith('+json')) return 'json';
  if (type === 'text/event-stream') return 'events';
  if (/^application\/(?:x-ndjson|jsonl|x-jsonlines)$/.test(type)) return 'lines';
  return type.startsWith('text/') || /^application\/(?:xml|.*\+xml|yaml|.*\+yaml)$/.test(type) ? 'text' : 'bytes';
}

/** A body as the value it is: JSON, or text. Throws UpstreamError for JSON that two readers could read in two ways. */
export function valueIn({ form }: Head, bytes: Uint8Array): JsonValue {
  if (form === 'bytes') return Buffer.from(bytes).toString('latin1');
  const text = textIn(bytes);
  return form === 'json' ? jsonIn(text) : text;
}

function jsonIn(text: string): JsonValue {
  const json = parseStrictJsonText(text, depthMax);
  if (json.ok) return json.value;
  throw new UpstreamError(`the upstream sent JSON that cannot be used: ${json.fault} at ${json.offset}`);
}

/** One piece of a stream. A line holds a value of its own where it is JSON. */
export function unitValue(form: 'lines' | 'events', text: string): JsonValue {
  if (form === 'events') return text;
  const line = text.trim();
  return line === '' ? '' : jsonIn(line);
}

/** Rules §3.5: what the tool says is labelled as its manifest has it; of an error, and of headers, only what holds of everything. */
export function partsOf({ status }: Head, value: JsonValue, rules: Rules): readonly OutputPart[] {
  return isNothing(value) ? [] : [{ value, rules: status >= 400 ? errorOutputs : rules }];
}

export function headerParts({ status, headers }: Head, rules: Rules): readonly OutputPart[] {
  const blanket = status >= 400 ? errorOutputs : blanketRules(rules);
  return Object.values(headers).map((value) => ({ value, rules: blanket }));
}

function isNothing(value: JsonValue): boolean {
  return value === '' || value === null;
}

/** For what may be masked: only an object has members that can be put in another's place. */
export function objectIn(value: JsonValue): JsonObject | null {
  return isJsonObject(value) ? value : null;
}
