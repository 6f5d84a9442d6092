// AuthZEN Authorization API 1.0 as a server: metadata, evaluation, evaluations, and the access-request profile. A denial is an answer
// (200, `decision: false`); an HTTP error says that nothing was decided. What is decided, and how, is authzen/answer.ts; search, for
// admins alone, is authzen/search.ts.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type JsonObject, type JsonValue, type PeerOnWire, parseStrictJson } from '@writ/core';
import {
  ACCESS_REQUEST_CAPABILITY,
  ACCESS_REQUESTS,
  type AccessAnswer,
  statusOf,
  submit,
} from './authzen/access-request.ts';
import { type Answer, answerTo, type JudgePorts } from './authzen/answer.ts';
import { type Batch, readBatch, readEvaluation } from './authzen/request.ts';
import { type SearchKind, type SearchPorts, search } from './authzen/search.ts';
import type { AuthzenCaller } from './authzen/to-call.ts';

export interface AuthzenDeps extends JudgePorts {
  /** Who asks, authenticated; null for nobody. `peer`: who the listener saw, where it asks for certificates. */
  callerOf(req: IncomingMessage, peer: PeerOnWire | null): Promise<AuthzenCaller | null>;
  readonly search: SearchPorts & {
    /** A person with the role admin who signed in recently (rules §7.1, §7.5). */
    isAdmin(req: IncomingMessage, peer: PeerOnWire | null): Promise<boolean>;
  };
  report(what: string, error: unknown): void;
}

/** False: not one of its paths. Never rejects. */
export type AuthzenServer = (req: IncomingMessage, res: ServerResponse, peer: PeerOnWire | null) => Promise<boolean>;

const METADATA = '/.well-known/authzen-configuration';
const EVALUATION = '/access/v1/evaluation';
const EVALUATIONS = '/access/v1/evaluations';

const SEARCH = '/access/v1/search/';
const REQUEST = new RegExp(`^${ACCESS_REQUESTS}/([\\w-]{1,64})$`);
const PROBLEM = 'urn:openid:authzen:access-request:error:';

const bodyBytesMax = 1024 * 1024;
const requestIdCharsMax = 256;

export function createAuthzenServer(deps: AuthzenDeps): AuthzenServer {
  const metadata = {
    policy_decision_point: deps.base,
    access_evaluation_endpoint: deps.base + EVALUATION,
    access_evaluations_endpoint: deps.base + EVALUATIONS,
    search_subject_endpoint: `${deps.base}${SEARCH}subject`,
    search_resource_endpoint: `${deps.base}${SEARCH}resource`,
    search_action_endpoint: `${deps.base}${SEARCH}action`,
    access_request_endpoint: deps.base + ACCESS_REQUESTS,
    capabilities: [ACCESS_REQUEST_CAPABILITY],
  };

  async function evaluated(req: IncomingMessage, path: string, peer: PeerOnWire | null): Promise<Reply> {
    const caller = await deps.callerOf(req, peer);
    if (caller === null) return { status: 401, text: 'authentication is required' };
    const body = await readJson(req);
    if ('status' in body) return body;
    const batch = path === EVALUATIONS ? readBatch(body.value) : null;
    if (batch === null) return replyOf(await answerTo(readEvaluation(body.value), caller, deps));
    if ('malformed' in batch) return { status: 400, text: batch.malformed };
    return { status: 200, json: { evaluations: await evaluateAll(batch, caller, deps) } };
  }

  async function requested(req: IncomingMessage, path: string, peer: PeerOnWire | null): Promise<Reply> {
    const caller = await deps.callerOf(req, peer);
    if (caller === null) return { status: 401, text: 'authentication is required' };
    const id = REQUEST.exec(path)?.[1];
    if (id !== undefined) return statusOf(id, caller, deps.base, deps);
    const body = await readJson(req);
    return 'status' in body ? body : submit(body.value, caller, deps.base, deps);
  }

  async function searched(req: IncomingMessage, kind: SearchKind, peer: PeerOnWire | null): Promise<Reply> {
    if (!(await deps.search.isAdmin(req, peer)))
      return { status: 401, text: 'an admin who signed in recently is required' };
    const body = await readJson(req);
    if ('status' in body) return body;
    const found = search(kind, body.value, deps.search);
    return 'malformed' in found ? { status: 400, text: found.malformed } : { status: 200, json: found.json };
  }

  return async (req, res, peer) => {
    const path = (req.url ?? '/').split('?', 1)[0]!;
    const method = methodOf(path);
    if (method === null) return false;
    const answered = () => {
      if (path === METADATA) return { status: 200, json: metadata } as const;
      const kind = searchKindOf(path);
      if (kind !== null) return searched(req, kind, peer);
      return path.startsWith(ACCESS_REQUESTS) ? requested(req, path, peer) : evaluated(req, path, peer);
    };
    try {
      if (req.method !== method) send(req, res, { status: 405, text: `use ${method}` }, { allow: method });
      else send(req, res, await answered());
    } catch (error) {
      deps.report(`${method} ${path}`, error);
      send(req, res, { status: 500, text: 'nothing was decided' });
    }
    return true;
  };
}

/** Null: not one of ours. */
function methodOf(path: string): 'GET' | 'POST' | null {
  if (path === METADATA || REQUEST.test(path)) return 'GET';
  return [EVALUATION, EVALUATIONS, ACCESS_REQUESTS].includes(path) || searchKindOf(path) !== null ? 'POST' : null;
}

function searchKindOf(path: string): SearchKind | null {
  if (!path.startsWith(SEARCH)) return null;
  const kinds: readonly SearchKind[] = ['subject', 'resource', 'action'];
  return kinds.find((kind) => kind === path.slice(SEARCH.length)) ?? null;
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

/** An error's body is its message (§10.1); of the access-request profile, a problem of RFC 9457. */
type Reply =
  | AccessAnswer
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
  const [type, text] = contentOf(reply);
  const bytes = Buffer.from(text);
  const id = req.headers['x-request-id'];
  const echoed = typeof id === 'string' && id.length <= requestIdCharsMax ? { 'x-request-id': id } : {};
  res.writeHead(reply.status, {
    'content-type': type,
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

function contentOf(reply: Reply): readonly [type: string, text: string] {
  if ('json' in reply) return ['application/json', JSON.stringify(reply.json)];
  if ('text' in reply) return ['text/plain; charset=utf-8', reply.text];
  const { status, problem, detail } = reply;
  const told = { type: PROBLEM + problem, title: problem.replaceAll('_', ' '), status, detail };
  return ['application/problem+json', JSON.stringify(told)];
}
