// One careful request: one connection of its own, three seconds, 256 KiB, no credentials that were not made up here, redirects on the
// same origin only. What every probe goes through.

import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface Question {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string;
  /** The body may be cut here: true as soon as what came suffices. Streams of events do not end by themselves. */
  readonly isEnough?: (text: string) => boolean;
}

export type Answer =
  | {
      readonly kind: 'answer';
      readonly url: string;
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly text: string;
    }
  | { readonly kind: 'silence'; readonly why: string };

export type Ask = (question: Question) => Promise<Answer>;

export interface AskLimits {
  readonly millisMax: number;
  readonly bodyBytesMax: number;
  readonly redirectsMax: number;
}

export const ASK_LIMITS: AskLimits = { millisMax: 3000, bodyBytesMax: 256 * 1024, redirectsMax: 2 };

export function asker(userAgent: string, limits: AskLimits = ASK_LIMITS): Ask {
  return async (question) => {
    let at = question;
    for (let hop = 0; ; hop++) {
      const answer = await askOnce(at, userAgent, limits);
      const next =
        answer.kind === 'answer' && hop < limits.redirectsMax
          ? redirected(at.url, answer.status, answer.headers.location)
          : null;
      if (next === null) return answer;
      at = { ...at, url: next };
    }
  };
}

/** 307 and 308 keep method and body (RFC 9110 §15.4); others would turn a question into another one. */
function redirected(from: string, status: number, location: string | undefined): string | null {
  if ((status !== 307 && status !== 308) || location === undefined || !URL.canParse(location, from)) return null;
  const to = new URL(location, from);
  return to.origin === new URL(from).origin ? to.href : null;
}

function askOnce(
  { method, url, headers = {}, body, isEnough }: Question,
  userAgent: string,
  limits: AskLimits,
): Promise<Answer> {
  const target = new URL(url);
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(limits.millisMax);
    const silent = (why: string) => resolve({ kind: 'silence', why });
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const send = target.protocol === 'https:' ? requestHttps : requestHttp;
    const request = send(target, {
      method,
      agent: false,
      signal,
      headers: { 'User-Agent': userAgent, ...length, ...headers },
    });
    request.on('error', (error: NodeJS.ErrnoException) => silent(reason(error)));
    request.on('response', (response) => {
      readBody(response, limits.bodyBytesMax, isEnough).then(
        (text) => resolve({ kind: 'answer', url, status: response.statusCode ?? 0, headers: response.headers, text }),
        (error: NodeJS.ErrnoException) => silent(reason(error)),
      );
    });
    request.end(body);
  });
}

async function readBody(
  response: IncomingMessage,
  bytesMax: number,
  isEnough: (text: string) => boolean = () => false,
): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop destroys the connection.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= bytesMax || isEnough(Buffer.concat(chunks).toString('utf8'))) break;
  }
  return Buffer.concat(chunks).toString('utf8').slice(0, bytesMax);
}

function reason({ code, message, name }: NodeJS.ErrnoException): string {
  if (name === 'AbortError' || name === 'TimeoutError') return 'it did not answer in time';
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name is not known';
  if (code?.startsWith('HPE_')) return 'what answers does not speak HTTP';
  if (code !== undefined && /CERT|SIGNATURE|ALTNAME|ISSUER/.test(code))
    return `its certificate is not trusted (${code})`;
  return code ?? message;
}
