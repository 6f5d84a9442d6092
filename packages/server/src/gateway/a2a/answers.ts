// How A2A says no and which errors it has: refusals of the spine (contract §5), and the standard's own for what was no call.

import type { ServerResponse } from 'node:http';
import {
  APPROVAL_MEMBER,
  type Call,
  type Decision,
  type DenialCode,
  type JsonObject,
  type OpenedApproval,
  says,
} from '@writ/core';
import { answerJson, bearerChallenge, httpRefusalOf, refusalBody } from '../http-io.ts';
import { eventOf } from '../mcp/sse.ts';
import type { A2aRequest, Malformed } from './parse.ts';
import { agentMessage } from './waiting.ts';
import { REFUSED } from './words.ts';

/** What of a request its refusal needs; null where it could not be read. */
type Refused = Pick<A2aRequest, 'id' | 'contextId' | 'of'>;

export function refuseCall(
  res: ServerResponse,
  request: Refused | null,
  decision: Pick<Decision, 'id' | 'denial' | 'opened'>,
  call: Pick<Call, 'credential' | 'scopes'>,
  resourceMetadata: string,
): void {
  const { code } = decision.denial!;
  const headers: Record<string, string> = { 'writ-decision': decision.id };
  if (decision.opened && request !== null) {
    answerTask(res, request, waitingTask(decision.opened, code, decision.id, request), headers);
    return;
  }
  const id = request?.id ?? null;
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
function waitingTask(
  { id, url }: OpenedApproval,
  code: DenialCode,
  decisionId: string,
  { contextId }: Refused,
): JsonObject {
  const told = { code, decisionId, says: says(code), approvalUrl: url };
  const message = agentMessage(`${id}.asks`, `${says(code)} ${url}`, { [APPROVAL_MEMBER]: told });
  return { id, contextId: contextId ?? id, status: { state: 'TASK_STATE_AUTH_REQUIRED', message } };
}

/** A task of the gateway's own: whole, or as the one event of a stream, as the method asks. */
export function answerTask(
  res: ServerResponse,
  { id, of }: Refused,
  task: JsonObject,
  headers: Record<string, string> = {},
): void {
  const answer = { jsonrpc: '2.0', id, result: of.isMessage || of.streams ? { task } : task };
  if (!of.streams) {
    answerJson(res, 200, answer, headers);
    return;
  }
  const stream = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
  res.writeHead(200, { ...headers, ...stream }).end(eventOf(JSON.stringify(answer)));
}

/** JSON-RPC error object with A2A's details. A2A 1.0 §"error handling". */
export function rpcError({ id, rpcCode, message, reason }: Malformed): JsonObject {
  const error: Record<string, JsonObject[string]> = { code: rpcCode, message };
  if (reason) {
    error.data = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'a2a-protocol.org' }];
  }
  return { jsonrpc: '2.0', id, error };
}
