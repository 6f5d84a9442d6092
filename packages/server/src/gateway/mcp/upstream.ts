// The port to a tool server, whatever carries it and whichever era it speaks, and the strict reading of what it says.
// An upstream gives messages in its own era with the caller's id; putting them into the caller's era is adapt.ts.

import { isJsonObject, type JsonObject, type JsonValue, type Principal, parseStrictJsonText } from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import type { Era, RpcId } from './words.ts';

/** For whom an upstream works. Processes and sessions are never shared between two keys unless their server says so. */
export interface Behalf {
  /** One per root and task (rules §7.6). */
  readonly key: string;
  /** Null when the plane itself asks, as for pins. */
  readonly root: Principal | null;
  readonly task: string | null;
}

/** The plane itself, asking what a server lists. */
export const ON_OWN_BEHALF: Behalf = { key: 'plane', root: null, task: null };

/** One judged request, ready to be sent. */
export interface Outbound {
  readonly method: string;
  readonly params: JsonObject;
  readonly id: RpcId;
  /** Era of the caller. */
  readonly era: Era;
  /** The judged body, sent unchanged whenever nothing has to be substituted. */
  readonly bytes: Uint8Array;
  /** `Mcp-Param-*` and trace headers, made from what was judged. */
  readonly headers: { readonly [name: string]: string };
  readonly isAction: boolean;
}

/** One JSON-RPC message of an upstream: parsed strictly, and its text as it came or as it was written anew. */
export interface Message {
  readonly kind: 'response' | 'notification';
  readonly value: JsonObject;
  readonly text: string;
}

export interface UpstreamReply {
  readonly era: Era;
  /** HTTP status that came with the first message; 200 where there is none. */
  readonly status: number;
  readonly first: Message;
  /** The next message, null after the response. Rejects with UpstreamError when it will never come. */
  next(): Promise<Message | null>;
  /** Stops the work upstream as far as its era allows; `next` then rejects. Harmless when it has ended. */
  cancel(): void;
  /** `sha256:<hex>` of what was sent. */
  readonly forwardedDigest: string;
}

/** What a server says of itself. Self-reported, so never an input to a decision. */
export interface Description {
  readonly era: Era;
  readonly capabilities: JsonObject;
  readonly serverInfo: JsonObject;
  readonly instructions: string | null;
}

export interface Upstream {
  describe(behalf: Behalf): Promise<Description>;
  /** Rejects with UpstreamError. `signal` is the caller's hang-up, where that cancels. */
  send(request: Outbound, behalf: Behalf, signal: AbortSignal | null): Promise<UpstreamReply>;
  /** The task is over: its processes and sessions end. */
  endTask(task: string): void;
  close(): Promise<void>;
}

/** A credential for the upstream, from the broker. */
export type UpstreamCredential =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly value: string }
  | { readonly kind: 'env'; readonly values: { readonly [name: string]: string } };

/** Rejects with an UpstreamError `action.credential_missing` when the call needs a credential that nobody has. */
export type CredentialFor = (server: string, behalf: Behalf) => Promise<UpstreamCredential>;

/** A line for the operator. Never holds a credential. */
export type Log = (line: { readonly server: string; readonly says: string }) => void;

/** Largest single message an upstream may send. */
export const messageBytesMax = 16 * 1024 * 1024;

const ANSWER_DEPTH_MAX = 128;

export type Incoming =
  | { readonly kind: 'response'; readonly id: JsonValue | undefined; readonly value: JsonObject }
  | { readonly kind: 'notification'; readonly method: string; readonly value: JsonObject }
  | { readonly kind: 'request'; readonly id: RpcId; readonly method: string };

/** One message of an upstream, or an UpstreamError naming why it cannot be used. */
export function readIncoming(text: string): Incoming {
  const json = parseStrictJsonText(text, ANSWER_DEPTH_MAX);
  if (!json.ok) throw new UpstreamError(`the server sent JSON that cannot be used: ${json.fault} at ${json.offset}`);
  const value = json.value;
  if (!isJsonObject(value) || value.jsonrpc !== '2.0') throw new UpstreamError('the server sent no JSON-RPC message');
  if (typeof value.method === 'string') {
    const id = value.id;
    if (id === undefined) return { kind: 'notification', method: value.method, value };
    if (typeof id === 'string' || typeof id === 'number') return { kind: 'request', id, method: value.method };
  }
  const error = value.error;
  const isError = isJsonObject(error) && Number.isSafeInteger(error.code) && typeof error.message === 'string';
  // Both or neither would let two readers of the same answer see two outcomes.
  if (isJsonObject(value.result) === isError || (isError && value.result !== undefined)) {
    throw new UpstreamError('the server sent a response without exactly one of `result` and `error`');
  }
  return { kind: 'response', id: value.id, value };
}

/** A message written anew. */
export function messageOf(kind: Message['kind'], value: JsonObject): Message {
  return { kind, value, text: JSON.stringify(value) };
}

/** A reply over messages; waits for the first, so that an upstream which never answers is an error and not a reply. */
export async function replyOver(
  messages: AsyncGenerator<Message, void, void>,
  rest: Pick<UpstreamReply, 'era' | 'status' | 'cancel' | 'forwardedDigest'>,
): Promise<UpstreamReply> {
  const pull = async () => {
    try {
      const got = await messages.next();
      if (got.done) return null;
      // Nothing counts after the response, so what carried it is let go at once.
      if (got.value.kind === 'response') messages.return().catch(() => {});
      return got.value;
    } catch (error) {
      rest.cancel();
      if (error instanceof UpstreamError) throw error;
      throw new UpstreamError(`the server did not answer: ${causeOf(error)}`, { silence: true });
    }
  };
  const first = await pull();
  if (first === null) throw new UpstreamError('the server ended without an answer');
  return { ...rest, first, next: pull };
}

/** A cause for the operator, without a stack. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return code ? `${code} ${error.message}` : error.message;
}
