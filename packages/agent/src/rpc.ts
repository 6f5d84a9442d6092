// One JSON-RPC 2.0 request over HTTP POST, answered by one message or by an event stream: what MCP and A2A have in common.
// A refusal by the plane is thrown as a DeniedError, an error of the callee as an RpcError.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { DeniedError, denialOfAnswer, denialOfRpcError } from './denied.ts';
import { boundedJson, type FetchLike } from './fetch.ts';
import { eventData } from './sse.ts';

/** An error that the callee answered. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  readonly data: JsonValue | undefined;
  constructor(code: number, message: string, data?: JsonValue) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export interface RpcRequest {
  readonly url: string;
  readonly method: string;
  readonly params: JsonObject;
  readonly id: number | string;
  readonly headers: { readonly [name: string]: string };
  readonly signal?: AbortSignal;
}

const answerBytesMax = 32 * 1024 * 1024;

/**
 * Messages of the answer in order, a single one or those of a stream, errors thrown. Leaving the loop early closes the stream.
 */
export async function* rpcMessages(fetch: FetchLike, request: RpcRequest): AsyncGenerator<JsonObject> {
  const { url, method, params, id, headers, signal } = request;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
    ...(signal ? { signal } : {}),
  });
  const type = (response.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
  if (response.ok && type === 'text/event-stream' && response.body !== null) {
    for await (const data of eventData(response.body as unknown as AsyncIterable<Uint8Array>, answerBytesMax)) {
      yield message(parsed(data), response, method);
    }
    return;
  }
  yield message(await boundedJson(response, answerBytesMax), response, method);
}

function message(value: JsonValue | undefined, response: Response, method: string): JsonObject {
  if (isJsonObject(value) && value.jsonrpc === '2.0') {
    // A refusal names its decision in a header as well; it is read here, where the headers are.
    if (isJsonObject(value.error)) throw errorOf(value.error, response.headers);
    if (response.ok) return value;
  }
  const denial = denialOfAnswer(value, response.headers);
  if (denial !== null && !response.ok) throw new DeniedError(denial);
  throw new Error(`\`${method}\` was answered with ${response.status} and no JSON-RPC message`);
}

function errorOf(error: JsonObject, headers: Headers): Error {
  const denial = denialOfRpcError(error, headers);
  if (denial !== null) return new DeniedError(denial);
  const code = typeof error.code === 'number' ? error.code : 0;
  return new RpcError(code, typeof error.message === 'string' ? error.message : 'error without a message', error.data);
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
