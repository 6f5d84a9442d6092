// AuthZEN Authorization API 1.0 as a server: metadata, evaluation, evaluations. A denial is an answer (200, `decision: false`); an
// HTTP error says that nothing was decided. What is decided, and how, is authzen/answer.ts. Search is not offered, and an endpoint
// that the metadata does not name is not supported (AuthZEN 1.0 §9).

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type JsonObject, type JsonValue, parseStrictJson } from '@writ/core';
import { type Answer, answerTo, type JudgePorts } from './authzen/answer.ts';
import { type Batch, readBatch, readEvaluation } from './authzen/request.ts';
import type { AuthzenCaller } from './authzen/to-call.ts';

export interface AuthzenDeps extends JudgePorts {
  /** Identifier of this decision point: the base URL under which its paths are found, without a final slash. */
  readonly base: string;
  /** Who asks, authenticated; null for nobody. */
  callerOf(req: IncomingMessage): Promise<AuthzenCaller | null>;
  report(what: string, error: unknown): void;
}

/** False: not one of its paths. Never rejects. */
export type AuthzenServer = (req: IncomingMessage, res: ServerResponse) => Promise<boolean>;

const METADATA = '/.well-known/authzen-configuration';
const EVALUATION = '/access/v1/evaluation';
const EVALUATIONS = '/access/v1/evaluations';

const bodyBytesMax = 1024 * 1024;
const requestIdCharsMax = 256;

export function createAuthzenServer(deps: AuthzenDeps): AuthzenServer {
  const metadata = {
    policy_decision_point: deps.base,
    access_evaluation_endpoint: deps.base + EVALUATION,
    access_evaluations_endpoint: deps.base + EVALUATIONS,
  };

  async function evaluated(req: IncomingMessage, path: string): Promise<Reply> {
    const caller = await deps.callerOf(req);
    if (caller === null) return { status: 401, text: 'authentication is required' };
    const body = await readJson(req);
    if ('status' in body) return body;
    const batch = path === EVALUATIONS ? readBatch(body.value) : null;
    if (batch === null) return replyOf(await answerTo(readEvaluation(body.value), caller, deps));
    if ('malformed' in batch) return { status: 400, text: batch.malformed };
    return { status: 200, json: { evaluations: await evaluateAll(batch, caller, deps) } };
  }

  return async (req, res) => {
    const path = (req.url ?? '/').split('?', 1)[0]!;
    const method = path === METADATA ? 'GET' : path === EVALUATION || path === EVALUATIONS ? 'POST' : null;
    if (method === null) return false;
    try {
      if (req.method !== method) send(req, res, { status: 405, text: `use ${method}` }, { allow: method });
      else send(req, res, path === METADATA ? { status: 200, json: metadata } : await evaluated(req, path));
    } catch (error) {
      deps.report(`${method} ${path}`, error);
      send(req, res, { status: 500, text: 'nothing was decided' });
    }
    return true;
  };
}

/** In order, and no further than the semantic wants; an item that could not be judged is a denial that says so (§7.2). */
async function evaluateAll({ semantic, items }: Batch, caller: AuthzenCaller, deps: AuthzenDeps) {
  const answers: JsonObject[] = [];
  for (const item of items) {
    const answer = await answerTo(item, caller, deps).catch((error: unknown) => {
      deps.report('an evaluation', error);
      return { status: 500, message: 'nothing was decided' } as const;
    });
    const decision = answer.status === 200 && answer.decision;
    answers.push({
      decision,
      context: answer.status === 200 ? answer.context : { error: { status: answer.status, message: answer.message } },
    });
    if (semantic === (decision ? 'permit_on_first_permit' : 'deny_on_first_deny')) break;
  }
  return answers;
}

/** An error's body is its message (§10.1). */
type Reply =
  | { readonly status: 200; readonly json: JsonObject }
  | { readonly status: 400 | 401 | 403 | 405 | 413 | 500; readonly text: string };

function replyOf(answer: Answer): Reply {
  if (answer.status !== 200) return { status: answer.status, text: answer.message };
  return { status: 200, json: { decision: answer.decision, context: answer.context } };
}

async function readJson(req: IncomingMessage): Promise<{ readonly value: JsonValue } | Reply> {
  const type = req.headers['content-type'] ?? '';
  if (!/^application\/json *(;|$)/i.test(type)) return { status: 400, text: 'send `application/json`' };
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of req as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > bodyBytesMax) return { status: 413, text: `the body has more than ${bodyBytesMax} bytes` };
    parts.push(part);
  }
  const parsed = parseStrictJson(Buffer.concat(parts));
  return parsed.ok ? { value: parsed.value } : { status: 400, text: 'the body is not JSON, each name once' };
}

function send(req: IncomingMessage, res: ServerResponse, reply: Reply, more: { readonly [name: string]: string } = {}) {
  if (res.headersSent || res.destroyed) return;
  const bytes = Buffer.from('json' in reply ? JSON.stringify(reply.json) : reply.text);
  const id = req.headers['x-request-id'];
  const echoed = typeof id === 'string' && id.length <= requestIdCharsMax ? { 'x-request-id': id } : {};
  res.writeHead(reply.status, {
    'content-type': 'json' in reply ? 'application/json' : 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    ...(reply.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    // What was not read to its end cannot be told from the next request.
    ...(reply.status === 413 ? { connection: 'close' } : {}),
    ...echoed,
    ...more,
    'content-length': String(bytes.length),
  });
  res.end(bytes);
}
