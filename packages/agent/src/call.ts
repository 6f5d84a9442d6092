// One outbound call with the right token: scopes chosen from what is sent, taken from the authority in force, renewed once when it
// ran out on the way, and a refusal by the plane thrown as a DeniedError. MCP and A2A words are in mcp.ts and a2a.ts.

import type { JsonValue } from '@writ/core';
import { DeniedError, denialOfAnswer, type ReceivedDenial } from './denied.ts';
import { boundedJson, type FetchLike } from './fetch.ts';
import type { Callee } from './plane.ts';
import type { OpenPage } from './rounds.ts';
import { scopesOfCall } from './scopes.ts';
import type { Token } from './token.ts';
import type { TokenCache } from './token-cache.ts';
import { unverifiedScopes } from './unverified.ts';

export interface CallOptions {
  /** Where a person can be shown the page of a question about this call. */
  readonly openPage?: OpenPage;
  /** For an agent: scopes that it may use or delegate on this call's behalf. */
  readonly delegate?: readonly string[];
  /** Asked for instead of what the message shows: plain HTTP does not say which operation it means. */
  readonly scopes?: readonly string[];
  /** This token and no other: what `spawn` returned, say. */
  readonly token?: Token;
}

export interface Caller {
  readonly tokens: TokenCache;
  /** Mutual TLS to the gateway. */
  readonly fetch: FetchLike;
  /** Continuation in force; throws a DeniedError when there is none. */
  authority(): string;
  /** `traceparent` of an outbound call, or null. */
  trace(): string | null;
}

const refusalBytesMax = 256 * 1024;

/** A `fetch` for one callee. Other hosts and paths are refused: the token is meant for nobody else. */
export function fetchFor(caller: Caller, callee: Callee, options: CallOptions = {}): FetchLike {
  if (options.token !== undefined && options.token.audience !== callee.url) {
    throw new TypeError(`the token is for \`${options.token.audience}\` and not for \`${callee.url}\``);
  }
  return async (input, init) => {
    const request = await bufferedRequest(input, init);
    if (!isUnder(request.url, callee.url)) throw new TypeError(`\`${request.url.href}\` is not at \`${callee.url}\``);
    const bearer = bearerFor(caller, callee, bodyValue(request.body), options);
    const token = await bearer.obtain();
    const response = await send(caller, request, token);
    const denial = await denialIn(response);
    if (denial === null) return response;
    if (denial.code !== 'token.expired' || bearer.replace === null) {
      if (response.status === 401) bearer.forget(token);
      throw new DeniedError(denial);
    }
    // The gateway has refused before anything happened, so sending the same once more cannot do it twice.
    const again = await send(caller, request, await bearer.replace(token));
    const second = await denialIn(again);
    if (second !== null) throw new DeniedError(second);
    return again;
  };
}

/** A request whose body is held, so that it can be looked at and sent a second time. */
interface BufferedRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | null;
  readonly signal: AbortSignal;
}

async function bufferedRequest(input: string | URL | Request, init?: RequestInit): Promise<BufferedRequest> {
  const request = new Request(input, init);
  const { method, headers, signal } = request;
  const body = request.body === null ? null : new Uint8Array(await request.arrayBuffer());
  return { url: new URL(request.url), method, headers, body, signal };
}

interface Bearer {
  obtain(): Promise<Token>;
  replace: ((refused: Token) => Promise<Token>) | null;
  forget(refused: Token): void;
}

function bearerFor(caller: Caller, callee: Callee, body: JsonValue | undefined, options: CallOptions): Bearer {
  const { token, delegate = [] } = options;
  if (token !== undefined) return { obtain: async () => token, replace: null, forget: () => {} };
  const continuation = caller.authority();
  const held = unverifiedScopes(continuation);
  const scopes = options.scopes ?? scopesOfCall({ callee, body, held, delegate });
  const request = { continuation, audience: callee.url, scopes };
  return {
    obtain: () => caller.tokens.obtain(request),
    replace: (refused) => caller.tokens.replace(request, refused),
    forget: (refused) => caller.tokens.forget(request, refused),
  };
}

function send(caller: Caller, { url, method, headers: given, body, signal }: BufferedRequest, token: Token) {
  const headers = new Headers(given);
  // One call, one credential (rules §2.8): whatever a client library put there is not sent along.
  headers.set('authorization', `Bearer ${token.token}`);
  const trace = caller.trace();
  if (trace !== null && !headers.has('traceparent')) headers.set('traceparent', trace);
  return caller.fetch(url, { method, headers, body, signal });
}

/** The plane's refusal in a 401 or 403, else null; a copy is read, so that an answer of another kind still reaches its reader. */
async function denialIn(response: Response): Promise<ReceivedDenial | null> {
  if (response.status !== 401 && response.status !== 403) return null;
  return denialOfAnswer(await boundedJson(response.clone(), refusalBytesMax), response.headers);
}

/** At the callee's URL or below it, on the same origin. Dots are resolved by `URL` before this looks. */
function isUnder(target: URL, url: string): boolean {
  const base = new URL(url);
  return (
    target.origin === base.origin &&
    (target.pathname === base.pathname || target.pathname.startsWith(`${base.pathname}/`))
  );
}

function bodyValue(body: Uint8Array | null): JsonValue | undefined {
  if (body === null) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(body)) as JsonValue;
  } catch {
    return undefined;
  }
}
