// What of an MCP message is text that somebody may have written, and which rules label it (rules §3.5). A tool's output is its
// `structuredContent`; without one the JSON in its single text block, or that text. Everything else that goes out is the rest: for it
// counts only what the manifest says of everything.

import {
  blanketRules,
  canonicalJson,
  errorOutputs,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseStrictJsonText,
} from '@writ/core';
import type { OutputPart } from '../tasks-port.ts';
import type { Message } from './upstream.ts';
import { META } from './words.ts';

type Rules = OutputPart['rules'];

const depthMax = 64;

/** Where definitions are listed, only what a person has reviewed is left of them: that member tells nothing new. */
const REVIEWED: { readonly [method: string]: string } = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/templates/list': 'resourceTemplates',
};

/** What a member of the protocol's own may be; anything else in its place is text like any other. */
const PROTOCOL: { readonly [member: string]: (value: JsonValue) => boolean } = {
  resultType: (value) => value === 'complete' || value === 'input_required',
  isError: (value) => typeof value === 'boolean',
  ttlMs: (value) => typeof value === 'number',
  cacheScope: (value) => value === 'public' || value === 'private',
};

const BLOCKS: ReadonlySet<JsonValue> = new Set(['text', 'image', 'audio', 'resource', 'resource_link']);
const LOG_LEVELS: ReadonlySet<JsonValue> = new Set(
  'debug info notice warning error critical alert emergency'.split(' '),
);

export function outputParts(method: string, { kind, value }: Message, rules: Rules): readonly OutputPart[] {
  if (kind === 'notification')
    return someOf(spoken(isJsonObject(value.params) ? value.params : {}), blanketRules(rules));
  if (isJsonObject(value.error)) return someOf({ message: value.error.message, data: value.error.data }, errorOutputs);
  const { result } = value;
  if (!isJsonObject(result)) return [];
  if (result.isError === true || result.resultType === 'input_required') return someOf(said(result), errorOutputs);
  const { [REVIEWED[method] ?? '']: _, ...rest } = said(method.endsWith('/list') ? withoutCursor(result) : result);
  return method === 'tools/call' ? toolOutput(rest, rules) : someOf(rest, rules);
}

function toolOutput(result: JsonObject, rules: Rules): readonly OutputPart[] {
  const { structuredContent, content, ...rest } = result;
  const blocks = Array.isArray(content) ? (content as readonly JsonValue[]) : [];
  const texts = blocks.map(textOf);
  const main = structuredContent ?? (texts.length === 1 && texts[0] != null ? readText(texts[0]) : undefined);
  // A text block that says the structured content once more says nothing else.
  const repeats = (text: string | null): boolean =>
    text !== null && main !== undefined && (isSame(readText(text), main) || isMemberOf(text, main));
  const others = blocks.filter((_, i) => !repeats(texts[i]!)).map(withoutKind);
  return [
    ...(main === undefined ? [] : [{ value: main, rules }]),
    ...someOf({ ...rest, ...(others.length === 0 ? {} : { content: others }) }, blanketRules(rules)),
  ];
}

function isSame(a: JsonValue, b: JsonValue): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function isMemberOf(text: string, main: JsonValue): boolean {
  return isJsonObject(main) && Object.values(main).includes(text);
}

/** JSON as the value that it is, any other text as itself. */
function readText(text: string): JsonValue {
  if (!/^\s*[[{]/.test(text)) return text;
  const read = parseStrictJsonText(text, depthMax);
  return read.ok ? read.value : text;
}

/** Text of a block that is nothing but text. */
function textOf(block: JsonValue): string | null {
  if (!isJsonObject(block) || block.type !== 'text' || typeof block.text !== 'string') return null;
  return Object.keys(block).length === 2 ? block.text : null;
}

/** The kind of a block is the protocol's word. */
function withoutKind(block: JsonValue): JsonValue {
  if (!isJsonObject(block) || !BLOCKS.has(block.type ?? null)) return block;
  const { type: _, ...rest } = block;
  return rest;
}

/** A place to go on from, as opaque as such are: nothing that reads like a sentence. */
function withoutCursor({ nextCursor, ...rest }: JsonObject): JsonObject {
  return nextCursor === undefined || isPlainToken(nextCursor) ? rest : { ...rest, nextCursor };
}

function isPlainToken(value: JsonValue): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^[A-Za-z0-9._~+/=@:-]{1,256}$/.test(value));
}

/** The members of a result that its server could fill as it liked. */
function said(result: JsonObject): JsonObject {
  const { _meta: meta, ...members } = result;
  const own = Object.entries(members).filter(([name, value]) => PROTOCOL[name]?.(value) !== true);
  const kept = isJsonObject(meta) ? withoutServerName(meta) : {};
  return { ...Object.fromEntries(own), ...(Object.keys(kept).length === 0 ? {} : { _meta: kept }) };
}

/** Name and version of a server, where they are no more than that; a sentence in their place is text like any other. */
function withoutServerName(meta: JsonObject): JsonObject {
  const info = meta[META.serverInfo];
  const isPlain =
    isJsonObject(info) &&
    Object.entries(info).every(
      ([name, value]) =>
        (name === 'name' || name === 'version') && typeof value === 'string' && /^[A-Za-z0-9._@/+-]{1,64}$/.test(value),
    );
  if (!isPlain) return meta;
  const { [META.serverInfo]: _, ...rest } = meta;
  return rest;
}

/** What a notification says, without ids and the words of the protocol. */
function spoken({ progressToken, requestId, level, _meta: meta, ...rest }: JsonObject): JsonObject {
  const ids = Object.entries({ progressToken, requestId }).filter(([, id]) => id !== undefined && !isPlainToken(id));
  const marks = Object.entries(isJsonObject(meta) ? meta : {}).filter(
    ([name, value]) => !(name.startsWith('io.modelcontextprotocol/') && isPlainToken(value)),
  );
  return {
    ...rest,
    ...Object.fromEntries(ids as [string, JsonValue][]),
    ...(level === undefined || LOG_LEVELS.has(level) ? {} : { level }),
    ...(marks.length === 0 ? {} : { _meta: Object.fromEntries(marks) }),
  };
}

/** Without anything in it there is nothing to label; member names here are the protocol's. */
function someOf(members: { readonly [name: string]: JsonValue | undefined }, rules: Rules): readonly OutputPart[] {
  return Object.values(members).flatMap((value) => (value === undefined || value === null ? [] : [{ value, rules }]));
}
