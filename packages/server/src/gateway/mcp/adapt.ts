// From one era to the other: what is sent upstream, and what comes back. Where nothing has to change, the very bytes stay.
// MCP 2026-07-28 against 2025-11-25; rules §5: what is judged is what is forwarded.

import { isJsonObject, type JsonObject } from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import { encodeHeaderValue } from './header-value.ts';
import { metaOf } from './parse.ts';
import { type Description, type Message, messageOf, type Outbound } from './upstream.ts';
import {
  type Era,
  LEGACY_VERSIONS,
  META,
  METHODS,
  MODERN_VERSIONS,
  type RpcId,
  SERVER_NOTIFICATIONS,
  WRIT_META_PREFIX,
} from './words.ts';

/** How the gateway introduces itself where no caller's own introduction can pass. */
export const GATEWAY_INFO: JsonObject = { name: 'writ', version: '0.1.0' };

export interface Sendable {
  readonly bytes: Uint8Array;
  readonly headers: Record<string, string>;
}

/** The request as a modern server wants it. */
export function toModern(request: Outbound): Sendable {
  const meta = modernMeta(request);
  const unchanged = meta === metaOf(request.params);
  const params = { ...request.params, _meta: meta };
  const body = { jsonrpc: '2.0', id: request.id, method: request.method, params };
  const nameIn = METHODS.get(request.method)?.nameIn ?? null;
  const name: Record<string, string> =
    nameIn === null ? {} : { 'mcp-name': encodeHeaderValue(String(request.params[nameIn])) };
  return {
    bytes: unchanged ? request.bytes : Buffer.from(JSON.stringify(body)),
    headers: {
      ...request.headers,
      'mcp-protocol-version': MODERN_VERSIONS[0]!,
      'mcp-method': request.method,
      ...name,
    },
  };
}

/** `_meta` for a modern server; the very object when nothing had to be taken away. */
function modernMeta(request: Outbound): JsonObject {
  const meta = metaOf(request.params);
  if (request.era === 'legacy') {
    const kept = withoutReserved(meta);
    return { ...kept, [META.version]: MODERN_VERSIONS[0]!, [META.capabilities]: {}, [META.clientInfo]: GATEWAY_INFO };
  }
  const capabilities = meta[META.capabilities] as JsonObject;
  // Extensions are refused here (rules §5), so no server may believe that the caller has one.
  const extended = isJsonObject(capabilities) && capabilities.extensions !== undefined;
  const marked = Object.keys(meta).some((key) => key.startsWith(WRIT_META_PREFIX));
  if (!extended && !marked) return meta;
  const { extensions: _, ...plain } = capabilities;
  return {
    ...Object.fromEntries(Object.entries(meta).filter(([key]) => !key.startsWith(WRIT_META_PREFIX))),
    [META.capabilities]: plain,
  };
}

/** The request as a legacy server wants it, under an id and a progress token of the gateway's own. */
export function toLegacy(request: Outbound, id: RpcId): Uint8Array {
  const { _meta: _, inputResponses: _i, requestState: _s, ...members } = request.params;
  const meta: Record<string, JsonObject[string]> = { ...withoutReserved(metaOf(request.params)) };
  if (meta.progressToken !== undefined) meta.progressToken = id;
  const params = Object.keys(meta).length === 0 ? members : { ...members, _meta: meta };
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: request.method, params }));
}

/** Without the standard's per-request keys and Writ's own. */
function withoutReserved(meta: JsonObject): JsonObject {
  const kept = Object.entries(meta).filter(
    ([key]) => !key.startsWith('io.modelcontextprotocol/') && !key.startsWith(WRIT_META_PREFIX),
  );
  return Object.fromEntries(kept);
}

export interface Bridge {
  readonly caller: Era;
  readonly upstream: Era;
  readonly method: string;
}

const ROUND_TRIPS = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** The message in the caller's era; null for a notification that ends here. Throws UpstreamError on a result nobody may use. */
export function toCaller(message: Message, bridge: Bridge): Message | null {
  if (message.kind === 'notification') {
    return SERVER_NOTIFICATIONS.has(String(message.value.method)) ? message : null;
  }
  const result = message.value.result;
  if (!isJsonObject(result)) return message;
  const fit = fitResult(result, bridge);
  return fit === result ? message : messageOf('response', { ...message.value, result: fit });
}

function fitResult(result: JsonObject, { caller, upstream, method }: Bridge): JsonObject {
  const cacheable = METHODS.get(method)?.cacheable ?? false;
  if (upstream === 'legacy') {
    if (caller === 'legacy') return result;
    const hints: JsonObject = cacheable ? { ttlMs: 0, cacheScope: 'private' } : {};
    return { ...result, resultType: 'complete', ...hints };
  }
  const type = result.resultType ?? 'complete';
  const asks = type === 'input_required' && ROUND_TRIPS.has(method) && caller === 'modern';
  if (type !== 'complete' && !asks) throw new UpstreamError(`the server answered with result type \`${type}\``);
  if (caller === 'legacy') {
    const { resultType: _, ttlMs: _t, cacheScope: _c, ...plain } = result;
    return plain;
  }
  const open = cacheable && type === 'complete' && result.cacheScope !== 'private';
  // What one caller may see says nothing about the next, so nothing that passes here is for everybody.
  return open ? { ttlMs: 0, ...result, cacheScope: 'private' } : result;
}

// What the gateway can carry through for its callers. Subscriptions only within the modern era.
const CARRIED = ['tools', 'resources', 'prompts', 'completions'];

/** The capabilities to show a caller. */
function capabilitiesFor(caller: Era, from: Description): JsonObject {
  const native = caller === 'modern' && from.era === 'modern';
  const shown: Record<string, JsonObject[string]> = {};
  for (const name of native ? [...CARRIED, 'logging'] : CARRIED) {
    const settings = from.capabilities[name];
    if (isJsonObject(settings)) shown[name] = native ? settings : {};
  }
  return shown;
}

/** `server/discover`, for a caller of the modern era. */
export function discoverResult(from: Description): JsonObject {
  return {
    resultType: 'complete',
    supportedVersions: MODERN_VERSIONS,
    capabilities: capabilitiesFor('modern', from),
    ...(from.instructions === null ? {} : { instructions: from.instructions }),
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [META.serverInfo]: from.serverInfo },
  };
}

/** `initialize`, for a caller of the legacy era: the revision it asked for when that is spoken here, else the newest. */
export function initializeResult(asked: string, from: Description): JsonObject {
  return {
    protocolVersion: LEGACY_VERSIONS.includes(asked) ? asked : LEGACY_VERSIONS[0]!,
    capabilities: capabilitiesFor('legacy', from),
    serverInfo: from.serverInfo,
    ...(from.instructions === null ? {} : { instructions: from.instructions }),
  };
}
