// One POST body, parsed strictly into one A2A request, or the standard's own error for it.
// A2A 1.0, JSON-RPC binding. Whether the call may happen is judged later.

import { type DenialCode, isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from '@writ/core';
import { paramsFault } from './params.ts';
import {
  A2A_ERRORS,
  A2A_VERSION,
  type A2aErrorName,
  METHODS,
  type Method,
  NOT_CARRIED,
  RPC,
  type RpcId,
} from './words.ts';

export interface A2aRequest {
  readonly kind: 'call';
  readonly id: RpcId;
  readonly method: string;
  readonly of: Method;
  readonly params: JsonObject;
  /** The caller's task that is named, by id or in the message; null for a new one. */
  readonly taskId: string | null;
  /** The conversation that a message goes on with; null for a new one. */
  readonly contextId: string | null;
}

export interface Malformed {
  readonly kind: 'malformed';
  readonly httpStatus: number;
  readonly rpcCode: number;
  readonly message: string;
  readonly denialCode: DenialCode;
  readonly id: RpcId | null;
  /** A2A's name of the error, for `google.rpc.ErrorInfo`. */
  readonly reason: A2aErrorName | null;
}

export function parseA2a(version: readonly string[], body: Uint8Array): A2aRequest | Malformed {
  const json = parseStrictJson(body);
  if (!json.ok) {
    if (json.fault === 'too_large') return tooLarge();
    return bad(null, RPC.parseError, `the body is not acceptable JSON: ${json.fault} at ${json.offset}`);
  }
  const value = json.value;
  if (!isJsonObject(value)) return bad(null, RPC.invalidRequest, 'send one JSON-RPC request, not a batch');
  const { jsonrpc, id, method, params, ...foreign } = value;
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) {
    return bad(null, RPC.invalidRequest, '`id` has to be a string or an integer');
  }
  const rpcId = id as RpcId;
  if (jsonrpc !== '2.0' || typeof method !== 'string' || Object.keys(foreign).length > 0) {
    return bad(rpcId, RPC.invalidRequest, 'the body is not a JSON-RPC 2.0 request');
  }
  // No header, or another version: 0.3 spells its methods with slashes, and being lenient would be a way down.
  if (version.length !== 1 || version[0] !== A2A_VERSION) return a2aError(rpcId, 'VERSION_NOT_SUPPORTED');
  const refused = NOT_CARRIED.get(method);
  if (refused) return a2aError(rpcId, refused);
  const of = METHODS.get(method);
  if (!of) return bad(rpcId, RPC.methodNotFound, 'this method is not known here');
  if (!isJsonObject(params)) return bad(rpcId, RPC.invalidParams, '`params` has to be an object');
  const fault = paramsFault(params, of);
  if (fault !== null) return bad(rpcId, RPC.invalidParams, fault);
  return { kind: 'call', id: rpcId, method, of, params, ...handlesOf(params, of) };
}

function handlesOf(params: JsonObject, of: Method): Pick<A2aRequest, 'taskId' | 'contextId'> {
  if (!of.isMessage) return { taskId: params.id as string, contextId: null };
  const { taskId, contextId } = params.message as JsonObject;
  const named = (value: JsonValue | undefined) => (typeof value === 'string' && value !== '' ? value : null);
  return { taskId: named(taskId), contextId: named(contextId) };
}

export function bad(id: RpcId | null, rpcCode: number, message: string): Malformed {
  // JSON-RPC faults travel in a 200, so that clients read the error object; only what could not be read at all is a 400.
  const httpStatus = id === null ? 400 : 200;
  return { kind: 'malformed', httpStatus, rpcCode, message, denialCode: 'gateway.malformed', id, reason: null };
}

export function tooLarge(): Malformed {
  return {
    ...bad(null, RPC.invalidRequest, 'the body is too large'),
    httpStatus: 413,
    denialCode: 'gateway.too_large',
  };
}

export function a2aError(id: RpcId, reason: A2aErrorName): Malformed {
  const { code, message } = A2A_ERRORS[reason];
  return { ...bad(id, code, message), reason };
}
