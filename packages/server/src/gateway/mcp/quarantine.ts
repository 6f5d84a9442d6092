// An answer whose text from outside is kept back: the caller gets a reference for every text of level 1 or below, so nothing of it can
// tell the caller what to do, and its task stays as clean as it was. What the manifest trusts more passes as it is. A member name that
// anybody could choose takes its whole object with it.

import {
  blanketRules,
  canonicalJson,
  errorOutputs,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Level,
  noEchoes,
  observe,
  parseStrictJsonText,
  pointerStep,
  startEvidence,
} from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import type { OutputPart } from '../tasks-port.ts';
import type { HeldText, References } from './references.ts';
import { type Message, messageOf } from './upstream.ts';

type Rules = OutputPart['rules'];

interface Quarantined {
  readonly message: Message;
  /** What the caller has read after all, for its task. */
  readonly parts: readonly OutputPart[];
}

interface QuarantineOptions {
  readonly references: References;
  readonly on: Pick<HeldText, 'task' | 'server' | 'decision'>;
  readonly rules: Rules;
  /** The resource that was asked for: a server's own word for it is kept back with the rest. */
  readonly uri?: string;
}

const depthMax = 64;

/** Null: nothing of it may go out, and nothing is missed. Throws UpstreamError for a question, which nobody could read. */
export function quarantined(message: Message, options: QuarantineOptions): Quarantined | null {
  if (message.kind === 'notification') return progressOf(message);
  const { error, result } = message.value;
  if (isJsonObject(error)) {
    const { code = 0 } = error;
    const held = keep(errorOutputs, { message: error.message ?? '', data: error.data ?? null }, options);
    const shown = { code, message: 'The tool failed; what it says is kept back.', data: held.value };
    return { message: messageOf('response', { ...message.value, error: shown }), parts: [] };
  }
  if (!isJsonObject(result)) return { message, parts: [] };
  if (result.resultType === 'input_required') throw new UpstreamError('a server in quarantine asked its caller');
  const { resultType, isError, ttlMs } = result;
  const { shown, parts } = shownResult(result, isError === true ? errorOutputs : options.rules, options);
  const kind: JsonObject = {
    ...(resultType === undefined ? {} : { resultType }),
    ...(isError === undefined ? {} : { isError: isError === true }),
    ...(ttlMs === undefined ? {} : { ttlMs: 0, cacheScope: 'private' }),
  };
  return { message: messageOf('response', { ...message.value, result: { ...shown, ...kind } }), parts };
}

/** How far it is, without what the server says to it. */
function progressOf({ value }: Message): Quarantined | null {
  const { params, method } = value;
  if (method !== 'notifications/progress' || !isJsonObject(params)) return null;
  const { progressToken, progress, total } = params;
  const shown = { progressToken, progress, ...(typeof total === 'number' ? { total } : {}) } as JsonObject;
  return typeof progress === 'number'
    ? { message: messageOf('notification', { jsonrpc: '2.0', method, params: shown }), parts: [] }
    : null;
}

function shownResult(
  { structuredContent, content, resultType: _, isError: _e, _meta: _m, ...rest }: JsonObject,
  rules: Rules,
  options: QuarantineOptions,
): { readonly shown: JsonObject; readonly parts: readonly OutputPart[] } {
  const blocks = Array.isArray(content) ? (content as readonly JsonValue[]) : [];
  const main = structuredContent ?? (blocks.length === 1 ? jsonIn(blocks[0]!) : undefined);
  const held = main === undefined ? null : keep(rules, main, options);
  // Where nothing of it may be seen, its texts one by one are of more use than all of it as one.
  if (held !== null && (typeof held.value !== 'string' || blocks.length === 0)) {
    // Blocks beside it say the same once more, or something that nobody has described.
    const block = { type: 'text', text: asText(held.value) };
    const structured = structuredContent !== undefined && typeof held.value !== 'string';
    const shown = { ...(structured ? { structuredContent: held.value } : {}), content: [block] };
    return { shown, parts: held.parts };
  }
  const blanket = blanketRules(rules);
  const texts = blocks.map((block) => keep(blanket, textIn(block), options));
  const listed = (name: 'contents' | 'messages') => {
    const items = rest[name];
    return Array.isArray(items)
      ? (items as readonly JsonValue[]).map((item) => keep(blanket, itemText(item), options))
      : null;
  };
  const [contents, messages] = [listed('contents'), listed('messages')];
  const uri = options.uri ?? '';
  return {
    // What else a server may put beside these is for nobody.
    shown: {
      ...(content === undefined ? {} : { content: texts.map(textBlock) }),
      ...(contents && {
        contents: contents.map(({ value }) => ({ uri, mimeType: 'text/plain', text: asText(value) })),
      }),
      ...(messages && { messages: messages.map((held) => ({ role: 'user', content: textBlock(held) })) }),
    },
    parts: [...texts, ...(contents ?? []), ...(messages ?? [])].flatMap(({ parts }) => parts),
  };
}

function textBlock({ value }: Kept): JsonObject {
  return { type: 'text', text: asText(value) };
}

/** The text of a resource, or of a message of a prompt. */
function itemText(item: JsonValue): string {
  const { text, content } = isJsonObject(item) ? item : {};
  if (typeof text === 'string') return text;
  return textIn(content ?? item);
}

function asText(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The text of a block, or a block of another kind as JSON text. */
function textIn(block: JsonValue): string {
  const isText = isJsonObject(block) && block.type === 'text' && typeof block.text === 'string';
  return isText ? (block.text as string) : JSON.stringify(block);
}

function jsonIn(block: JsonValue): JsonValue | undefined {
  const text = textIn(block);
  if (!/^\s*[[{]/.test(text)) return undefined;
  const read = parseStrictJsonText(text, depthMax);
  return read.ok ? read.value : undefined;
}

interface Kept {
  readonly value: JsonValue;
  readonly parts: readonly OutputPart[];
}

/** The value with references in it, and the value as the caller's task has read it. */
function keep(rules: Rules, output: JsonValue, { references, on }: QuarantineOptions): Kept {
  const seen = observe(startEvidence(4), { ...on, ref: on.decision, output, rules, echoes: noEchoes });
  const levels = new Map<string, { readonly text: Level; readonly secret: boolean }>();
  const openKeys = new Set<string>();
  for (const { pointer, kind, text, secret } of seen.fields) {
    if (kind === 'value') levels.set(pointer, { text, secret });
    else if (text <= 1) openKeys.add(pointer);
  }
  const hasSecret = (under: string) =>
    [...seen.fields].some(({ secret, pointer }) => secret && pointer.startsWith(`${under}/`));
  const issue = (text: string, level: Level, secret: boolean) => references.issue({ ...on, text, level, secret });
  // What did not fit was not looked at, so all of it is kept back.
  if (seen.evicted) return { value: issue(asText(output), 0, seen.secretsEvicted || hasSecret('')), parts: [] };
  const visit = (value: JsonValue, pointer: string, read: boolean): JsonValue => {
    if (Array.isArray(value)) return value.map((item, i) => visit(item as JsonValue, `${pointer}/${i}`, read));
    if (isJsonObject(value)) {
      const entries = Object.entries(value).map(
        ([name, below]) => [name, below, `${pointer}/${pointerStep(name)}`] as const,
      );
      if (entries.some(([, , at]) => openKeys.has(at)))
        return read ? null : issue(canonicalJson(value), 1, hasSecret(pointer));
      return Object.fromEntries(entries.map(([name, below, at]) => [name, visit(below, at, read)]));
    }
    if (typeof value !== 'string' || value === '') return value;
    const { text, secret } = levels.get(pointer) ?? { text: 0 as Level, secret: true };
    if (text > 1) return value;
    return read ? null : issue(value, text, secret);
  };
  return { value: visit(output, '', false), parts: [{ value: visit(output, '', true), rules }] };
}
