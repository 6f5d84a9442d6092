// One request in several rounds (MCP 2026-07-28): the answer asks for a page to be opened, a person does something there, and the same
// request is said again with the state that came along. Only pages: this client fills in no forms and lends no model.

import { APPROVAL_MEMBER, isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { DeniedError } from './denied.ts';

/** A page that a person has to see before the request can go on. */
export interface PageToOpen {
  readonly message: string;
  readonly url: string;
}

/**
 * Shows the address to a person and asks for their consent to open it (MCP 2026-07-28, elicitation). Resolves when the request is
 * worth another try; it comes again when nothing was decided by then.
 */
export type OpenPage = (page: PageToOpen) => Promise<'accept' | 'decline' | 'cancel'>;

export const roundsMax = 16;

/** Members to say the request again with; null for a result that is one. Throws DeniedError when the person will not have it. */
export async function nextRound(
  result: JsonObject,
  openPage: OpenPage | undefined,
  round: number,
): Promise<JsonObject | null> {
  if (result.resultType !== 'input_required' || openPage === undefined) return null;
  const { requestState, inputRequests } = result;
  if (round >= roundsMax) {
    if (isJsonObject(result._meta) && result._meta[APPROVAL_MEMBER] !== undefined)
      throw new DeniedError(denialIn(result));
    throw new Error(`the server still asks after ${roundsMax} rounds`);
  }
  const answers: Record<string, JsonValue> = {};
  for (const [key, question] of Object.entries(isJsonObject(inputRequests) ? inputRequests : {})) {
    const action = await openPage(pageOf(question));
    if (action !== 'accept' && key === APPROVAL_MEMBER) throw new DeniedError(denialIn(result));
    answers[key] = { action };
  }
  return { inputResponses: answers, ...(typeof requestState === 'string' ? { requestState } : {}) };
}

function pageOf(question: JsonValue): PageToOpen {
  const params = isJsonObject(question) && question.method === 'elicitation/create' ? question.params : null;
  if (!isJsonObject(params) || params.mode !== 'url' || typeof params.url !== 'string')
    throw new Error('the answer asks for something else than a page, which this client did not offer');
  return { message: String(params.message ?? ''), url: params.url };
}

/** What the plane said of its question. */
function denialIn({ _meta }: JsonObject): DeniedError['denial'] {
  const told = isJsonObject(_meta) && isJsonObject(_meta[APPROVAL_MEMBER]) ? _meta[APPROVAL_MEMBER] : {};
  const text = (value: JsonValue | undefined) => (typeof value === 'string' ? value : null);
  return {
    code: text(told.code) ?? 'action.approval_required',
    says: text(told.says) ?? 'A person has to decide first.',
    decisionId: text(told.decisionId),
    approvalUrl: text(told.approvalUrl),
    scopesNeeded: [],
  };
}
