// How A2A says no and which errors it has: refusals of the spine (contract §5), and the standard's own for what was no call.

import type { ServerResponse } from 'node:http';
import { type Call, type Decision, type DenialCode, type JsonObject, type OpenedApproval, says } from '@writ/core';
import { answerJson, bearerChallenge, httpRefusalOf, refusalBody } from '../http-io.ts';
import type { Malformed } from './parse.ts';
import { REFUSED, type RpcId } from './words.ts';

export function refuseCall(
  res: ServerResponse,
  id: RpcId | null,
  decision: Pick<Decision, 'id' | 'denial' | 'opened'>,
  call: Pick<Call, 'credential' | 'scopes'>,
  resourceMetadata: string,
): void {
  const { code } = decision.denial!;
  if (decision.opened && id !== null) {
    answerJson(
      res,
      200,
      { jsonrpc: '2.0', id, result: { task: waitingTask(decision.opened, code) } },
      { 'writ-decision': decision.id },
    );
    return;
  }
  const headers: Record<string, string> = { 'writ-decision': decision.id };
  const refusal = httpRefusalOf(code);
  if (refusal.as === 'action') {
    const info = {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: code.replace(/^\w+\./, '').toUpperCase(),
      domain: 'writ.dev',
      metadata: { code, decisionId: decision.id },
    };
    answerJson(res, 403, { jsonrpc: '2.0', id, error: { code: REFUSED, message: says(code), data: [info] } }, headers);
    return;
  }
  if (refusal.as !== 'plain') {
    const error = call.credential.kind === 'none' ? null : refusal.error;
    headers['www-authenticate'] = bearerChallenge({ resourceMetadata, scopes: call.scopes, error });
  }
  answerJson(res, refusal.status, refusalBody(refusal.error, code, decision.id), headers);
}

/** A task that waits for a person, who answers at the URL and not in the conversation. A2A 1.0 §"in-task authorization". */
function waitingTask({ id, url }: OpenedApproval, code: DenialCode): JsonObject {
  const message = { messageId: `${id}.asks`, role: 'ROLE_AGENT', parts: [{ text: `${says(code)} ${url}` }] };
  return { id, contextId: id, status: { state: 'TASK_STATE_AUTH_REQUIRED', message } };
}

/** JSON-RPC error object with A2A's details. A2A 1.0 §"error handling". */
export function rpcError({ id, rpcCode, message, reason }: Malformed): JsonObject {
  const error: Record<string, JsonObject[string]> = { code: rpcCode, message };
  if (reason) {
    error.data = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'a2a-protocol.org' }];
  }
  return { jsonrpc: '2.0', id, error };
}
