// What stdio and HTTP have in common towards a legacy server: the handshake, and giving a caller its own id and token back.
// The gateway declares no capabilities, so a server has nothing to ask it; what it asks anyway is answered here. MCP 2025-11-25.

import { isJsonObject, type JsonObject } from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import { GATEWAY_INFO } from './adapt.ts';
import { metaOf } from './parse.ts';
import { type Description, type Incoming, type Message, messageOf, type Outbound } from './upstream.ts';
import { LEGACY_VERSIONS, RPC, type RpcId } from './words.ts';

export function initializeRequest(id: RpcId): JsonObject {
  return {
    jsonrpc: '2.0',
    id,
    method: 'initialize',
    params: { protocolVersion: LEGACY_VERSIONS[0]!, capabilities: {}, clientInfo: GATEWAY_INFO },
  };
}

export const INITIALIZED: JsonObject = { jsonrpc: '2.0', method: 'notifications/initialized' };

export interface Introduction extends Description {
  /** Revision the server chose. */
  readonly version: string;
}

/** What a server said in answer to `initialize`. Throws UpstreamError when it refuses or speaks another revision. */
export function introductionOf(response: JsonObject): Introduction {
  const result = response.result;
  if (!isJsonObject(result)) throw new UpstreamError('the server refused `initialize`');
  const { protocolVersion: version, capabilities, serverInfo, instructions } = result;
  if (typeof version !== 'string' || !LEGACY_VERSIONS.includes(version)) {
    throw new UpstreamError(`the server speaks \`${String(version)}\`, which is not spoken here`);
  }
  return {
    era: 'legacy',
    version,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    serverInfo: isJsonObject(serverInfo) ? serverInfo : {},
    instructions: typeof instructions === 'string' ? instructions : null,
  };
}

export function cancelled(id: RpcId): JsonObject {
  return { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason: 'the caller left' } };
}

/** The answer to something a server asks of its client. */
export function answerTo(request: Extract<Incoming, { kind: 'request' }>): JsonObject {
  if (request.method === 'ping') return { jsonrpc: '2.0', id: request.id, result: {} };
  const error = { code: RPC.methodNotFound, message: 'this client offers no such capability' };
  return { jsonrpc: '2.0', id: request.id, error };
}

/** A server's message under the caller's id or progress token; null when it does not belong to this request. */
export function forCaller(incoming: Incoming, sentId: RpcId, request: Outbound): Message | null {
  if (incoming.kind === 'response') {
    return incoming.id === sentId ? messageOf('response', { ...incoming.value, id: request.id }) : null;
  }
  if (incoming.kind === 'request' || incoming.method !== 'notifications/progress') return null;
  const params = isJsonObject(incoming.value.params) ? incoming.value.params : {};
  const token = metaOf(request.params).progressToken;
  if (params.progressToken !== sentId || token === undefined) return null;
  return messageOf('notification', { ...incoming.value, params: { ...params, progressToken: token } });
}
