// `/api/v1`: routes, and what each takes of its caller. What a route does stands in acts.ts, explain.ts and live.ts.

import type { IncomingMessage } from 'node:http';
import { isoSeconds, type JsonObject, type JsonValue } from '@writ/core';
import { type Context, Hono } from 'hono';
import type * as z from 'zod';
import { isForeign, isForUs } from '../page-form.ts';
import type { Acts } from './acts.ts';
import { type Answer, ok, REFUSALS, type Refusal, refusal } from './answers.ts';
import { type Body, headerText, json, readBody, wholeNumber } from './api-http.ts';
import { type Approval, type Approvals, mayDecide } from './approvals.ts';
import { argumentsInWords } from './argument-words.ts';
import {
  ForgetBody,
  KeysBody,
  LoginBody,
  ReloadBody,
  ReviewBody,
  RevocationBody,
  TaskBody,
  VerdictBody,
} from './bodies.ts';
import type { Caller, FindCaller, PersonCaller, Via } from './caller.ts';
import type { Explain } from './explain.ts';
import { liveDecisions } from './live.ts';
import type { ConsoleDeps, SignedIn } from './ports.ts';

export type ApiEnv = { Bindings: { readonly incoming: IncomingMessage; readonly via: Via } };

interface Asked {
  readonly caller: Caller;
  readonly param: (name: string) => string;
  readonly query: (name: string) => string | undefined;
  readonly incoming: IncomingMessage;
  readonly via: Via;
  /** The body in this form, or why it is not. */
  body<Value>(form: z.ZodType<Value>): Promise<Body<Value>>;
}
type AskedByPerson = Asked & { readonly caller: PersonCaller };

export interface ApiRooms {
  readonly findCaller: FindCaller;
  readonly acts: Acts;
  readonly approvals: Approvals;
  readonly explain: Explain;
}

const listMax = 1_000;
const listDefault = 100;

export function createApi(deps: ConsoleDeps, { findCaller, acts, approvals, explain }: ApiRooms): Hono<ApiEnv> {
  const { people, decisions, clock } = deps;

  const anyone = (run: (asked: Asked) => Promise<Answer | Response>) => (c: Context<ApiEnv>) => answered(c, run);

  /** The local socket, the viewer's text, or a person. */
  const reader = (run: (asked: Asked) => Promise<Answer | Response>) =>
    anyone(async (asked) => {
      const { caller } = asked;
      if (caller.kind === 'viewer' || caller.kind === 'person') return run(asked);
      return REFUSALS.signIn(caller.code);
    });

  const person = (run: (asked: AskedByPerson) => Promise<Answer | Response>) =>
    anyone(async (asked) => {
      const { caller, incoming } = asked;
      if (caller.kind === 'viewer') return REFUSALS.notAPerson;
      if (caller.kind === 'agent') return REFUSALS.agent;
      if (caller.kind === 'nobody') return REFUSALS.signIn(caller.code);
      // A browser sends the cookie whoever wrote the page.
      const writes = incoming.method !== 'GET' && incoming.method !== 'HEAD';
      if (writes && caller.by === 'cookie' && incoming.headers['x-writ-csrf'] !== caller.csrf) return REFUSALS.csrf;
      return run({ ...asked, caller });
    });

  const api = new Hono<ApiEnv>().basePath('/api/v1');
  api.get(
    '/status',
    reader(async () => ok(await deps.status())),
  );
  api.get('/decisions', reader(list));
  api.get(
    '/decisions/:id',
    reader(async ({ param }) => found(await explain(param('id')), 'decision')),
  );
  api.get(
    '/live',
    reader(async (asked) => live(asked)),
  );
  api.post('/login', anyone(login));
  api.post('/logout', person(logout));
  api.get('/whoami', person(whoami));
  api.post(
    '/tasks',
    person((asked) => withBody(asked, TaskBody, (ask) => acts.openTask(asked.caller, ask))),
  );
  api.delete(
    '/tasks/:id',
    person(({ caller, param }) => acts.endTask(caller, param('id'))),
  );
  api.get(
    '/approvals',
    person(async ({ caller }) => listApprovals(caller)),
  );
  api.post(
    '/approvals/:id',
    person((asked) =>
      withBody(asked, VerdictBody, (verdict) => acts.decideApproval(asked.caller, asked.param('id'), verdict)),
    ),
  );
  api.post(
    '/revocations',
    person((asked) => withBody(asked, RevocationBody, (what) => acts.revoke(asked.caller, what))),
  );
  api.post(
    '/agents/forget',
    person((asked) => withBody(asked, ForgetBody, (ask) => acts.forgetAgent(asked.caller, ask))),
  );
  api.get(
    '/keys',
    person(async () => ok(deps.keys.show() as JsonObject)),
  );
  api.post(
    '/keys',
    person((asked) => withBody(asked, KeysBody, (ask) => acts.rotateKeys(asked.caller, ask))),
  );
  api.get(
    '/policy',
    person(async () => ok({ ...deps.policy() })),
  );
  api.get(
    '/policy/draft',
    person(() => acts.showDraft()),
  );
  api.post(
    '/policy/reload',
    person((asked) => withBody(asked, ReloadBody, ({ digest }) => acts.reloadPolicy(asked.caller, digest))),
  );
  api.get(
    '/policy/review/:server',
    person(({ param }) => acts.showReview(param('server'))),
  );
  api.post(
    '/policy/review/:server',
    person((asked) =>
      withBody(asked, ReviewBody, (yes) => acts.acceptReview(asked.caller, asked.param('server'), yes)),
    ),
  );
  api.notFound((c) => answered(c, async () => REFUSALS.notFound('address of this API')));
  return api;

  async function list({ query }: Asked): Promise<Answer> {
    const since = wholeNumber(query('since'));
    const limit = wholeNumber(query('limit')) ?? listDefault;
    if (since === 'no number' || limit === 'no number')
      return REFUSALS.malformed('`since` and `limit` are whole numbers');
    const rows = decisions.decisions({ ...(since === null ? {} : { since }), limit: Math.min(limit, listMax) });
    return ok({ decisions: rows as unknown as JsonValue });
  }

  async function live({ query, incoming, via }: Asked): Promise<Answer | Response> {
    const after = wholeNumber(headerText(incoming, 'last-event-id') ?? query('since'));
    if (after === 'no number') return REFUSALS.malformed('`Last-Event-ID` is a sequence');
    const mayRead = async () => ['viewer', 'person'].includes((await findCaller(incoming, via)).kind);
    const checkMillis = deps.liveCheckMillis ?? 15_000;
    const stream = liveDecisions({ decisions, log: deps.log, after, checkMillis, mayRead });
    return new Response(stream, { headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' } });
  }

  async function login(asked: Asked): Promise<Answer> {
    const { via, incoming } = asked;
    // Sessions are for whoever reached the address of the plane; the socket stays a window.
    if (via === 'socket') return REFUSALS.notAPerson;
    return withBody(asked, LoginBody, async (body) => {
      const source = incoming.socket.remoteAddress ?? 'unknown';
      if (!('link' in body)) return sessionAnswer(await people.signIn.byPassword({ ...body, source }));
      const chosen = 'user' in body ? { chosen: { user: body.user, password: body.password } } : {};
      return sessionAnswer(await people.signIn.byLink({ link: body.link, source, ...chosen }));
    });
  }

  async function logout({ caller }: AskedByPerson): Promise<Answer> {
    if (caller.by === 'token') await deps.revoke({ token: caller.id }, caller.user);
    else await people.sessions.end(caller.id);
    return ok({ user: caller.user });
  }

  /** Who asks; with `pid`, who that process is. */
  async function whoami({ caller, query }: AskedByPerson): Promise<Answer> {
    const pid = wholeNumber(query('pid'));
    if (pid === 'no number') return REFUSALS.malformed('`pid` is a whole number');
    if (pid !== null) return ok((await deps.whoami(pid)) as JsonObject);
    const { user, roles, by, csrf, expiresSeconds, authenticatedAtSeconds: at } = caller;
    const expires = isoSeconds(expiresSeconds);
    return ok({ user, roles, by, csrf, expires, authenticatedAt: at === null ? null : isoSeconds(at) });
  }

  async function listApprovals(caller: PersonCaller): Promise<Answer> {
    const waiting = await approvals.waiting();
    const visible = waiting.filter((one) => mayDecide(one, caller, deps.issuer));
    return ok({ approvals: visible.map(approvalJson) });
  }

  async function answered(c: Context<ApiEnv>, run: (asked: Asked) => Promise<Answer | Response>): Promise<Response> {
    const { incoming, via } = c.env;
    let caller: Caller | null = null;
    try {
      if (via === 'tcp' && !isForUs(incoming, deps.origins())) return await refuse(c, REFUSALS.misdirected, null);
      if (isForeign(incoming, deps.origins())) return await refuse(c, REFUSALS.csrf, null);
      caller = await findCaller(incoming, via);
      const answer = await run({
        caller,
        incoming,
        via,
        param: (name) => c.req.param(name) ?? '',
        query: (name) => c.req.query(name),
        body: (form) => readBody(c.req.raw, form),
      });
      if (answer instanceof Response) return answer;
      return answer.refused ? await refuse(c, answer, caller) : json(answer.status, answer.body);
    } catch (error) {
      deps.report(`${incoming.method} ${c.req.path}`, error);
      return refuse(c, REFUSALS.outage, null);
    }
  }

  /** Contract §5. On record when we know who it was; strangers could fill the log. */
  async function refuse(c: Context<ApiEnv>, refused: Refusal, caller: Caller | null): Promise<Response> {
    const id = deps.newId();
    const { status, error, description, code, headers } = refused;
    if (caller?.kind === 'person' && status !== 404) {
      const { method, path } = c.req;
      const event = { event: 'api.refused', id, by: caller.user, method, path, error } as const;
      await deps.record(event).catch((cause: unknown) => deps.report('record of a refusal', cause));
    }
    const body = { error, error_description: description, code, decisionId: id };
    return json(status, body, { ...headers, 'Writ-Decision': id });
  }

  function sessionAnswer(signedIn: SignedIn): Answer {
    if (signedIn.ok) {
      const { secret, person } = signedIn;
      const { user, roles, expiresSeconds } = person;
      return ok({ session: secret, user, roles, expires: isoSeconds(expiresSeconds) });
    }
    const { status, says, retrySeconds } = signedIn;
    const refused = refusal(status, status === 429 ? 'too_many_tries' : 'access_denied', says, null);
    return retrySeconds === undefined ? refused : { ...refused, headers: { 'Retry-After': String(retrySeconds) } };
  }

  function approvalJson(one: Approval): JsonObject {
    const { hash, expiresSeconds, root, state: _state, ...rest } = one;
    const more = { ...rest } as unknown as JsonObject;
    return {
      ...more,
      values: argumentsInWords(one, decisions.decision) as unknown as JsonValue,
      hash,
      expires: isoSeconds(expiresSeconds),
      root: { ...root },
      now: isoSeconds(clock.nowSeconds()),
    };
  }
}

async function withBody<Value>(
  asked: Asked,
  form: z.ZodType<Value>,
  run: (value: Value) => Promise<Answer>,
): Promise<Answer> {
  const body = await asked.body(form);
  return 'refused' in body ? body.refused : run(body.value);
}

function found(body: JsonObject | null, what: string): Answer {
  return body === null ? REFUSALS.notFound(what) : ok(body);
}
