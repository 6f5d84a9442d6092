// A client of one agent behind the gateway: A2A 1.0 over JSON-RPC. A message may carry authority on: `delegate` names the scopes
// that the callee may use or delegate while it works on it, and nothing else goes along (rules §2.4).

import { APPROVAL_MEMBER, isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import type { FetchLike } from './fetch.ts';
import { type OpenPage, type PageToOpen, roundsMax } from './rounds.ts';
import { rpcMessages } from './rpc.ts';

export interface SendOptions {
  /** Scopes the callee may use or delegate, `files:read_text_file` say. */
  readonly delegate?: readonly string[];
  readonly signal?: AbortSignal;
  /** `SendMessageConfiguration`. */
  readonly configuration?: JsonObject;
  readonly metadata?: JsonObject;
}

export interface TaskOptions {
  readonly signal?: AbortSignal;
  readonly historyLength?: number;
}

/** A2A `Message`; `messageId` and `role` are filled in when left out. */
export interface OutgoingMessage {
  readonly parts: readonly JsonObject[];
  readonly messageId?: string;
  readonly [member: string]: JsonValue | undefined;
}

export interface A2aClient {
  /** Exactly one of `task` and `message`. A text stands for a message of one text part. */
  sendMessage(message: string | OutgoingMessage, options?: SendOptions): Promise<JsonObject>;
  /** Each event has exactly one of `task`, `message`, `statusUpdate`, `artifactUpdate`. Leaving the loop closes the stream. */
  sendStreamingMessage(message: string | OutgoingMessage, options?: SendOptions): AsyncGenerator<JsonObject>;
  getTask(id: string, options?: TaskOptions): Promise<JsonObject>;
  cancelTask(id: string, options?: TaskOptions): Promise<JsonObject>;
}

export const A2A_VERSION = '1.0';

export interface A2aClientOptions {
  readonly url: string;
  /** A `fetch` whose token lets the callee use or delegate these scopes. */
  fetchWith(delegate: readonly string[]): FetchLike;
  /** Fresh message ids. */
  newId(): string;
  /** Where a person can be shown a page; without it a message that waits for a person's word is the task that says so. */
  readonly openPage?: OpenPage;
}

/** The page of a message that waits for a person, as the plane tells it beside the text for people. */
function pageOf({ task }: JsonObject): (PageToOpen & { readonly taskId: string }) | null {
  const { id, status } = isJsonObject(task) ? task : {};
  const { state, message } = isJsonObject(status) ? status : {};
  const { metadata } = isJsonObject(message) ? message : {};
  const told = isJsonObject(metadata) ? metadata[APPROVAL_MEMBER] : undefined;
  if (state !== 'TASK_STATE_AUTH_REQUIRED' || !isJsonObject(told) || typeof id !== 'string') return null;
  return typeof told.approvalUrl === 'string'
    ? { taskId: id, message: String(told.says ?? ''), url: told.approvalUrl }
    : null;
}

export function openA2aClient({ url, fetchWith, newId, openPage }: A2aClientOptions): A2aClient {
  let lastId = 0;

  async function* ask(method: string, params: JsonObject, options: SendOptions = {}): AsyncGenerator<JsonObject> {
    const id = ++lastId;
    const accept = method === 'SendStreamingMessage' ? 'text/event-stream' : 'application/json';
    const headers = { accept, 'a2a-version': A2A_VERSION };
    const { signal, delegate = [] } = options;
    const request = { url, method, params, id, headers, ...(signal ? { signal } : {}) };
    for await (const answer of rpcMessages(fetchWith(delegate), request)) {
      if (answer.id !== id || !isJsonObject(answer.result))
        throw new Error(`the answer to \`${method}\` has no result`);
      yield answer.result;
    }
  }

  async function once(method: string, params: JsonObject, options?: SendOptions): Promise<JsonObject> {
    for await (const result of ask(method, params, options)) return result;
    throw new Error(`\`${method}\` was not answered`);
  }

  function sending(message: string | OutgoingMessage, { configuration, metadata }: SendOptions = {}): JsonObject {
    const given: OutgoingMessage = typeof message === 'string' ? { parts: [{ text: message }] } : message;
    return {
      message: { messageId: newId(), role: 'ROLE_USER', ...given } as JsonObject,
      ...(configuration ? { configuration } : {}),
      ...(metadata ? { metadata } : {}),
    };
  }

  /** The same message, in the task that waited for the person, is the one that they said yes to. */
  async function send(params: JsonObject, options?: SendOptions): Promise<JsonObject> {
    let result = await once('SendMessage', params, options);
    for (let round = 1; openPage && round < roundsMax; round++) {
      const page = pageOf(result);
      if (page === null || (await openPage({ message: page.message, url: page.url })) !== 'accept') break;
      const message = { ...(params.message as JsonObject), taskId: page.taskId };
      result = await once('SendMessage', { ...params, message }, options);
    }
    return result;
  }

  return {
    sendMessage: (message, options) => send(sending(message, options), options),
    sendStreamingMessage: (message, options) => ask('SendStreamingMessage', sending(message, options), options),
    getTask: (id, { historyLength, ...options } = {}) =>
      once('GetTask', { id, ...(historyLength === undefined ? {} : { historyLength }) }, options),
    cancelTask: (id, options) => once('CancelTask', { id }, options),
  };
}
