// A2A at the gateway: parse, hand to the spine, answer in A2A's words. The callee gets the judged message with Writ's context in
// its metadata, and never the caller's token. Contract §5, §7; A2A 1.0.

import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Call,
  type Credential,
  type Decision,
  type Denial,
  type DenialCode,
  denial,
  isJsonObject,
  type JsonObject,
  lower,
  type PeerOnWire,
  says,
} from '@writ/core';
import type { Question, QuestionsPort } from '../approvals-port.ts';
import { type ContextMaker, withContext, withoutWrit } from '../context.ts';
import type { Ending, Exchange, Spine } from '../exchange.ts';
import {
  answerJson,
  credentialOf,
  digestOf,
  dropUnread,
  headerValues,
  hostMatches,
  originMatches,
  readBody,
  traceOf,
} from '../http-io.ts';
import type { AgentTextPort } from '../tasks-port.ts';
import { answerTask, refuseCall, rpcError } from './answers.ts';
import { publishedCard } from './card.ts';
import type { Ownership } from './ownership.ts';
import { type A2aRequest, a2aError, bad, type Malformed, parseA2a, tooLarge } from './parse.ts';
import { type Heard, releaseStream, releaseWhole } from './release.ts';
import type { AgentEndpoint, AgentReply } from './upstream.ts';
import { askedRequest, goingOn, ownQuestion, taskOf } from './waiting.ts';
import { RPC } from './words.ts';

export interface A2aDeps {
  readonly spine: Spine;
  /** Agent path → its endpoint and SPIFFE ID; only agents that can be called. */
  readonly agents: {
    get(agent: string): { readonly endpoint: AgentEndpoint; readonly spiffeId: string } | undefined;
  };
  readonly context: ContextMaker;
  readonly ownership: Ownership;
  /** What waits for a person. */
  readonly questions: QuestionsPort;
  readonly tasks: AgentTextPort;
  newId(): string;
  /** Judges edge and bare requests before a byte of the body is read (rules §1.2–1.3); null lets the request be read. */
  early(peer: PeerOnWire, agent: string, credential: Credential): Denial | null;
  /** Records a request that never became a call. */
  recordRefusal(refusal: { decisionId: string; denial: Denial; peer: PeerOnWire; agent: string }): Promise<void>;
  readonly origins: ReadonlySet<string>;
}

/** Where a request arrived. */
export interface Arrival {
  readonly peer: PeerOnWire;
  readonly agent: string;
  /** `<base>/a2a/<agent>` at the listener of arrival: the audience. */
  readonly url: string;
  readonly resourceMetadata: string;
}

const bodyBytesMax = 4 * 1024 * 1024;

export type A2aHandler = (req: IncomingMessage, res: ServerResponse, arrival: Arrival) => Promise<void>;

export function createA2aHandler(deps: A2aDeps): A2aHandler {
  return async (req, res, arrival) => {
    const callee = deps.agents.get(arrival.agent);
    const fault = callee ? faultBeforeBody(req, arrival, deps.origins) : notServed();
    if (fault) return answerMalformed(req, res, fault, arrival, deps);
    const early = deps.early(arrival.peer, arrival.agent, credentialOf(req));
    if (early) return answerEarly(req, res, early, arrival, deps);
    if (req.method === 'GET' && isCardPath(req.url)) return sendCard(res, callee!.endpoint, arrival.url);
    if (req.method !== 'POST') return answerJson(res, 405, { error: 'method_not_allowed' }, { allow: 'POST' });

    const body = await readBody(req, bodyBytesMax);
    if (!body.ok) return answerMalformed(req, res, body.fault === 'too_large' ? tooLarge() : unseen(), arrival, deps);
    const request = parseA2a(headerValues(req, 'a2a-version'), body.bytes);
    if (request.kind === 'malformed') return answerMalformed(req, res, request, arrival, deps);
    const call = callFrom(req, request, body.bytes, arrival, deps.newId());
    await deps.spine(exchangeFor(res, request, call, callee!, arrival, deps));
  };
}

/** Host and origin: what has to hold before a byte of the body is read. */
function faultBeforeBody(req: IncomingMessage, arrival: Arrival, origins: ReadonlySet<string>): Malformed | null {
  if (!hostMatches(req, arrival.url)) return faulty(421, 'gateway.misdirected');
  if (!originMatches(req, arrival.url, origins)) return faulty(403, 'gateway.misdirected');
  return null;
}

function faulty(httpStatus: number, denialCode: DenialCode): Malformed {
  return { ...bad(null, RPC.invalidRequest, says(denialCode)), httpStatus, denialCode };
}

function notServed(): Malformed {
  return faulty(404, 'action.unknown');
}

function unseen(): Malformed {
  return faulty(400, 'gateway.body_unseen');
}

function isCardPath(url: string | undefined): boolean {
  return (url ?? '').split('?')[0]!.endsWith('/.well-known/agent-card.json');
}

function callFrom(
  req: IncomingMessage,
  request: A2aRequest,
  bytes: Uint8Array,
  arrival: Arrival,
  decisionId: string,
): Call {
  const { message } = request.params;
  return {
    decisionId,
    protocol: 'a2a',
    operation: request.method,
    target: { kind: 'agent', server: arrival.agent, name: request.of.isMessage ? 'send' : null },
    resource: arrival.url,
    // Everything about the caller's own tasks needs what sending needs (contract §7a).
    scopes: [`${arrival.agent}:send`],
    anyScopeOf: null,
    arguments: request.of.isMessage ? { message: message! } : { id: request.taskId! },
    isAction: request.of.isMessage,
    credential: credentialOf(req),
    peer: arrival.peer,
    judgedDigest: digestOf(bytes),
    ...traceOf(headerValues(req, 'traceparent')[0]),
  };
}

function exchangeFor(
  res: ServerResponse,
  request: A2aRequest,
  call: Call,
  callee: { readonly endpoint: AgentEndpoint; readonly spiffeId: string },
  arrival: Arrival,
  deps: A2aDeps,
): Exchange<Reply> {
  let resumed: A2aRequest | null = null;
  return {
    call,
    async handedBack(token) {
      const question = request.of.isMessage
        ? await ownQuestion(deps.questions, arrival.agent, request.taskId, token)
        : null;
      const handed = question && goingOn(call, request, question);
      if (handed && 'call' in handed) resumed = askedRequest(request, handed.call);
      return handed;
    },
    async forward(decision) {
      const token = decision.token.facts!;
      if (!request.of.isMessage) {
        const question = await ownQuestion(deps.questions, arrival.agent, request.taskId, token);
        if (question) return { kind: 'question', question };
      }
      const sent = resumed ?? request;
      // Authorised, but is it the caller's own? A foreign task and a missing one look the same.
      if (!deps.ownership.owns(arrival.agent, sent, token)) return { kind: 'not_found' };
      if (request.of.isMessage) await deps.tasks.reaches(arrival.agent, token);
      const agent = await callee.endpoint.send(await outgoing(sent, decision, callee, deps), request.of.streams);
      return { kind: 'agent', agent };
    },
    forwardedDigest: (reply) => (reply.kind === 'agent' ? reply.agent.forwardedDigest : digestOf('')),
    discard(reply) {
      if (reply.kind !== 'agent') return;
      reply.agent.abort();
      if (res.headersSent) res.destroy();
    },
    async release(reply, decision) {
      if (!res.headersSent) res.setHeader('writ-decision', decision.id);
      if (reply.kind !== 'agent') return releaseOwn(res, request, reply);
      const heard = hearing(decision, callee, arrival, deps);
      const release = reply.agent.streams ? releaseStream : releaseWhole;
      return release(res, reply.agent, request.id, heard);
    },
    refuse: async (decision) => refuseCall(res, resumed ?? request, decision, call, arrival.resourceMetadata),
  };
}

/** What the callee answers, or the gateway about tasks of its own. */
type Reply =
  | { readonly kind: 'agent'; readonly agent: AgentReply }
  | { readonly kind: 'question'; readonly question: Question }
  | { readonly kind: 'not_found' };

function releaseOwn(res: ServerResponse, request: A2aRequest, reply: Exclude<Reply, { kind: 'agent' }>): Ending {
  // Taking a question back is nothing that an agent could do: the person may be looking at it.
  const error =
    reply.kind === 'not_found' ? 'TASK_NOT_FOUND' : request.method === 'CancelTask' ? 'TASK_NOT_CANCELABLE' : null;
  if (reply.kind === 'question' && error === null) {
    answerTask(res, request, taskOf(reply.question));
    return { state: 'complete', digest: null, detail: null };
  }
  answerJson(res, 200, rpcError(a2aError(request.id, error!)));
  return { state: 'error', digest: null, detail: error };
}

/** An agent says what it has read: its words are as good as the floor it wrote them on, and no better. Rules §3.4, §3.8. */
function hearing(
  decision: Decision,
  { endpoint }: { readonly endpoint: AgentEndpoint },
  { agent }: Arrival,
  { ownership, tasks }: A2aDeps,
): Heard {
  const token = decision.token.facts!;
  return async (answer) => {
    if (isJsonObject(answer.result)) ownership.learn(agent, answer.result, token);
    const own = tasks.floorOf(token.chain.task, agent);
    // Who answers for an agent that is not proven on the connection, nobody knows.
    const text = endpoint.proven ? own : lower(own, 1);
    const parts = [{ value: (answer.result ?? answer.error)!, rules: [{ at: '', text, keys: text }] }];
    await tasks.released({ token, decision: decision.id, server: agent, parts });
  };
}

/** The judged request, without what pretends to come from Writ, with the context for this callee and this message. */
async function outgoing(
  request: A2aRequest,
  decision: Decision,
  callee: { readonly endpoint: AgentEndpoint; readonly spiffeId: string },
  deps: A2aDeps,
): Promise<JsonObject> {
  const { message } = request.params;
  const plain =
    isJsonObject(message) && message.metadata !== undefined
      ? { ...message, metadata: withoutWrit(message.metadata) }
      : message;
  const metadata = withoutWrit(request.params.metadata);
  const { metadata: _, ...rest } = request.params;
  const params = {
    ...rest,
    ...(plain === undefined ? {} : { message: plain }),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
  };
  const body: JsonObject = { jsonrpc: '2.0', id: request.id, method: request.method, params };
  // A callee that is not proven on the connection gets no context and cannot continue the chain (rules §2.6).
  if (!callee.endpoint.proven) return body;
  const context = await deps.context(decision, callee.spiffeId, {
    method: 'POST',
    target: callee.endpoint.target,
    body,
  });
  return { ...body, params: { ...params, metadata: withContext(metadata, context) } };
}

async function answerMalformed(
  req: IncomingMessage,
  res: ServerResponse,
  fault: Malformed,
  arrival: Arrival,
  deps: A2aDeps,
): Promise<void> {
  const decisionId = deps.newId();
  const refusal = {
    decisionId,
    denial: denial(fault.denialCode, { message: fault.message }),
    peer: arrival.peer,
    agent: arrival.agent,
  };
  // A refusal stands even when it cannot be recorded: nothing took effect.
  await deps.recordRefusal(refusal).catch(() => {});
  answerJson(res, fault.httpStatus, rpcError(fault), { 'writ-decision': decisionId });
  if (!req.complete) dropUnread(req, res);
}

async function answerEarly(
  req: IncomingMessage,
  res: ServerResponse,
  refused: Denial,
  arrival: Arrival,
  deps: A2aDeps,
): Promise<void> {
  const decisionId = deps.newId();
  await deps.recordRefusal({ decisionId, denial: refused, peer: arrival.peer, agent: arrival.agent }).catch(() => {});
  refuseCall(
    res,
    null,
    { id: decisionId, denial: refused, opened: null },
    { credential: { kind: 'none' }, scopes: [] },
    arrival.resourceMetadata,
  );
  if (!req.complete) dropUnread(req, res);
}

async function sendCard(res: ServerResponse, endpoint: AgentEndpoint, url: string): Promise<void> {
  try {
    const card = publishedCard(await endpoint.card(), url);
    if (card) return answerJson(res, 200, card, { vary: 'A2A-Version' });
    answerJson(res, 502, {
      error: 'temporarily_unavailable',
      error_description: 'the agent has no card that can be read',
    });
  } catch {
    answerJson(res, 502, { error: 'temporarily_unavailable', error_description: says('gateway.upstream_unreachable') });
  }
}
