// A denial as a caller of `fetch` expects it: one thrown error that carries the denial (contract §5, §11).
// The plane's answers are read here in all their forms: OAuth and HTTP refusals, MCP and A2A JSON-RPC errors.

import { type DenialCode, isJsonObject, type JsonObject, type JsonValue, says } from '@writ/core';

export interface ReceivedDenial {
  /** Stable and public (contract §11), `token.expired` say; an OAuth error name where the plane gave no code of its own. */
  readonly code: string;
  /** One calm sentence. */
  readonly says: string;
  /** Names the record of the refusal; null when it was refused on this side or before it could be recorded. */
  readonly decisionId: string | null;
  /** Where a person can say yes, for `action.approval_required`. */
  readonly approvalUrl: string | null;
  /** All scopes the operation needs, for `token.scope_insufficient` (RFC 6750 §3.1). */
  readonly scopesNeeded: readonly string[];
}

export class DeniedError extends Error {
  override readonly name = 'DeniedError';
  readonly denial: ReceivedDenial;
  constructor(denial: ReceivedDenial) {
    super(`${denial.code}: ${denial.says}`);
    this.denial = denial;
  }
}

/** Refused on this side, before anything was sent. */
export function refusedHere(code: DenialCode): DeniedError {
  return new DeniedError({ code, says: says(code), decisionId: null, approvalUrl: null, scopesNeeded: [] });
}

/** An HTTP refusal, `{error, error_description, code, decisionId}` or a JSON-RPC error, or null when the body tells of none. */
export function denialOfAnswer(body: JsonValue | undefined, headers: Headers): ReceivedDenial | null {
  if (!isJsonObject(body)) return null;
  const rpc = isJsonObject(body.error) ? denialOfRpcError(body.error, headers) : null;
  if (rpc !== null) return rpc;
  if (typeof body.error !== 'string') return null;
  return {
    code: text(body.code) ?? body.error,
    says: text(body.error_description) ?? body.error,
    decisionId: text(body.decisionId) ?? headers.get('writ-decision'),
    approvalUrl: null,
    scopesNeeded: challengedScopes(headers),
  };
}

/** The denial inside a JSON-RPC error, or null when the error is not the plane's. MCP has it in `data`, A2A in `data[].metadata`. */
export function denialOfRpcError(error: JsonObject, headers: Headers): ReceivedDenial | null {
  const told = Array.isArray(error.data) ? writErrorInfo(error.data) : error.data;
  if (!isJsonObject(told) || typeof told.code !== 'string') return null;
  return {
    code: told.code,
    says: text(told.says) ?? text(error.message) ?? told.code,
    decisionId: text(told.decisionId) ?? headers.get('writ-decision'),
    approvalUrl: text(told.approvalUrl),
    scopesNeeded: challengedScopes(headers),
  };
}

function writErrorInfo(details: readonly JsonValue[]): JsonValue | undefined {
  const info = details.find((detail) => isJsonObject(detail) && detail.domain === 'writ.dev');
  return isJsonObject(info) ? info.metadata : undefined;
}

/** `scope="…"` of the challenge; the plane puts every needed scope in one (RFC 6750 §3). */
function challengedScopes(headers: Headers): readonly string[] {
  const found = /\bscope="([^"]*)"/.exec(headers.get('www-authenticate') ?? '');
  return found ? found[1]!.split(' ').filter((scope) => scope !== '') : [];
}

function text(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
