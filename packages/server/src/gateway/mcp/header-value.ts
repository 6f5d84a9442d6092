// Values that MCP repeats in headers: `Mcp-Name` and `Mcp-Param-*`, with their base64 form, and the parameters a tool's schema marks.
// MCP 2026-07-28, transports, "standard headers" and `x-mcp-header`.

import { fromBase64, isJsonObject, type JsonObject, type JsonValue, toBase64, utf8, utf8Text } from '@writ/core';

const OPEN = '=?base64?';
const CLOSE = '?=';

/** The text behind a header value, or null when its base64 form cannot be read. */
export function decodeHeaderValue(value: string): string | null {
  if (!value.startsWith(OPEN) || !value.endsWith(CLOSE) || value.length < OPEN.length + CLOSE.length) return value;
  const bytes = fromBase64(value.slice(OPEN.length, -CLOSE.length));
  return bytes === null ? null : utf8Text(bytes);
}

/** The header value of a text: as it is where a field can carry it, else in base64. */
export function encodeHeaderValue(text: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/.test(text);
  const looksCoded = text.startsWith(OPEN) && text.endsWith(CLOSE);
  return plain && !looksCoded ? text : `${OPEN}${toBase64(utf8(text))}${CLOSE}`;
}

/** A parameter that the tool's schema asks callers to repeat in `Mcp-Param-<header>`. */
export interface MirroredParameter {
  readonly header: string;
  /** Members from the arguments down to the value. */
  readonly path: readonly string[];
  readonly type: 'string' | 'integer' | 'boolean';
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const depthMax = 16;

/**
 * Parameters marked `x-mcp-header` on a chain of `properties`; null when the schema breaks the rules of the mark
 * (then the tool has to be dropped). Marks elsewhere (items, oneOf, …) break them too, which the walk does not look for.
 */
export function mirroredParameters(inputSchema: JsonValue): readonly MirroredParameter[] | null {
  const found: MirroredParameter[] = [];
  if (!collect(inputSchema, [], found)) return null;
  const names = new Set(found.map((parameter) => parameter.header.toLowerCase()));
  return names.size === found.length ? found : null;
}

function collect(schema: JsonValue | undefined, path: readonly string[], found: MirroredParameter[]): boolean {
  if (!isJsonObject(schema) || path.length > depthMax) return true;
  const header = schema['x-mcp-header'];
  if (header !== undefined) {
    const type = schema.type;
    if (typeof header !== 'string' || !TOKEN.test(header) || path.length === 0) return false;
    if (type !== 'string' && type !== 'integer' && type !== 'boolean') return false;
    found.push({ header, path, type });
  }
  const properties = schema.properties;
  if (!isJsonObject(properties)) return true;
  return Object.entries(properties).every(([name, inner]) => collect(inner, [...path, name], found));
}

/** The argument a mirrored parameter speaks of; undefined when absent or null. */
export function argumentAt(args: JsonObject, path: readonly string[]): JsonValue | undefined {
  let at: JsonValue | undefined = args;
  for (const name of path) at = isJsonObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  return at === null ? undefined : at;
}

/** Do header and argument say the same? Integers are compared as numbers. */
export function sameValue(parameter: MirroredParameter, header: string, argument: JsonValue): boolean {
  const text = decodeHeaderValue(header);
  if (text === null) return false;
  if (typeof argument === 'number') return /^-?[0-9]+$/.test(text) && Number(text) === argument;
  if (typeof argument === 'boolean') return text === String(argument);
  return parameter.type === 'string' && text === argument;
}

/** `Mcp-Param-*` headers for a call; what is not a primitive has none. */
export function parameterHeaders(parameters: readonly MirroredParameter[], args: JsonObject): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { header, path } of parameters) {
    const value = argumentAt(args, path);
    if (typeof value === 'string') headers[`mcp-param-${header.toLowerCase()}`] = encodeHeaderValue(value);
    if (typeof value === 'number' || typeof value === 'boolean') {
      headers[`mcp-param-${header.toLowerCase()}`] = String(value);
    }
  }
  return headers;
}
