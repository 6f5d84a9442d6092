// JSON-RPC as far as a probe needs it: one request out, one answer in, as plain JSON or as an event of a stream.

import { isJsonObject, type JsonObject, parseStrictJson } from '@writ/core';

export type RpcAnswer =
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly code: number; readonly message: string }
  | { readonly kind: 'none' };

const RPC_ID = 1;

export function rpcRequest(method: string, params: JsonObject): string {
  return JSON.stringify({ jsonrpc: '2.0', id: RPC_ID, method, params });
}

export function rpcAnswerIn(text: string): RpcAnswer {
  for (const one of messagesIn(text)) {
    if (!isJsonObject(one) || one.jsonrpc !== '2.0') continue;
    if (isJsonObject(one.result)) return { kind: 'result', result: one.result };
    if (isJsonObject(one.error) && typeof one.error.code === 'number')
      return { kind: 'error', code: one.error.code, message: String(one.error.message ?? '') };
  }
  return { kind: 'none' };
}

export function parseJson(text: string): unknown {
  const parsed = parseStrictJson(new TextEncoder().encode(text));
  return parsed.ok ? parsed.value : undefined;
}

/** The whole text as JSON, or else the `data` of each complete event. */
function messagesIn(text: string): readonly unknown[] {
  const whole = parseJson(text);
  if (whole !== undefined) return [whole];
  return text
    .split(/\r?\n\r?\n/)
    .slice(0, -1)
    .map((event) =>
      event
        .split(/\r?\n/)
        .flatMap((line) => (line.startsWith('data:') ? [line.slice(5).replace(/^ /, '')] : []))
        .join('\n'),
    )
    .filter((data) => data !== '')
    .map(parseJson);
}
