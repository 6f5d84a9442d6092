// MCP 2026-07-28 mirrors parts of a request in headers, so that what stands between can route without reading bodies.
// Here: `Mcp-Name`, and `Mcp-Param-*` for arguments that a tool's schema marks with `x-mcp-header`.

import { isJsonObject, type JsonObject, type JsonValue, toBase64, utf8 } from '@writ/core';

/** Header name (without `Mcp-Param-`) → where the argument is, from the root of `arguments`. */
export type ParamHeaders = ReadonlyMap<string, readonly string[]>;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const TYPES: ReadonlySet<JsonValue | undefined> = new Set(['string', 'integer', 'boolean']);
// Their values are data, not schemas.
const DATA_KEYWORDS: ReadonlySet<string> = new Set(['const', 'default', 'enum', 'examples']);
const MARK = 'x-mcp-header';

interface Mark {
  readonly name: JsonValue;
  readonly path: readonly string[];
  readonly type: JsonValue | undefined;
  /** Reached by `properties` alone, so that every call with the argument has it at this path. */
  readonly reachable: boolean;
}

/** The marked arguments of an input schema, or null when a mark breaks the rules: such a tool must be dropped. */
export function paramHeaders(inputSchema: JsonValue | undefined): ParamHeaders | null {
  const found = new Map<string, readonly string[]>();
  const taken = new Set<string>();
  for (const { name, path, type, reachable } of marksIn(inputSchema, [], true)) {
    if (typeof name !== 'string' || !TOKEN.test(name) || !TYPES.has(type) || !reachable || path.length === 0)
      return null;
    if (taken.has(name.toLowerCase())) return null;
    taken.add(name.toLowerCase());
    found.set(name, path);
  }
  return found;
}

function marksIn(schema: JsonValue | undefined, path: readonly string[], reachable: boolean): readonly Mark[] {
  if (Array.isArray(schema)) return schema.flatMap((item) => marksIn(item as JsonValue, path, false));
  if (!isJsonObject(schema)) return [];
  const { [MARK]: name, type, properties, ...keywords } = schema;
  const here = name === undefined ? [] : [{ name, path, type, reachable }];
  const inside = Object.entries(isJsonObject(properties) ? properties : {}).flatMap(([property, value]) =>
    marksIn(value, [...path, property], reachable),
  );
  const elsewhere = Object.entries(keywords).flatMap(([keyword, value]) =>
    DATA_KEYWORDS.has(keyword) ? [] : marksIn(value, path, false),
  );
  return [...here, ...inside, ...elsewhere];
}

/** `Mcp-Param-*` of one call; an argument that is absent or null has none. */
export function paramHeaderValues(marked: ParamHeaders, args: JsonObject): { readonly [name: string]: string } {
  const headers: Record<string, string> = {};
  for (const [name, path] of marked) {
    const value = path.reduce<JsonValue | undefined>((at, step) => (isJsonObject(at) ? at[step] : undefined), args);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      headers[`mcp-param-${name}`] = headerValue(String(value));
    }
  }
  return headers;
}

/** Text as a header value: plain where it can be, else `=?base64?…?=` of its UTF-8. */
export function headerValue(text: string): string {
  const plain = /^[\x20-\x7e]*$/.test(text) && text.trim() === text && !/^=\?base64\?.*\?=$/.test(text);
  return plain ? text : `=?base64?${toBase64(utf8(text))}?=`;
}
