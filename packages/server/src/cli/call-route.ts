// How one call reaches its callee: as an agent over mutual TLS, through the sidecar of `writ run`, or to a URL with a token in
// hand. Keeps what the answer looked like on the wire, which the client libraries above do not.

import { DeniedError, type FetchLike } from '@writ/agent';
import { isJsonObject, type JsonValue, parseJws } from '@writ/core';
import { type Acting, actAs, readToken } from './as-agent.ts';
import type { Whereabouts } from './plane.ts';
import { unreachable, usage } from './stop.ts';

export type CallTarget =
  | { readonly kind: 'mcp'; readonly key: string; readonly name: string }
  | { readonly kind: 'a2a'; readonly key: string };

export interface Route extends AsyncDisposable {
  readonly url: string;
  readonly fetch: FetchLike;
}

export interface RouteOptions {
  readonly as: string | undefined;
  readonly task: string | undefined;
  readonly token: string | undefined;
  readonly delegate: readonly string[];
  readonly url: string | undefined;
}

export async function routeOf(target: CallTarget, options: RouteOptions, where: Whereabouts): Promise<Route> {
  if (options.as !== undefined) return agentRoute(await actAs(options.as, where), target, options);
  const sidecar = where.env.WRIT_SIDECAR;
  const url = options.url ?? (sidecar ? `${sidecar.replace(/\/+$/, '')}/${target.kind}/${target.key}` : null);
  if (url === null)
    throw usage('say which agent calls with `--as AGENT`, or run this inside `writ run --agent AGENT -- …`');
  // The sidecar brings the token itself, and a second one would be ambiguous. Contract §2.
  const token = options.token === undefined ? null : readToken(options.token);
  return { url, fetch: withToken(reachable(fetch, url), token), [Symbol.asyncDispose]: async () => {} };
}

async function agentRoute(acting: Acting, target: CallTarget, options: RouteOptions): Promise<Route> {
  const audience = `${acting.mtls}/${target.kind}/${target.key}`;
  try {
    const scopes =
      target.kind === 'mcp' ? [`${target.key}:${target.name}`] : [`${target.key}:send`, ...options.delegate];
    const token = await tokenFor(acting, target, { audience, scopes }, options);
    const url = options.url ?? audience;
    const over = url.startsWith(`${acting.mtls}/`) || url.startsWith('https:') ? acting.fetch : reachable(fetch, url);
    return { url, fetch: withToken(over, token), [Symbol.asyncDispose]: () => acting.close() };
  } catch (error) {
    await acting.close();
    throw error;
  }
}

/** Null without a task: the gateway says what is missing, and the refusal is on record. */
async function tokenFor(
  acting: Acting,
  target: CallTarget,
  wanted: { readonly audience: string; readonly scopes: readonly string[] },
  { token, task }: RouteOptions,
): Promise<string | null> {
  if (token !== undefined) return readToken(token);
  if (!task) return null;
  const { token: continuation } = await acting.tokens.fetchContinuation(task);
  try {
    return (await acting.tokens.take({ continuation, ...wanted })).token;
  } catch (error) {
    // What the task does not hold cannot be had; with what it does hold the gateway is asked, which says who took it away.
    const held =
      error instanceof DeniedError && error.denial.code === 'token.scope_widened' ? heldScopes(continuation) : [];
    const scopes = held.filter((scope) => scope.startsWith(`${target.key}:`));
    if (scopes.length === 0) throw error;
    return (await acting.tokens.take({ continuation, audience: wanted.audience, scopes })).token;
  }
}

/** Scopes of the last link, as the continuation tells them: for asking, never for deciding. */
function heldScopes(continuation: string): readonly string[] {
  const wc = parseJws(continuation)?.claims.wc;
  const leaf = Array.isArray(wc) ? (wc.at(-1) as JsonValue) : null;
  return isJsonObject(leaf) && Array.isArray(leaf.scope) ? leaf.scope.filter((scope) => typeof scope === 'string') : [];
}

function withToken(over: FetchLike, token: string | null): FetchLike {
  if (token === null) return over;
  return (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${token}`);
    return over(input, { ...init, headers });
  };
}

function reachable(over: FetchLike, url: string): FetchLike {
  return (input, init) =>
    over(input, { ...init, redirect: 'manual' }).catch((error: unknown) => {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw unreachable(`\`${url}\` does not answer: ${cause}`);
    });
}

/** What the answer looked like on the wire; libraries above keep only what it means. */
export interface Seen {
  status: number | null;
  decisionId: string | null;
  rpcCode: number | null;
}

export function watched(over: FetchLike, seen: Seen): FetchLike {
  return async (input, init) => {
    const response = await over(input, init);
    seen.status = response.status;
    seen.decisionId = response.headers.get('writ-decision');
    if ((response.headers.get('content-type') ?? '').startsWith('application/json')) {
      const body = (await response
        .clone()
        .json()
        .catch(() => null)) as JsonValue;
      if (isJsonObject(body) && isJsonObject(body.error) && typeof body.error.code === 'number')
        seen.rpcCode = body.error.code;
    }
    return response;
  };
}
