// Serving a call: reads the request once, verifies its context, and runs the handler inside it. Written for plain node:http and for
// Express alike; A2A servers built on a stock SDK continue the chain without knowing about it.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import {
  CONTEXT_HEADER,
  type DenialCode,
  denial,
  JSON_BOUNDS,
  type JsonValue,
  parseStrictJson,
  type SpiffeId,
  says,
  withoutContext,
} from '@writ/core';
import { type CallContext, withContext } from '../context.ts';
import type { Agent } from './agent.ts';

/** A request as Express and its kin have it. */
export type ServedRequest = IncomingMessage & { body?: unknown; originalUrl?: string };
export type Next = (error?: unknown) => void;
export type Handler = (request: ServedRequest, response: ServerResponse) => unknown;

/** Who was proven on the connection; filled by `serveAgent`. */
const peers = new WeakMap<object, SpiffeId>();
const served = new WeakMap<IncomingMessage, CallContext>();

export function rememberPeer(socket: TLSSocket, peer: SpiffeId): void {
  peers.set(socket, peer);
}

/**
 * Middleware. Leaves the parsed body in `request.body`, without the context: authority does not belong into an agent's history.
 * Calls `next` inside the context, without continuation and at level 0 when there is none to believe (contract §7).
 */
export function writContext(agent: Pick<Agent, 'accept'>) {
  return (request: ServedRequest, response: ServerResponse, next: Next): void => {
    if (served.has(request)) next();
    else
      guardRequest(agent, request).then((guarded) => {
        if ('refused' in guarded) return refuse(response, guarded);
        withContext(guarded.context, () => next());
      }, next);
  };
}

type Guarded = { readonly context: CallContext } | { readonly refused: DenialCode; readonly status: number };

/** Reads and verifies one request. Rejects when the body was read by somebody else before, or keys cannot be had. */
export async function guardRequest(agent: Pick<Agent, 'accept'>, request: ServedRequest): Promise<Guarded> {
  const body = await readBody(request);
  if ('refused' in body) return body;
  const { value } = body;
  const context = value === undefined ? unseen(request) : await agent.accept(incomingOf(request, value));
  if (value !== undefined && body.bytes > 0) request.body = withoutContext(value);
  served.set(request, context);
  return { context };
}

function incomingOf(request: ServedRequest, body: JsonValue) {
  const { headers, method = 'GET', socket } = request;
  return {
    method,
    // Express cuts the mount path off `url` and keeps the whole in `originalUrl`.
    target: request.originalUrl ?? request.url ?? '/',
    body,
    peer: peers.get(socket) ?? null,
    header: headers[CONTEXT_HEADER] ?? null,
    traceparent: traceparentOf(request),
  };
}

/** A body of another kind is left to its reader, and since it was not seen nothing is believed about it. */
function unseen(request: ServedRequest): CallContext {
  const traceparent = traceparentOf(request);
  return { continuation: null, task: null, traceparent, caller: null, denial: denial('gateway.body_unseen') };
}

type Body =
  /** `value` undefined: not JSON, and not read. */
  | { readonly value: JsonValue | undefined; readonly bytes: number }
  | { readonly refused: DenialCode; readonly status: number };

async function readBody(request: ServedRequest): Promise<Body> {
  const { headers } = request;
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0)
    return { value: null, bytes: 0 };
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(headers['content-type'] ?? ''))
    return { value: undefined, bytes: 0 };
  if (request.readableEnded || request.readableDidRead) {
    throw new Error('the body was read before its context could be verified; put `writContext` before any body parser');
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > JSON_BOUNDS.bytesMax) return { refused: 'gateway.too_large', status: 413 };
    chunks.push(chunk);
  }
  const parsed = parseStrictJson(Buffer.concat(chunks));
  return parsed.ok ? { value: parsed.value, bytes } : { refused: 'gateway.malformed', status: 400 };
}

function traceparentOf({ headers }: IncomingMessage): string | null {
  const { traceparent } = headers;
  return typeof traceparent === 'string' ? traceparent : null;
}

/** In the plane's own form (contract §5); there is no decision to name. */
export function refuse(
  response: ServerResponse,
  { refused: code, status }: { refused: DenialCode; status: number },
): void {
  const body = JSON.stringify({ error: 'invalid_request', error_description: says(code), code, decisionId: null });
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(body);
}
