// One POST body and its headers, parsed strictly into one message, or the standard's own error for it.
// Decides the era (by `_meta`) and the form; whether the call may happen is judged later. MCP 2026-07-28 and 2025-11-25, transports.

import { type DenialCode, isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from '@writ/core';
import { argumentAt, decodeHeaderValue, type MirroredParameter, sameValue } from './header-value.ts';
import {
  type Era,
  LEGACY_NOTIFICATIONS,
  LEGACY_VERSION_ASSUMED,
  LEGACY_VERSIONS,
  META,
  METHODS,
  type MemberType,
  type Method,
  MODERN_VERSIONS,
  NAME,
  RPC,
  type RpcId,
} from './words.ts';

export interface Request {
  readonly kind: 'call';
  readonly era: Era;
  readonly id: RpcId;
  readonly method: string;
  readonly params: JsonObject;
  /** Protocol revision the caller speaks. */
  readonly version: string;
  /** Legacy only, and null for `initialize`. */
  readonly sessionId: string | null;
}

/** Legacy only: nothing the standard names is told to a stateless server. */
export interface Notification {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: JsonObject;
  readonly sessionId: string;
}

export interface Malformed {
  readonly kind: 'malformed';
  readonly httpStatus: number;
  readonly rpcCode: number;
  /** For the caller, lower-case, about the form of the request only. */
  readonly message: string;
  readonly denialCode: DenialCode;
  /** Null when the request could not be read that far. */
  readonly id: RpcId | null;
  readonly data?: JsonObject;
}

export interface RequestHead {
  /** All values of a header, by lower-case name. */
  values(name: string): readonly string[];
}

/** Parameters that a tool asks to see in headers; empty when the tool is not known. */
export type MirroredOf = (tool: string) => readonly MirroredParameter[];

export function parseRequest(
  head: RequestHead,
  body: Uint8Array,
  mirroredOf: MirroredOf,
): Request | Notification | Malformed {
  const type = head.values('content-type').join(',');
  if (!/^application\/json *(?:; *charset="?utf-8"?)?$/i.test(type)) {
    return bad(null, RPC.invalidRequest, 'send one `Content-Type: application/json`');
  }
  const json = parseStrictJson(body);
  if (!json.ok) {
    if (json.fault === 'too_large') return tooLarge();
    return bad(null, RPC.parseError, `the body is not acceptable JSON: ${json.fault} at ${json.offset}`);
  }
  const envelope = parseEnvelope(json.value);
  if (envelope.kind === 'malformed') return envelope;
  if (eraOf(head, envelope) === 'modern') return parseModern(head, envelope, mirroredOf);
  return parseLegacy(head, envelope);
}

export function tooLarge(): Malformed {
  return {
    ...bad(null, RPC.invalidRequest, 'the body is too large'),
    httpStatus: 413,
    denialCode: 'gateway.too_large',
  };
}

export function bad(id: RpcId | null, rpcCode: number, message: string, data?: JsonObject): Malformed {
  const found = { kind: 'malformed', httpStatus: 400, rpcCode, message, denialCode: 'gateway.malformed', id } as const;
  return data ? { ...found, data } : found;
}

interface Envelope {
  readonly kind: 'envelope';
  readonly id: RpcId | null;
  readonly method: string;
  readonly params: JsonObject;
}

const ENVELOPE_MEMBERS = new Set(['jsonrpc', 'id', 'method', 'params']);

function parseEnvelope(value: JsonValue): Envelope | Malformed {
  if (Array.isArray(value)) return bad(null, RPC.invalidRequest, 'send one message for each request, not a batch');
  if (!isJsonObject(value)) return bad(null, RPC.invalidRequest, 'the body is not a JSON-RPC message');
  const { jsonrpc, id, method, params } = value;
  const hasId = Object.hasOwn(value, 'id');
  if (hasId && typeof id !== 'string' && !Number.isSafeInteger(id)) {
    return bad(null, RPC.invalidRequest, '`id` has to be a string or an integer');
  }
  const rpcId = hasId ? (id as RpcId) : null;
  if (jsonrpc !== '2.0') return bad(rpcId, RPC.invalidRequest, '`jsonrpc` has to be "2.0"');
  if (typeof method !== 'string') return bad(rpcId, RPC.invalidRequest, '`method` has to be a string');
  const foreign = Object.keys(value).find((name) => !ENVELOPE_MEMBERS.has(name));
  if (foreign !== undefined) return bad(rpcId, RPC.invalidRequest, `\`${clip(foreign)}\` is not part of a request`);
  if (params !== undefined && !isJsonObject(params))
    return bad(rpcId, RPC.invalidParams, '`params` has to be an object');
  if (isJsonObject(params) && params._meta !== undefined && !isJsonObject(params._meta)) {
    return bad(rpcId, RPC.invalidParams, '`_meta` has to be an object');
  }
  return { kind: 'envelope', id: rpcId, method, params: params ?? {} };
}

/** The body's `_meta` decides. A header that names no legacy revision means a modern caller that forgot its `_meta`. */
function eraOf(head: RequestHead, { method, params }: Envelope): Era {
  const meta = metaOf(params);
  if (META.version in meta || META.capabilities in meta) return 'modern';
  if (method === 'initialize') return 'legacy';
  const versions = head.values('mcp-protocol-version');
  const namesLegacy = versions.length === 0 || versions.some((version) => LEGACY_VERSIONS.includes(version));
  return namesLegacy && head.values('mcp-method').length === 0 ? 'legacy' : 'modern';
}

export function metaOf(params: JsonObject): JsonObject {
  return isJsonObject(params._meta) ? params._meta : {};
}

// The order of the checks is the standard's: fields, agreement, version, method, name, parameters.
function parseModern(head: RequestHead, envelope: Envelope, mirroredOf: MirroredOf): Request | Malformed {
  const { id, method, params } = envelope;
  const meta = metaOf(params);
  const version = meta[META.version];
  if (id !== null) {
    if (typeof version !== 'string') return bad(id, RPC.invalidParams, `\`_meta\` lacks \`${META.version}\``);
    if (!isJsonObject(meta[META.capabilities])) {
      return bad(id, RPC.invalidParams, `\`_meta\` lacks \`${META.capabilities}\``);
    }
    if (soleValue(head, 'mcp-protocol-version') !== version) return mismatch(id, 'MCP-Protocol-Version');
    if (!MODERN_VERSIONS.includes(version)) {
      const data = { supported: MODERN_VERSIONS, requested: version };
      return bad(id, RPC.unsupportedVersion, 'this protocol version is not spoken here', data);
    }
    if (soleValue(head, 'mcp-method') !== method) return mismatch(id, 'Mcp-Method');
  }
  const known = METHODS.get(method);
  if (id === null) return bad(null, RPC.methodNotFound, 'this notification is not known here');
  if (!known?.eras.includes('modern')) {
    return { ...bad(id, RPC.methodNotFound, 'this method is not known here'), httpStatus: 404 };
  }
  const fault = paramsFault(known, method, params, 'modern');
  if (fault !== null) return bad(id, RPC.invalidParams, fault);
  if (known.nameIn !== null) {
    const header = soleValue(head, 'mcp-name');
    if (header === null || decodeHeaderValue(header) !== params[known.nameIn]) return mismatch(id, 'Mcp-Name');
  }
  const wrong = method === 'tools/call' ? wrongParameter(head, params, mirroredOf(params.name as string)) : null;
  if (wrong !== null) return mismatch(id, `Mcp-Param-${wrong}`);
  return { kind: 'call', era: 'modern', id, method, params, version: version as string, sessionId: null };
}

/** The header of the first parameter that is missing, repeated, or says something else than the body. */
function wrongParameter(head: RequestHead, params: JsonObject, mirrored: readonly MirroredParameter[]): string | null {
  const args = isJsonObject(params.arguments) ? params.arguments : {};
  for (const parameter of mirrored) {
    const values = head.values(`mcp-param-${parameter.header.toLowerCase()}`);
    const argument = argumentAt(args, parameter.path);
    const agree =
      argument === undefined ? values.length === 0 : values.length === 1 && sameValue(parameter, values[0]!, argument);
    if (!agree) return parameter.header;
  }
  return null;
}

function mismatch(id: RpcId, header: string): Malformed {
  const found = bad(id, RPC.headerMismatch, `header \`${header}\` and body do not agree`);
  return { ...found, denialCode: 'gateway.header_mismatch' };
}

function soleValue(head: RequestHead, name: string): string | null {
  const values = head.values(name);
  return values.length === 1 ? values[0]! : null;
}

function parseLegacy(head: RequestHead, envelope: Envelope): Request | Notification | Malformed {
  const { id, method, params } = envelope;
  const versions = head.values('mcp-protocol-version');
  const version = versions.length === 0 ? LEGACY_VERSION_ASSUMED : versions.join(',');
  if (!LEGACY_VERSIONS.includes(version))
    return bad(id, RPC.invalidRequest, 'this protocol version is not spoken here');
  const opening = method === 'initialize' && id !== null;
  const sessionId = opening ? null : soleValue(head, 'mcp-session-id');
  if (!opening && sessionId === null) {
    return bad(id, RPC.invalidRequest, 'send one `MCP-Session-Id`, as `initialize` gave it');
  }
  if (id === null) {
    if (!LEGACY_NOTIFICATIONS.has(method)) return bad(null, RPC.methodNotFound, 'this notification is not known here');
    return { kind: 'notification', method, params, sessionId: sessionId! };
  }
  // HTTP 404 would tell a legacy client that its session is gone, so errors about one call travel in a 200.
  const known = METHODS.get(method);
  if (!known?.eras.includes('legacy')) {
    return { ...bad(id, RPC.methodNotFound, 'this method is not known here'), httpStatus: 200 };
  }
  const fault = paramsFault(known, method, params, 'legacy');
  if (fault !== null) return { ...bad(id, RPC.invalidParams, fault), httpStatus: 200 };
  return { kind: 'call', era: 'legacy', id, method, params, version, sessionId };
}

/** Why the members of `params` are not those of the method, or null. */
function paramsFault(known: Method, method: string, params: JsonObject, era: Era): string | null {
  for (const [name, value] of Object.entries(params)) {
    if (name === '_meta') continue;
    const type = memberType(known, name, era);
    if (type === undefined) return `\`${clip(name)}\` is not a member of \`${method}\``;
    if (!hasType(value, type)) return `\`${name}\` does not have the form that \`${method}\` asks for`;
  }
  const missing = Object.keys(known.required).find((name) => params[name] === undefined);
  if (missing !== undefined) return `\`${method}\` needs \`${missing}\``;
  // `resources` is the scope of reading; a tool of that name could not be told apart from it (contract §7a).
  const named = known.nameIn === 'name' ? (params.name as string) : null;
  if (named !== null && (!NAME.test(named) || (method === 'tools/call' && named === 'resources'))) {
    return `\`${clip(named)}\` is not a name that can be called`;
  }
  return null;
}

function memberType(known: Method, name: string, era: Era): MemberType | undefined {
  if (era === 'legacy' && (name === 'inputResponses' || name === 'requestState')) return undefined;
  // Own members only: a caller's member called `constructor` is not one of ours.
  if (Object.hasOwn(known.required, name)) return known.required[name];
  return Object.hasOwn(known.optional, name) ? known.optional[name] : undefined;
}

function hasType(value: JsonValue, type: MemberType): boolean {
  if (type === 'string') return typeof value === 'string';
  if (!isJsonObject(value)) return false;
  return type === 'object' || Object.values(value).every((item) => typeof item === 'string');
}

/** Something a caller typed, short enough for a message. */
function clip(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
