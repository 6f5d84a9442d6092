// A client of one MCP server behind the gateway, revision 2026-07-28: every request stands alone, with its version, its mirrored
// headers and its own narrow token. Tokens and refusals are call.ts; JSON-RPC is rpc.ts.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import type { FetchLike } from './fetch.ts';
import { headerValue, type ParamHeaders, paramHeaders, paramHeaderValues } from './mcp-headers.ts';
import { nextRound, type OpenPage } from './rounds.ts';
import { RpcError, rpcMessages } from './rpc.ts';

export interface McpOptions {
  /** Aborting closes the response, which cancels the request at the server. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { progress: number; total?: number; message?: string }) => void;
}

export interface McpTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: JsonObject;
  readonly [member: string]: JsonValue | undefined;
}

export interface ToolResult {
  readonly content: readonly JsonObject[];
  readonly structuredContent?: JsonValue;
  /** The tool itself failed. A refusal by the plane is thrown instead. */
  readonly isError: boolean;
}

export interface McpClient {
  discover(options?: McpOptions): Promise<JsonObject>;
  /** All pages. A tool whose header marks break the rules is left out. */
  listTools(options?: McpOptions): Promise<readonly McpTool[]>;
  callTool(name: string, args?: JsonObject, options?: McpOptions): Promise<ToolResult>;
  listResources(options?: McpOptions): Promise<readonly JsonObject[]>;
  listResourceTemplates(options?: McpOptions): Promise<readonly JsonObject[]>;
  readResource(uri: string, options?: McpOptions): Promise<readonly JsonObject[]>;
  listPrompts(options?: McpOptions): Promise<readonly JsonObject[]>;
  getPrompt(name: string, args?: { readonly [name: string]: string }, options?: McpOptions): Promise<JsonObject>;
}

export const MCP_VERSION = '2026-07-28';

const headerMismatch = -32020;
const pagesMax = 100;

export interface McpClientOptions {
  readonly url: string;
  readonly fetch: FetchLike;
  /** Self-reported; never a security input. */
  readonly clientInfo?: { readonly name: string; readonly version: string };
  /** Where a person can be shown a page; without it a request that needs a person's word is a DeniedError with the address. */
  readonly openPage?: OpenPage;
}

export function openMcpClient({ url, fetch, clientInfo, openPage }: McpClientOptions): McpClient {
  let lastId = 0;
  const marked = new Map<string, ParamHeaders>();

  async function request(
    method: string,
    params: JsonObject,
    options: McpOptions = {},
    headers = {},
  ): Promise<JsonObject> {
    let members: JsonObject = {};
    for (let round = 1; ; round++) {
      const result = await requestOnce(method, { ...params, ...members }, options, headers);
      const next = await nextRound(result, openPage, round);
      if (next === null) return completeResult(result, method);
      members = next;
    }
  }

  async function requestOnce(
    method: string,
    params: JsonObject,
    options: McpOptions,
    headers: { readonly [name: string]: string },
  ): Promise<JsonObject> {
    const id = ++lastId;
    const { signal, onProgress } = options;
    const capabilities: JsonObject = openPage ? { elicitation: { url: {} } } : {};
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': MCP_VERSION,
      'io.modelcontextprotocol/clientCapabilities': capabilities,
      ...(clientInfo ? { 'io.modelcontextprotocol/clientInfo': { ...clientInfo } } : {}),
      ...(onProgress ? { progressToken: id } : {}),
    };
    const messages = rpcMessages(fetch, {
      url,
      method,
      id,
      params: { ...params, _meta },
      headers: {
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': MCP_VERSION,
        'mcp-method': method,
        ...headers,
      },
      ...(signal ? { signal } : {}),
    });
    for await (const message of messages) {
      if (message.id === id) return resultOf(message.result, method);
      if (onProgress) reportProgress(message, id, onProgress);
    }
    throw new Error(`the answer to \`${method}\` ended before its result`);
  }

  async function list(method: string, member: string, options?: McpOptions): Promise<readonly JsonObject[]> {
    const items: JsonObject[] = [];
    let cursor: JsonValue | undefined;
    for (let page = 0; page < pagesMax; page++) {
      const result = await request(method, cursor === undefined ? {} : { cursor }, options);
      items.push(...objects(result[member]));
      cursor = result.nextCursor;
      if (cursor === undefined) return items;
    }
    throw new Error(`\`${method}\` did not end after ${pagesMax} pages`);
  }

  async function listTools(options?: McpOptions): Promise<readonly McpTool[]> {
    const tools = (await list('tools/list', 'tools', options)) as readonly McpTool[];
    marked.clear();
    return tools.filter((tool) => {
      const headers = paramHeaders(tool.inputSchema);
      if (headers !== null) marked.set(tool.name, headers);
      return headers !== null;
    });
  }

  function callOnce(name: string, args: JsonObject, options?: McpOptions): Promise<JsonObject> {
    const headers = { 'mcp-name': headerValue(name), ...paramHeaderValues(marked.get(name) ?? new Map(), args) };
    return request('tools/call', { name, arguments: args }, options, headers);
  }

  return {
    discover: (options) => request('server/discover', {}, options),
    listTools,
    async callTool(name, args = {}, options) {
      try {
        return toolResult(await callOnce(name, args, options));
      } catch (error) {
        if (!(error instanceof RpcError) || error.code !== headerMismatch) throw error;
        // The tool's schema marks an argument that this client has not heard of: learn it and say it again, once.
        await listTools(options);
        return toolResult(await callOnce(name, args, options));
      }
    },
    listResources: (options) => list('resources/list', 'resources', options),
    listResourceTemplates: (options) => list('resources/templates/list', 'resourceTemplates', options),
    async readResource(uri, options) {
      return objects((await request('resources/read', { uri }, options, { 'mcp-name': headerValue(uri) })).contents);
    },
    listPrompts: (options) => list('prompts/list', 'prompts', options),
    getPrompt: (name, args = {}, options) =>
      request('prompts/get', { name, arguments: args }, options, { 'mcp-name': headerValue(name) }),
  };
}

function resultOf(result: JsonValue | undefined, method: string): JsonObject {
  if (!isJsonObject(result)) throw new Error(`the answer to \`${method}\` has no result`);
  return result;
}

/** `resultType` is `complete` when absent; this client offered nothing that would allow another. */
function completeResult(result: JsonObject, method: string): JsonObject {
  const { resultType = 'complete' } = result;
  if (resultType !== 'complete')
    throw new Error(`the answer to \`${method}\` is of the unknown kind \`${resultType}\``);
  return result;
}

function toolResult(result: JsonObject): ToolResult {
  const { content, structuredContent, isError } = result;
  return {
    content: objects(content),
    ...(structuredContent === undefined ? {} : { structuredContent }),
    isError: isError === true,
  };
}

function reportProgress(message: JsonObject, token: number, report: NonNullable<McpOptions['onProgress']>): void {
  const { method, params } = message;
  if (method !== 'notifications/progress' || !isJsonObject(params) || params.progressToken !== token) return;
  const { progress, total, message: text } = params;
  if (typeof progress !== 'number') return;
  report({
    progress,
    ...(typeof total === 'number' ? { total } : {}),
    ...(typeof text === 'string' ? { message: text } : {}),
  });
}

function objects(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
