// A request of a matched operation as one value: `{path, query, header, body}`. Nothing is left out that a caller said, so that what
// the document does not declare is an unknown argument to the judge and stands in the record as one.

import { type JsonObject, type JsonValue, parseStrictJson, parseStrictJsonText } from '@writ/core';
import type { Layout, Parameter } from './api.ts';
import { type Matched, queryText, type Target } from './target.ts';

export interface Written {
  readonly query: Target['query'];
  /** Every header by its name in lower case, all its values. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Uint8Array;
}

// The request's own way here: read by the gateway or by nobody, and never sent on.
const OF_THE_WAY =
  /^(?::.*|host|connection|keep-alive|content-length|content-type|content-encoding|transfer-encoding|te|expect|accept|accept-(?:charset|encoding|language)|user-agent|authorization|proxy-authorization|dpop|x-aip-token(?:-ref)?|traceparent|tracestate|baggage|origin|referer|date|cache-control|pragma|priority|dnt|sec-.*|upgrade-insecure-requests|writ-(?:call|context|delegate))$/;

/** The sentence says what could not be read at all; a value of the wrong type is the judge's to refuse. */
export function readArguments(
  { layout, inPath }: Matched,
  written: Written,
): { readonly arguments: JsonObject } | { readonly says: string } {
  const body = bodyOf(layout, written);
  if ('says' in body) return body;
  const of = (place: Parameter['in']) =>
    new Map(layout.parameters.filter((one) => one.in === place).map((one) => [one.name, one]));
  const path = [...inPath].map(([name, text]) => [name, typed(text, of('path').get(name)!)] as const);
  const query = membersOf(rawByName(written.query), of('query'));
  const declared = of('header');
  const said = [...written.headers].filter(([name]) => declared.has(name) || !OF_THE_WAY.test(name));
  const header = said.map(([name, values]) => [name, headerValue(values, declared.get(name))] as const);
  const members = [
    ['path', path],
    ['query', query],
    ['header', header],
  ] as const;
  return {
    arguments: {
      ...Object.fromEntries(
        members.flatMap(([place, entries]) => (entries.length === 0 ? [] : [[place, Object.fromEntries(entries)]])),
      ),
      ...(body.value === undefined ? {} : { body: body.value }),
    },
  };
}

function rawByName(query: Target['query']): ReadonlyMap<string, readonly string[]> {
  const byName = new Map<string, string[]>();
  for (const { name, raw } of query) byName.set(name, [...(byName.get(name) ?? []), raw]);
  return byName;
}

function membersOf(
  raw: ReadonlyMap<string, readonly string[]>,
  declared: ReadonlyMap<string, Parameter>,
): readonly (readonly [string, JsonValue])[] {
  return [...raw].map(([name, values]) => [name, queryValue(values, declared.get(name))] as const);
}

function queryValue(raw: readonly string[], parameter: Parameter | undefined): JsonValue {
  const item = (one: string): JsonValue => {
    const text = queryText(one)!;
    return parameter ? typed(text, parameter) : text;
  };
  if (parameter?.list === 'repeated') return raw.map(item);
  // A comma that separates stands bare; one that belongs to a value is encoded.
  if (parameter?.list === 'commas' && raw.length === 1) return raw[0] === '' ? [] : raw[0]!.split(',').map(item);
  // Said twice, it is a list, which is no value of a parameter that takes one.
  return raw.length === 1 && parameter?.list !== 'commas' ? item(raw[0]!) : raw.map((one) => [item(one)]);
}

function headerValue(values: readonly string[], parameter: Parameter | undefined): JsonValue {
  return values.length === 1 && parameter ? typed(values[0]!, parameter) : values.length === 1 ? values[0]! : values;
}

/** The text as its type; one that is none stays text, which the schema does not admit. */
function typed(text: string, { type }: Parameter): JsonValue {
  if (type === 'string') return text;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  // JSON's numbers are the only spelling: no sign before them, no leading zero, nothing that would be rounded.
  const read = (type === 'integer' ? /^-?\d+$/ : /^-?\d/).test(text) ? parseStrictJsonText(text, 1) : null;
  return read?.ok && typeof read.value === 'number' ? read.value : text;
}

function bodyOf(
  { bodyType }: Layout,
  { headers, body }: Written,
): { readonly value: JsonValue | undefined } | { readonly says: string } {
  if (body.length === 0) return { value: undefined };
  // Whatever it is, it is not taken: an argument that nobody declared.
  if (bodyType === null) return { value: null };
  const types = headers.get('content-type') ?? [];
  const [type, ...parameters] = types.length === 1 ? types[0]!.toLowerCase().split(';') : [];
  const isUtf8 = parameters.every((one) => /^\s*charset\s*=\s*"?utf-8"?\s*$/.test(one)) && parameters.length <= 1;
  if (type?.trim() !== bodyType || !isUtf8) return { says: `this operation takes \`${bodyType}\` in UTF-8` };
  const json = parseStrictJson(body);
  return json.ok ? { value: json.value } : { says: `the body is not usable JSON: ${json.fault} at ${json.offset}` };
}
