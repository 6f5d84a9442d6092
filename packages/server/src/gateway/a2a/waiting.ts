// A message that waits for a person is a task of the gateway's own (contract §5; A2A 1.0, in-task authorization): the caller can ask
// how it stands, and goes on by sending the message again in that task. What goes on then is the message that was asked about, word
// for word, once (rules §4.1). Whose task it is, is read from the question; somebody else's and a missing one look the same.

import { type Call, canonicalJson, denial, isJsonObject, type JsonObject, says, type TokenFacts } from '@writ/core';
import type { Question, QuestionsPort } from '../approvals-port.ts';
import type { HandedBack } from '../exchange.ts';
import type { A2aRequest } from './parse.ts';

/** Ids of questions begin like this; an agent that calls a task of its own so is found when there is no such question. */
const QUESTION = /^apr_/;

/** The question that a request names, if it is this caller's own; null for everything else. */
export async function ownQuestion(
  { find }: QuestionsPort,
  agent: string,
  id: string | null,
  { chain, root }: TokenFacts,
): Promise<Question | null> {
  const question = id !== null && QUESTION.test(id) ? await find(id) : null;
  if (question === null || question.server !== agent || question.task !== chain.task) return null;
  const actors = chain.links.slice(1).map(({ actor }) => actor.sub);
  const isSame = canonicalJson(question.actors) === canonicalJson(actors);
  return isSame && question.root.iss === root.iss && question.root.sub === root.sub ? question : null;
}

/** A message in the task of a question, as the message that was asked about. */
export function goingOn(call: Call, request: A2aRequest, question: Question): HandedBack {
  const { message: asked } = question.arguments;
  const { message } = call.arguments;
  const isSame =
    isJsonObject(asked) &&
    isJsonObject(message) &&
    canonicalJson(withoutIds(message)) === canonicalJson(withoutIds(asked)) &&
    [null, question.id, asked.contextId].includes(request.contextId);
  if (!isSame) return { refused: denial('action.approval_invalid', { message: 'another' }, 'Writ rules §4.1') };
  return { call: { ...call, arguments: { message: asked } }, resumes: question.id, claims: [] };
}

/** Ids are the caller's and new each time. */
function withoutIds({ messageId: _, taskId: _t, contextId: _c, ...rest }: JsonObject): JsonObject {
  return rest;
}

/** The request that goes on, with the handles of the message that was asked about. */
export function askedRequest(request: A2aRequest, { arguments: args }: Call): A2aRequest {
  const { taskId, contextId } = args.message as JsonObject;
  const named = (value: JsonObject[string] | undefined) => (typeof value === 'string' && value !== '' ? value : null);
  return {
    ...request,
    params: { ...request.params, message: args.message! },
    taskId: named(taskId),
    contextId: named(contextId),
  };
}

/** How it stands. Waiting for the message after a yes is waiting for input; the rest is final. */
export function taskOf({ id, url, state, arguments: { message } }: Question): JsonObject {
  const { contextId } = isJsonObject(message) ? message : {};
  const [name, text] = STATES[state];
  const status = { state: name, message: agentMessage(`${id}.${state}`, state === 'open' ? `${text} ${url}` : text) };
  return { id, contextId: typeof contextId === 'string' && contextId !== '' ? contextId : id, status };
}

const STATES: { readonly [state in Question['state']]: readonly [name: string, text: string] } = {
  open: ['TASK_STATE_AUTH_REQUIRED', says('action.approval_required')],
  approved: ['TASK_STATE_INPUT_REQUIRED', 'A person said yes. Send the same message again in this task.'],
  used: ['TASK_STATE_COMPLETED', 'The message was sent on.'],
  denied: ['TASK_STATE_REJECTED', 'A person said no.'],
  expired: ['TASK_STATE_CANCELED', 'Nobody answered in time.'],
};

export function agentMessage(messageId: string, text: string, metadata?: JsonObject): JsonObject {
  return { messageId, role: 'ROLE_AGENT', parts: [{ text }], ...(metadata ? { metadata } : {}) };
}
