// Getting and narrowing tokens at the plane's token endpoint (RFC 8693, rules §2.5, §2.7). The client is proven by its SVID on the
// connection; what may be had is judged there, and a no comes back as a DeniedError. Keeping tokens is token-cache.ts.

import { type AuthorizationDetail, type Chain, isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { DeniedError, denialOfAnswer } from './denied.ts';
import { boundedJson, type FetchLike } from './fetch.ts';
import type { Plane } from './plane.ts';
import { unverifiedChain } from './unverified.ts';

/** A narrow token, good for one audience. */
export interface Token {
  /** Compact JWS, `Authorization: Bearer` over one's own mutual TLS connection. A secret in so far as logs go. */
  readonly token: string;
  /** Endpoint URL of the one callee. */
  readonly audience: string;
  readonly scopes: readonly string[];
  /** Seconds since 1970, by this side's clock, rounded down. */
  readonly expiresAt: number;
  /** As the token tells it, for showing; null when it cannot be read. */
  readonly chain: Chain | null;
}

/** Authority to go on: useless to anybody but its holder, and only as a `subject_token` (contract §7). */
export interface Continuation {
  readonly token: string;
  readonly task: string;
  /** Seconds since 1970: the end of the grant; there is no renewing it. */
  readonly expiresAt: number;
}

interface Narrowing {
  readonly audience: string;
  readonly scopes: readonly string[];
  /** What arguments may be; absent: as the authority it comes from has it (RFC 9396, rules §2.11). */
  readonly details?: readonly AuthorizationDetail[];
  /** How long the work will take, seconds; the token lives at most twice as long (rules §2.7). */
  readonly estimatedSeconds?: number;
}

export interface TakeRequest extends Narrowing {
  readonly continuation: string;
}

export interface MoveRequest extends Partial<Narrowing> {
  readonly token: Token;
}

export interface TokenClient {
  /** Adds this agent to the chain of a continuation, with no more than `scopes`. */
  take(request: TakeRequest): Promise<Token>;
  /** The same link, narrower: another token of one's own for a smaller audience or scope. */
  move(request: MoveRequest): Promise<Token>;
  /** The same token with a later end, also past its `exp`, until the grant ends (rules §2.7). */
  renew(token: Token, estimatedSeconds?: number): Promise<Token>;
  /** The continuation of a task that was opened for this agent. */
  fetchContinuation(task: string): Promise<Continuation>;
}

export interface TokenClientOptions {
  readonly plane: Pick<Plane, 'mtls' | 'tokenUrl'>;
  /** This agent's SPIFFE ID, which is its client_id. */
  readonly clientId: string;
  /** Mutual TLS to the gateway. */
  readonly fetch: FetchLike;
  readonly clock: { nowSeconds(): number };
}

const TOKEN_TYPE = {
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
  continuation: 'urn:writ:params:oauth:token-type:continuation',
} as const;

const answerBytesMax = 256 * 1024;

export function openTokenClient({ plane, clientId, fetch, clock }: TokenClientOptions): TokenClient {
  async function exchange(subject: { token: string; type: string }, wanted: Narrowing): Promise<Token> {
    const form = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      client_id: clientId,
      subject_token: subject.token,
      subject_token_type: subject.type,
      requested_token_type: TOKEN_TYPE.accessToken,
      audience: wanted.audience,
      scope: wanted.scopes.join(' '),
    });
    if (wanted.details !== undefined) form.set('authorization_details', JSON.stringify(wanted.details));
    if (wanted.estimatedSeconds !== undefined) form.set('estimated_seconds', String(wanted.estimatedSeconds));
    // Counted from before the question, so that the token never lives longer here than there.
    const askedSeconds = clock.nowSeconds();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    const answer = await ask(plane.tokenUrl, { method: 'POST', headers, body: form.toString() });
    return tokenOfAnswer(answer, wanted, askedSeconds);
  }

  async function ask(url: string, init: RequestInit): Promise<JsonObject> {
    const response = await fetch(url, init);
    const body = await boundedJson(response, answerBytesMax);
    if (response.ok && isJsonObject(body)) return body;
    const denial = denialOfAnswer(body, response.headers);
    if (denial !== null && response.status < 500) throw new DeniedError(denial);
    throw new Error(
      `the plane answered ${response.status} to \`${new URL(url).pathname}\`${denial ? `: ${denial.says}` : ''}`,
    );
  }

  const move = ({ token, ...narrower }: MoveRequest) => {
    const wanted = { audience: token.audience, scopes: token.scopes, ...narrower };
    return exchange({ token: token.token, type: TOKEN_TYPE.accessToken }, wanted);
  };

  return {
    take: ({ continuation, ...wanted }) => exchange({ token: continuation, type: TOKEN_TYPE.continuation }, wanted),
    move,
    renew: (token, estimatedSeconds) =>
      move({ token, ...(estimatedSeconds === undefined ? {} : { estimatedSeconds }) }),
    async fetchContinuation(task) {
      const url = `${plane.mtls}/oauth/tasks/${encodeURIComponent(task)}/continuation`;
      return continuationOfAnswer(await ask(url, { headers: { accept: 'application/json' } }), task);
    },
  };
}

/** RFC 8693 §2.2.1. `scope` may be left out when it is what was asked. */
function tokenOfAnswer(answer: JsonObject, asked: Narrowing, askedSeconds: number): Token {
  const { access_token: token, token_type: type, expires_in: seconds, scope } = answer;
  if (typeof token !== 'string' || typeof type !== 'string' || type.toLowerCase() !== 'bearer') throw unreadable();
  if (typeof seconds !== 'number' || !(seconds > 0)) throw unreadable();
  const scopes = typeof scope === 'string' ? scope.split(' ').filter((one) => one !== '') : asked.scopes;
  const expiresAt = Math.floor(askedSeconds + seconds);
  return { token, audience: asked.audience, scopes, expiresAt, chain: unverifiedChain(token) };
}

/** As `task start` answers (contract §2): `{task, subjectToken, expires}`. */
function continuationOfAnswer(answer: JsonObject, task: string): Continuation {
  const { subjectToken: token, task: named, expires } = answer;
  if (typeof token !== 'string' || named !== task) throw unreadable();
  return { token, task, expiresAt: secondsOf(expires) };
}

/** RFC 3339 text or seconds since 1970. */
function secondsOf(value: JsonValue | undefined): number {
  const seconds = typeof value === 'string' ? Math.floor(Date.parse(value) / 1000) : value;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) throw unreadable();
  return seconds;
}

function unreadable(): Error {
  return new Error(
    'the plane answered something that is not a token; is this address the gateway of a plane of this version?',
  );
}
