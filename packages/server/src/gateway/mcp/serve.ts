// One parsed message as an Exchange: where it goes when it is allowed, and how its reply comes back in the caller's era.
// What concerns only the gateway (handshakes, sessions, pings) is answered here, after it was judged like everything else.

import type { ServerResponse } from 'node:http';
import {
  type Call,
  type Decision,
  type DenialCode,
  denial,
  isJsonObject,
  type JsonObject,
  type TokenFacts,
} from '@writ/core';
import { type Ending, type Exchange, type HandedBack, UpstreamError } from '../exchange.ts';
import { answerJson, digestOf } from '../http-io.ts';
import type { OutputsPort } from '../tasks-port.ts';
import { discoverResult, initializeResult, toCaller } from './adapt.ts';
import { type Definitions, filterList, type Visible } from './lists.ts';
import { outputParts } from './output.ts';
import type { Notification, Request } from './parse.ts';
import { quarantined } from './quarantine.ts';
import { holdsReference, type QuarantinePorts, type Resolved, resolveReferences, withTexts } from './references.ts';
import { errorMessage, refuse } from './refusal.ts';
import { hasLeft, type Ready, release } from './release.ts';
import { openRounds, type Rounds, type RoundsPorts } from './rounds.ts';
import type { CallerSession, Sessions } from './sessions.ts';
import {
  type Behalf,
  type Description,
  type Message,
  messageOf,
  type Upstream,
  type UpstreamReply,
} from './upstream.ts';
import { RPC } from './words.ts';

/** The end of a legacy session, asked for with DELETE. */
export interface Farewell {
  readonly kind: 'farewell';
  readonly sessionId: string;
}

export type Inbound = Request | Notification | Farewell;

/** Answered by the gateway itself, or by the server. */
export type McpReply =
  | { readonly kind: 'own'; readonly status: number; readonly body: unknown; readonly sessionId?: string }
  | {
      readonly kind: 'server';
      readonly ready: Ready;
      readonly forwardedDigest: string;
      readonly cut: (code: DenialCode) => void;
    }
  | { readonly kind: 'left' };

export interface ServeOptions {
  readonly server: string;
  readonly upstream: Upstream;
  readonly inbound: Inbound;
  readonly body: Uint8Array;
  readonly call: Call;
  readonly res: ServerResponse;
  /** `Mcp-Param-*` and trace headers for the server. */
  readonly headers: { readonly [name: string]: string };
  readonly resourceMetadata: string;
  /** What to ask for where any scope of the server would do. */
  readonly baseScopes: readonly string[];
  readonly sessions: Sessions;
  readonly visible: Visible;
  readonly definitions: Definitions;
  readonly approvalUrl: (decision: Decision) => string | null;
  /** Does a text hold a secret that the broker gave out? Such a result is withheld (rules §7.6). */
  readonly holdsSecret: (text: string) => boolean;
  /** Rules §3.11: such a text as it may be shown; null, or no such port: it is withheld. */
  readonly masked?: (value: JsonObject, server: string, decision: Decision) => JsonObject | null;
  /** Rules §5: the arguments with what stands for something else put in; null, or no such port: nothing is. */
  readonly substituted?: (args: JsonObject, server: string, decision: Decision) => Promise<JsonObject | null>;
  readonly outputs: OutputsPort;
  readonly rounds: RoundsPorts;
  readonly quarantine: QuarantinePorts;
  readonly keepAliveMillis: number;
  readonly nowSeconds: () => number;
  readonly newId: () => string;
}

/** What goes on through all steps of one exchange. */
interface Served extends ServeOptions {
  readonly round: Rounds;
  /** What the references in its arguments stand for. */
  resolved: Resolved | null;
}

// Node turns a longer timer into none at all.
const timerMillisMax = 2 ** 31 - 1;
const NOTHING_SENT = digestOf('');

export function exchangeOf(given: ServeOptions): Exchange<McpReply> {
  const { inbound, res, call, rounds, nowSeconds, newId } = given;
  const request = inbound.kind === 'call' ? inbound : null;
  const options: Served = {
    ...given,
    round: openRounds({ ...rounds, nowSeconds, newId }, request, call),
    resolved: null,
  };
  return {
    call,
    handedBack: (token) => handedBack(options, token),
    forward: (decision) => forward(options, decision),
    async refuse(decision) {
      const approvalUrl = options.approvalUrl(decision);
      refuse(res, {
        decisionId: decision.id,
        code: decision.denial!.code,
        outcome: decision.outcome === 'approval' ? 'approval' : 'deny',
        approvalUrl,
        askPerson: approvalUrl === null ? null : options.round.askPerson(decision, approvalUrl),
        id: request?.id ?? null,
        scopes: call.scopes.length > 0 ? call.scopes : options.baseScopes,
        resourceMetadata: options.resourceMetadata,
      });
    },
    async release(reply, decision) {
      // Also where it was allowed: whoever has the answer can find its record.
      if (!res.headersSent) res.setHeader('writ-decision', decision.id);
      try {
        return await releaseReply(options, reply, decision);
      } catch (error) {
        res.destroy();
        return { state: 'unknown', digest: null, detail: error instanceof Error ? error.message : String(error) };
      }
    },
    discard(reply) {
      if (reply.kind !== 'server') return;
      reply.cut('token.revoked');
      reply.ready.cancel();
    },
    forwardedDigest: (reply) => (reply.kind === 'server' ? reply.forwardedDigest : NOTHING_SENT),
  };
}

/** References become what they stand for before the call is judged; what an earlier round gave comes on top. Rules §4.4, §5. */
function handedBack(options: Served, token: TokenFacts): HandedBack | null {
  const { call, quarantine, outputs, round } = options;
  const { references, definitionOf } = quarantine;
  const definition = definitionOf(call.target.server, call.target.name);
  const task = token.chain.task;
  const resolved = resolveReferences(call.arguments, { references, task, definition });
  if (resolved !== null && 'refused' in resolved) return resolved;
  const gone = resolved?.held.find((one) => !outputs.recalls({ ...one, token }));
  if (gone)
    return { refused: denial('action.argument_invalid', { expected: 'a text that the task can still remember' }) };
  options.resolved = resolved;
  const handed = round.handedBack(token);
  if (handed && 'call' in handed && holdsReference(handed.call.answers ?? {}))
    return { refused: denial('action.argument_invalid', { expected: 'an answer without references' }) };
  if (resolved === null || (handed && 'refused' in handed)) return handed;
  const judged = { ...(handed?.call ?? call), arguments: resolved.arguments };
  return { call: judged, resumes: handed?.resumes ?? null, claims: handed?.claims ?? [] };
}

async function releaseReply(options: Served, reply: McpReply, decision: Decision): Promise<Ending> {
  const { res, inbound } = options;
  if (reply.kind === 'left') {
    // A legacy caller that cancelled still waits for the end of its exchange, but for no response.
    if (!hasLeft(res)) res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).end();
    return { state: 'cancelled', digest: null, detail: 'the caller cancelled' };
  }
  if (reply.kind === 'own') {
    const session: Record<string, string> = reply.sessionId ? { 'mcp-session-id': reply.sessionId } : {};
    if (reply.body === null) res.writeHead(reply.status, { 'content-length': '0' }).end();
    else answerJson(res, reply.status, reply.body, session);
    const failed = reply.status >= 400;
    return { state: failed ? 'error' : 'complete', digest: null, detail: failed ? `HTTP ${reply.status}` : null };
  }
  const { id, method } = inbound as Request;
  const secondsLeft = decision.token.facts!.untilSeconds - options.nowSeconds();
  const lifeMillis =
    method === 'subscriptions/listen' ? Math.min(Math.max(secondsLeft, 0) * 1000, timerMillisMax) : null;
  return release(res, reply.ready, { id, decision, keepAliveMillis: options.keepAliveMillis, lifeMillis });
}

async function forward(options: Served, decision: Decision): Promise<McpReply> {
  const { inbound, server, sessions } = options;
  if (inbound.kind === 'call' && inbound.sessionId === null) return forwardCall(options, inbound, decision, null);
  const session = sessions.find(inbound.sessionId!, server, decision);
  // The client begins anew (MCP 2025-11-25). Nobody learns whether the id was ever somebody else's.
  if (session === null) return own(404, errorMessage(null, RPC.invalidRequest, 'this session is not known here'));
  if (inbound.kind === 'call') return forwardCall(options, inbound, decision, session);
  if (inbound.kind === 'farewell') sessions.end(session);
  else if (inbound.method === 'notifications/cancelled') {
    const requestId = inbound.params.requestId;
    if (typeof requestId === 'string' || typeof requestId === 'number') session.underWay.get(requestId)?.();
  }
  return own(inbound.kind === 'farewell' ? 200 : 202, null);
}

async function forwardCall(
  options: Served,
  request: Request,
  decision: Decision,
  session: CallerSession | null,
): Promise<McpReply> {
  const { upstream, server, sessions, headers } = options;
  const { method, id, params, era } = request;
  const behalf = behalfOf(decision);
  const result = (value: object) => ({ jsonrpc: '2.0', id, result: value });

  if (method === 'ping') return own(200, result({}));
  if (method === 'server/discover') return own(200, result(discoverResult(await described(options, behalf))));
  if (method === 'initialize') {
    const answer = initializeResult(String(params.protocolVersion), await described(options, behalf));
    return { ...own(200, result(answer)), sessionId: sessions.open(server, decision).id };
  }
  if (method === 'subscriptions/listen' && (await upstream.describe(behalf)).era === 'legacy') {
    return own(404, errorMessage(id, RPC.methodNotFound, 'this server offers no subscriptions'));
  }
  if (session?.underWay.has(id)) return own(400, errorMessage(id, RPC.invalidRequest, 'this `id` is in use'));

  const stop = new AbortController();
  const over = watchForStop(options, request, session, () => stop.abort());
  try {
    const outbound = {
      id,
      era,
      headers,
      isAction: options.call.isAction,
      ...(await filledIn(options, request, decision)),
    };
    const reply = await upstream.send(outbound, behalf, stop.signal);
    const cut = Promise.withResolvers<DenialCode>();
    const until = { stopped: stop.signal, cut: cut.promise, over };
    const ready = await readyFor(options, request, decision, reply, until);
    return { kind: 'server', ready, forwardedDigest: reply.forwardedDigest, cut: cut.resolve };
  } catch (error) {
    over();
    if (stop.signal.aborted) return { kind: 'left' };
    throw error;
  }
}

/** The judged bytes; where something was put in, one serialisation of the judged message with it (rules §5). */
async function filledIn(options: Served, request: Request, decision: Decision) {
  const { substituted, server, body, call, round, resolved } = options;
  const { method, params: given, id } = request;
  const params = round.outgoing(given);
  // Secrets first: what a reference stands for is nobody's placeholder, whatever it says.
  const secrets = method === 'tools/call' ? ((await substituted?.(call.arguments, server, decision)) ?? null) : null;
  const args = resolved ? withTexts(secrets ?? call.arguments, resolved) : secrets;
  if (!args && params === given) return { method, params, bytes: body };
  const filled = args ? { ...params, arguments: args } : params;
  return { method, params: filled, bytes: Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params: filled })) };
}

/** What the server says of itself, without instructions nobody reviewed. */
async function described({ upstream, definitions, server }: Served, behalf: Behalf): Promise<Description> {
  const found = await upstream.describe(behalf);
  const { instructions } = found;
  const shown = instructions !== null && definitions.mayShowInstructions(server, instructions);
  return shown ? found : { ...found, instructions: null };
}

/**
 * What cancels a call: the caller's hang-up in the modern era, its `notifications/cancelled` in the legacy one, where a lost
 * connection means nothing. The function that comes back ends the watch.
 */
function watchForStop({ res }: Served, request: Request, session: CallerSession | null, stop: () => void): () => void {
  if (session !== null) {
    session.underWay.set(request.id, stop);
    return () => session.underWay.delete(request.id);
  }
  res.once('close', stop);
  if (hasLeft(res)) stop();
  return () => res.off('close', stop);
}

function own(status: number, body: unknown): Extract<McpReply, { kind: 'own' }> {
  return { kind: 'own', status, body };
}

function behalfOf(decision: Decision): Behalf {
  const { root, chain } = decision.token.facts!;
  return { key: JSON.stringify([root.iss, root.sub, chain.task]), root, task: chain.task };
}

/** The server's reply as this caller may have it. Waits until there is something for the caller. */
async function readyFor(
  options: Served,
  request: Request,
  decision: Decision,
  reply: UpstreamReply,
  { over, ...until }: Pick<Ready, 'stopped' | 'cut'> & { readonly over: () => void },
): Promise<Ready> {
  const cancel = () => {
    over();
    reply.cancel();
  };
  const fitted = async (message: Message | null): Promise<Message | null> => {
    while (message !== null) {
      if (message.kind === 'response') over();
      const fit = fitting(options, request, decision, reply, message);
      const shown = fit && (await labelled(options, request, decision, fit));
      if (shown !== null) return shown;
      message = await reply.next();
    }
    return null;
  };
  try {
    const first = await fitted(reply.first);
    if (first === null) throw new UpstreamError('the server ended without an answer');
    const next = async () => fitted(await reply.next());
    return { ...until, first, next, cancel, status: statusFor(first, request, reply) };
  } catch (error) {
    cancel();
    throw error;
  }
}

/** One message as it may go out; null for what ends here. Throws UpstreamError for what nobody may have. */
function fitting(
  { server, visible, definitions, holdsSecret, masked, round }: Served,
  request: Request,
  decision: Decision,
  reply: UpstreamReply,
  message: Message,
): Message | null {
  const plain = toCaller(message, { caller: request.era, upstream: reply.era, method: request.method });
  if (plain === null) return null;
  const adapted = round.fromServer(plain, decision);
  const on = { server, method: request.method, decision };
  const shown = adapted.kind === 'response' ? filterList(adapted, on, visible, definitions) : adapted;
  if (!holdsSecret(shown.text)) return shown;
  const without = masked?.(shown.value, server, decision) ?? null;
  if (without !== null) return messageOf(shown.kind, without);
  throw new UpstreamError('the answer holds a secret of the broker', { code: 'action.secret_in_result' });
}

/**
 * The task has read it from here on: floor and evidence change before the caller has a byte of it (rules §3.5). What is kept back
 * nobody has read. Null where nothing is left to show.
 */
async function labelled(
  { outputs, server, call, quarantine }: Served,
  { method }: Request,
  decision: Decision,
  message: Message,
): Promise<Message | null> {
  const token = decision.token.facts!;
  const rules = outputs.rulesOf(server, call.target.name);
  const isKept = call.isAction && quarantine.keepsBack(server, call.target.name);
  const on = { task: token.chain.task, server, decision: decision.id };
  const kept = isKept ? quarantined(message, { references: quarantine.references, on, rules, ...uriOf(call) }) : null;
  if (isKept && kept === null) return null;
  const parts = kept?.parts ?? outputParts(method, message, rules);
  if (parts.length > 0) await outputs.released({ token, decision: decision.id, server, parts });
  return kept?.message ?? message;
}

function uriOf({ arguments: { uri } }: Call): { readonly uri?: string } {
  return typeof uri === 'string' ? { uri } : {};
}

/** HTTP status of a reply that is one document. A legacy client takes an HTTP error for trouble with its session. */
function statusFor(first: Message, request: Request, reply: UpstreamReply): number {
  if (request.era === 'legacy') return 200;
  if (reply.era === 'modern') return reply.status;
  const error = first.value.error;
  return isJsonObject(error) && error.code === RPC.methodNotFound ? 404 : 200;
}
