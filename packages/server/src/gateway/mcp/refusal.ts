// How MCP says no: the standard's errors for what could not be read, contract §5 for what was judged.

import type { ServerResponse } from 'node:http';
import { type DenialCode, type JsonObject, says } from '@writ/core';
import { answerJson, bearerChallenge, httpRefusalOf, refusalBody } from '../http-io.ts';
import type { Malformed } from './parse.ts';
import { RPC, type RpcId } from './words.ts';

export interface Refusal {
  readonly decisionId: string;
  readonly code: DenialCode;
  /** `approval`: a person can still say yes, at this URL. */
  readonly approvalUrl: string | null;
  readonly outcome: 'deny' | 'approval';
  /** The result that sends the caller's person to that URL; null where the caller cannot do that. */
  readonly askPerson?: JsonObject | null;
  /** Null for what has no answer of its own (a notification, the end of a session). */
  readonly id: RpcId | null;
  /** All scopes the operation needs. */
  readonly scopes: readonly string[];
  readonly resourceMetadata: string;
}

export function refuse(res: ServerResponse, refusal: Refusal): void {
  const { code, decisionId } = refusal;
  const headers: Record<string, string> = { 'writ-decision': decisionId };
  const answer = httpRefusalOf(code);
  if (refusal.outcome === 'approval' || answer.as === 'action') {
    refuseAction(res, refusal, headers);
    return;
  }
  if (answer.as === 'challenge' || answer.as === 'scope') {
    headers['www-authenticate'] = bearerChallenge({
      resourceMetadata: refusal.resourceMetadata,
      scopes: refusal.scopes,
      // RFC 6750 §3.1: who presented nothing is told how to begin, not that something was wrong.
      error: code === 'token.missing' ? null : answer.error,
    });
  }
  answerJson(res, answer.status, refusalBody(answer.error, code, decisionId), headers);
}

function refuseAction(res: ServerResponse, refusal: Refusal, headers: Record<string, string>): void {
  const { code, decisionId, approvalUrl } = refusal;
  if (refusal.id === null) {
    answerJson(res, 403, refusalBody('access_denied', code, decisionId), headers);
    return;
  }
  if (refusal.askPerson) {
    answerJson(res, 200, { jsonrpc: '2.0', id: refusal.id, result: refusal.askPerson }, headers);
    return;
  }
  const approval = refusal.outcome === 'approval';
  const data = { code, decisionId, says: says(code), ...(approval && approvalUrl !== null ? { approvalUrl } : {}) };
  const rpcCode = approval ? RPC.approvalNeeded : RPC.denied;
  answerJson(res, 200, errorMessage(refusal.id, rpcCode, says(code), data), headers);
}

export function refuseMalformed(res: ServerResponse, malformed: Malformed, decisionId: string): void {
  const { denialCode: code, message, httpStatus, rpcCode, id } = malformed;
  const data = { ...malformed.data, code, decisionId, says: says(code) };
  answerJson(res, httpStatus, errorMessage(id, rpcCode, message, data), { 'writ-decision': decisionId });
}

/** A JSON-RPC error; MCP has no null id, so an unreadable request gets an error without one. */
export function errorMessage(id: RpcId | null, code: number, message: string, data?: JsonObject): JsonObject {
  const error: JsonObject = data ? { code, message, data } : { code, message };
  return id === null ? { jsonrpc: '2.0', error } : { jsonrpc: '2.0', id, error };
}
