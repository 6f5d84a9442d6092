// A2A at the gateway: parse, hand to the spine, answer in A2A's words. The callee gets the judged message with Writ's context in
// its metadata, and never the caller's token. Contract §5, §7; A2A 1.0.

import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Call,
  type Decision,
  type DenialCode,
  isJsonObject,
  type JsonObject,
  type PeerOnWire,
  says,
} from '@writ/core';
import { type ContextMaker, withContext, withoutWrit } from '../context.ts';
import { type Ending, type Exchange, type Spine, UpstreamError } from '../exchange.ts';
import {
  answerJson,
  closeDigest,
  credentialOf,
  digestOf,
  dropUnread,
  headerValues,
  hostMatches,
  openDigest,
  originMatches,
  readBody,
} from '../http-io.ts';
import { eventOf, readEvents } from '../mcp/sse.ts';
import { refuseCall, rpcError } from './answers.ts';
import { publishedCard } from './card.ts';
import type { Ownership } from './ownership.ts';
import { type A2aRequest, a2aError, bad, type Malformed, parseA2a, tooLarge } from './parse.ts';
import { type AgentEndpoint, type AgentReply, readAnswer } from './upstream.ts';
import { RPC, type RpcId } from './words.ts';

export interface A2aDeps {
  readonly spine: Spine;
  /** Agent path → its endpoint and SPIFFE ID; only agents that can be called. */
  readonly agents: ReadonlyMap<string, { readonly endpoint: AgentEndpoint; readonly spiffeId: string }>;
  readonly context: ContextMaker;
  readonly ownership: Ownership;
  newId(): string;
  /** A request that never became a call, for the record. */
  recordMalformed(fault: {
    code: DenialCode;
    peer: PeerOnWire;
    target: string;
    says: string;
    decisionId: string;
  }): void;
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
    const refuse = (fault: Malformed) => answerMalformed(res, fault, arrival, deps);
    if (!hostMatches(req, arrival.url))
      return refuse({
        ...bad(null, RPC.invalidRequest, says('gateway.misdirected')),
        httpStatus: 421,
        denialCode: 'gateway.misdirected',
      });
    if (!originMatches(req, arrival.url, deps.origins))
      return refuse({ ...bad(null, RPC.invalidRequest, 'this origin is not allowed'), httpStatus: 403 });
    const callee = deps.agents.get(arrival.agent);
    if (!callee) return answerJson(res, 404, { error: 'not_found' });
    if (req.method === 'GET' && isCardPath(req.url)) return sendCard(res, callee.endpoint, arrival.url);
    if (req.method !== 'POST') return answerJson(res, 405, { error: 'method_not_allowed' }, { allow: 'POST' });

    const body = await readBody(req, bodyBytesMax);
    if (!body.ok) {
      refuse(
        body.fault === 'too_large'
          ? tooLarge()
          : { ...bad(null, RPC.parseError, 'the body could not be read'), denialCode: 'gateway.body_unseen' },
      );
      return dropUnread(req, res);
    }
    const request = parseA2a(headerValues(req, 'a2a-version'), body.bytes);
    if (request.kind === 'malformed') return refuse(request);
    const call = callFrom(req, request, body.bytes, arrival, deps.newId());
    await deps.spine(exchangeFor(res, request, call, callee, arrival, deps));
  };
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
  const trace = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(headerValues(req, 'traceparent')[0] ?? '');
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
    trace: trace?.[1] ?? null,
  };
}

function exchangeFor(
  res: ServerResponse,
  request: A2aRequest,
  call: Call,
  callee: { readonly endpoint: AgentEndpoint; readonly spiffeId: string },
  arrival: Arrival,
  deps: A2aDeps,
): Exchange<AgentReply | 'not_found'> {
  return {
    call,
    async forward(decision) {
      const token = decision.token.facts!;
      // Authorised, but is it the caller's own? A foreign task and a missing one look the same.
      if (request.taskId !== null && !deps.ownership.owns(arrival.agent, request.taskId, token)) return 'not_found';
      return callee.endpoint.send(await outgoing(request, decision, callee, deps), request.of.streams);
    },
    forwardedDigest: (reply) => (reply === 'not_found' ? digestOf('') : reply.forwardedDigest),
    discard(reply) {
      if (reply === 'not_found') return;
      reply.abort();
      if (res.headersSent) res.destroy();
    },
    async release(reply, decision) {
      if (reply === 'not_found') {
        answerJson(res, 200, rpcError(a2aError(request.id, 'TASK_NOT_FOUND')));
        return { state: 'error', digest: null, detail: 'TASK_NOT_FOUND' };
      }
      const learn = (result: JsonObject) => deps.ownership.learn(arrival.agent, result, decision.token.facts!);
      return reply.streams ? releaseStream(res, reply, request.id, learn) : releaseWhole(res, reply, request.id, learn);
    },
    refuse: async (decision) => refuseCall(res, request.id, decision, call, arrival.resourceMetadata),
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

async function releaseWhole(
  res: ServerResponse,
  reply: AgentReply,
  id: RpcId,
  learn: (result: JsonObject) => void,
): Promise<Ending> {
  try {
    const answer = await readAnswer(reply.body);
    const faulty = checkAnswer(answer, id);
    if (isJsonObject(answer.result)) learn(answer.result);
    const bytes = JSON.stringify(answer);
    if (res.destroyed) return { state: 'cancelled', digest: null, detail: null };
    answerJson(res, reply.status === 200 ? 200 : reply.status, answer);
    return { state: faulty ? 'error' : 'complete', digest: digestOf(bytes), detail: faulty };
  } catch (error) {
    reply.abort();
    return brokenOff(res, id, error);
  }
}

async function releaseStream(
  res: ServerResponse,
  reply: AgentReply,
  id: RpcId,
  learn: (result: JsonObject) => void,
): Promise<Ending> {
  const digest = openDigest();
  const leave = () => reply.abort();
  res.once('close', leave);
  let detail: string | null = null;
  try {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    for await (const text of readEvents(reply.body, bodyBytesMax)) {
      const answer = parsedEvent(text);
      detail = checkAnswer(answer, id) ?? detail;
      if (isJsonObject(answer.result)) learn(answer.result);
      const event = eventOf(JSON.stringify(answer));
      digest.update(event);
      if (!res.write(event)) await drained(res);
    }
    res.end();
    return { state: detail ? 'error' : 'complete', digest: closeDigest(digest), detail };
  } catch (error) {
    if (res.destroyed || res.writableEnded) return { state: 'cancelled', digest: null, detail: null };
    return brokenOff(res, id, error);
  } finally {
    res.off('close', leave);
    reply.abort();
  }
}

function parsedEvent(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new UpstreamError('the agent sent an event that is no JSON object');
  return value;
}

/** The name of the error the agent answered with, null for a result. Throws on an answer to somebody else's request. */
function checkAnswer(answer: JsonObject, id: RpcId): string | null {
  if (answer.jsonrpc !== '2.0' || answer.id !== id) throw new UpstreamError('the agent answered another request');
  if (isJsonObject(answer.error)) return `agent error ${String(answer.error.code)}`;
  if (!isJsonObject(answer.result)) throw new UpstreamError('the agent sent neither a result nor an error');
  return null;
}

/** The callee's answer could not be carried on: what has not been sent becomes an error, what has is cut. */
function brokenOff(res: ServerResponse, id: RpcId, error: unknown): Ending {
  const detail = error instanceof Error ? error.message : String(error);
  if (res.destroyed) return { state: 'cancelled', digest: null, detail: null };
  if (res.headersSent) res.destroy();
  else
    answerJson(res, 502, {
      jsonrpc: '2.0',
      id,
      error: { code: -32603, message: says('gateway.upstream_unreachable') },
    });
  return { state: 'error', digest: null, detail };
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done).off('close', done);
      resolve();
    };
    res.on('drain', done).on('close', done);
  });
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

function answerMalformed(res: ServerResponse, fault: Malformed, arrival: Arrival, deps: A2aDeps): void {
  const decisionId = deps.newId();
  deps.recordMalformed({
    code: fault.denialCode,
    peer: arrival.peer,
    target: arrival.agent,
    says: fault.message,
    decisionId,
  });
  answerJson(res, fault.httpStatus, rpcError(fault), { 'writ-decision': decisionId });
}
