// How plain HTTP says no: contract §5, without any protocol's words around it.

import type { ServerResponse } from 'node:http';
import type { DenialCode } from '@writ/core';
import { answerJson, bearerChallenge, httpRefusalOf, refusalBody } from '../http-io.ts';

export interface Refusal {
  readonly decisionId: string;
  readonly code: DenialCode;
  /** `approval`: a person can still say yes, at this URL; then the same request goes through. */
  readonly outcome: 'deny' | 'approval';
  readonly approvalUrl: string | null;
  readonly scopes: readonly string[];
  readonly resourceMetadata: string;
}

export function refuse(res: ServerResponse, refusal: Refusal): void {
  const { code, decisionId, approvalUrl } = refusal;
  const headers: Record<string, string> = { 'writ-decision': decisionId };
  const answer = refusal.outcome === 'approval' ? ({ as: 'action' } as const) : httpRefusalOf(code);
  if (answer.as === 'action') {
    const page = refusal.outcome === 'approval' && approvalUrl !== null ? { approvalUrl } : {};
    answerJson(res, 403, { ...refusalBody('access_denied', code, decisionId), ...page }, headers);
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
