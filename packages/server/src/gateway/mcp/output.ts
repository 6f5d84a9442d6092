// What of an MCP message is text that somebody may have written, and which rules label it (rules §3.5). A tool's output is its
// `structuredContent`; without one the JSON in its single text block, or that text. Everything else that goes out is the rest: for it
// counts only what the manifest says of everything.

import {
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

/** Lists of definitions hold only what a person has reviewed: they tell nothing new. */
const REVIEWED_LISTS = new Set(['tools/list', 'prompts/list', 'resources/templates/list']);

/** Answers in the protocol's own words, next to which a server says nothing of its own. */
const PROTOCOL_MEMBERS = new Set(['resultType', 'isError', 'ttlMs', 'cacheScope', 'nextCursor']);

export function outputParts(method: string, { kind, value }: Message, rules: Rules): readonly OutputPart[] {
  if (kind === 'notification') return someOf(spoken(isJsonObject(value.params) ? value.params : {}), blanket(rules));
  if (isJsonObject(value.error)) return someOf({ message: value.error.message, data: value.error.data }, errorOutputs);
  const { result } = value;
  if (!isJsonObject(result) || REVIEWED_LISTS.has(method)) return [];
  if (result.isError === true || result.resultType === 'input_required') return someOf(said(result), errorOutputs);
  return method === 'tools/call' ? toolOutput(result, rules) : someOf(said(result), rules);
}

function toolOutput(result: JsonObject, rules: Rules): readonly OutputPart[] {
  const { structuredContent, content, ...rest } = said(result);
  const blocks = Array.isArray(content) ? (content as readonly JsonValue[]) : [];
  const texts = blocks.map(textOf);
  const main = structuredContent ?? (texts.length === 1 && texts[0] != null ? readText(texts[0]) : undefined);
  // A text block that says the structured content once more says nothing else.
  const repeats = (text: string | null): boolean =>
    text !== null && main !== undefined && (isSame(readText(text), main) || isMemberOf(text, main));
  const others = blocks.filter((_, i) => !repeats(texts[i]!)).map(withoutKind);
  return [
    ...(main === undefined ? [] : [{ value: main, rules }]),
    ...someOf({ ...rest, ...(others.length === 0 ? {} : { content: others }) }, blanket(rules)),
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
  if (!isJsonObject(block)) return block;
  const { type: _, ...rest } = block;
  return rest;
}

/** The members of a result that its server could fill as it liked. */
function said(result: JsonObject): JsonObject {
  const { _meta: meta, ...members } = result;
  const own = Object.entries(members).filter(([name]) => !PROTOCOL_MEMBERS.has(name));
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

/** What a notification says, without the ids that the caller itself chose and the words of the protocol. */
function spoken({ progressToken: _, requestId: _r, level: _l, _meta: _m, ...rest }: JsonObject): JsonObject {
  return rest;
}

function blanket(rules: Rules): Rules {
  return rules.filter(({ at, when }) => at === '' && when === undefined);
}

/** Without anything in it there is nothing to label; member names here are the protocol's. */
function someOf(members: { readonly [name: string]: JsonValue | undefined }, rules: Rules): readonly OutputPart[] {
  return Object.values(members).flatMap((value) => (value === undefined || value === null ? [] : [{ value, rules }]));
}
