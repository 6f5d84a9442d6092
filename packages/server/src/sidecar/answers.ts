// What the program hears of a no, in the words of contract §5, with one difference: never a 401. A client library would take that as an
// invitation to sign in, and the credential is the sidecar's to bring.

import type { ServerResponse } from 'node:http';
import type { ReceivedDenial } from '@writ/agent';
import { type DenialCode, isJsonObject, type JsonObject, type JsonValue, says } from '@writ/core';
import type { HttpWords } from './ports.ts';

export type Protocol = 'mcp' | 'a2a';

/** A refusal of the sidecar itself: nothing was sent, so there is no decision to name. */
export function refuseHere(
  http: HttpWords,
  res: ServerResponse,
  code: DenialCode,
  status: number,
  error: string,
): void {
  http.answerJson(res, status, { error, error_description: says(code), code, decisionId: null });
}

/** A refusal by the plane, said again. `rpcId`: of the request that was refused; null when it had none. */
export function refuse(
  http: HttpWords,
  res: ServerResponse,
  denial: ReceivedDenial,
  asked: { readonly protocol: Protocol; readonly rpcId: JsonValue },
): void {
  const { code, decisionId } = denial;
  const headers: Record<string, string> = decisionId === null ? {} : { 'writ-decision': decisionId };
  const kind = http.httpRefusalOf(code as DenialCode);
  if ('status' in kind) {
    const status = withoutChallenge(kind.status);
    const body = { error: kind.error, error_description: denial.says, code, decisionId };
    http.answerJson(res, status, body, headers);
    return;
  }
  const body = {
    jsonrpc: '2.0',
    id: asked.rpcId,
    error: asked.protocol === 'mcp' ? mcpError(denial) : a2aError(denial),
  };
  http.answerJson(res, asked.protocol === 'mcp' ? 200 : 403, body, headers);
}

/** 401 becomes 403; everything else stays. */
export function withoutChallenge(status: number): number {
  return status === 401 ? 403 : status;
}

const refusedByWrit = -31001;

function mcpError({ code, decisionId, says: message }: ReceivedDenial): JsonObject {
  return { code: refusedByWrit, message, data: { code, decisionId, says: message } };
}

function a2aError({ code, decisionId, says: message }: ReceivedDenial): JsonObject {
  const info = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: code.replace(/^\w+\./, '').toUpperCase(),
    domain: 'writ.dev',
    metadata: { code, decisionId },
  };
  return { code: refusedByWrit, message, data: [info] };
}

/** The id of the JSON-RPC request in a body, or null. For answering only; the gateway reads the same bytes strictly. */
export function rpcIdOf(body: Uint8Array | null): JsonValue {
  try {
    const value: unknown = body === null ? null : JSON.parse(new TextDecoder().decode(body));
    const id = isJsonObject(value) ? value.id : null;
    return typeof id === 'string' || Number.isSafeInteger(id) ? id! : null;
  } catch {
    return null;
  }
}
