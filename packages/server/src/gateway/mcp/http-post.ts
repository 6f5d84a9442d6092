// One POST to a tool server: bounded, abortable, never redirected, and never with anything of the caller's but what is passed in.
// Gives the JSON texts of the answer, whether it came as one document or as a stream.

import { utf8Text } from '@writ/core';
import { Pool } from 'undici';
import { UpstreamError } from '../exchange.ts';
import { readEvents } from './sse.ts';
import { type Behalf, type CredentialFor, causeOf, messageBytesMax } from './upstream.ts';

export interface HttpOptions {
  readonly server: string;
  /** Where the server listens. */
  readonly url: string;
  readonly credentialFor: CredentialFor;
  /** The server answered 401 or 403 with a challenge. True: there is a credential now to ask with once more. */
  readonly challenged?: (
    server: string,
    behalf: Behalf,
    answer: { readonly status: number; readonly challenge: string },
  ) => Promise<boolean>;
  /** TLS towards the server: the gateway's SVID and the bundle it accepts. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly servername?: string };
  readonly connectionsMax?: number;
  readonly connectMillisMax?: number;
  /** How long a server may be silent before and within an answer. */
  readonly answerMillisMax?: number;
}

export interface Sent {
  readonly method: 'POST' | 'DELETE';
  readonly bytes: Uint8Array | null;
  readonly headers: { readonly [name: string]: string };
  readonly signal: AbortSignal;
  /** A stream that stays open and silent by design. */
  readonly endless?: boolean;
}

export interface Posted {
  readonly status: number;
  /** `mcp-session-id` of the answer. */
  readonly sessionId: string | null;
  /** `www-authenticate` of the answer. */
  readonly challenge: string | null;
  /** True when the answer is JSON or a stream of it. */
  readonly readable: boolean;
  readonly texts: AsyncGenerator<string, void, void>;
  /** Reads and forgets what is left, so that the connection can be used again. */
  drop(): Promise<void>;
}

export interface Sender {
  send(request: Sent, behalf: Behalf): Promise<Posted>;
  close(): Promise<void>;
}

export function createSender(options: HttpOptions): Sender {
  const url = new URL(options.url);
  const { connectionsMax = 64, connectMillisMax = 10_000, answerMillisMax = 300_000 } = options;
  const pool = new Pool(url.origin, {
    connections: connectionsMax,
    pipelining: 1,
    headersTimeout: answerMillisMax,
    connect: { timeout: connectMillisMax, ...options.tls },
  });

  const sendOnce = async (request: Sent, behalf: Behalf): Promise<Posted> => {
    const credential = await options.credentialFor(options.server, behalf);
    const authorization: Record<string, string> =
      credential.kind === 'bearer' ? { authorization: `Bearer ${credential.value}` } : {};
    try {
      const answer = await pool.request({
        method: request.method,
        path: `${url.pathname}${url.search}`,
        body: request.bytes,
        signal: request.signal,
        bodyTimeout: request.endless ? 0 : answerMillisMax,
        headers: {
          ...(request.bytes === null ? {} : { 'content-type': 'application/json' }),
          accept: 'application/json, text/event-stream',
          ...request.headers,
          ...authorization,
        },
      });
      return postedOf(answer);
    } catch (error) {
      throw error instanceof UpstreamError
        ? error
        : new UpstreamError(`the server cannot be reached: ${causeOf(error)}`, { silence: true });
    }
  };

  return {
    async send(request, behalf) {
      for (let asked = 1; ; asked++) {
        const posted = await sendOnce(request, behalf);
        const { status, challenge } = posted;
        const refused = (status === 401 || status === 403) && challenge !== null;
        if (!refused || asked > challengesMax) return posted;
        // Not an effect repeated (rules §7.6): the challenge says that the request was not served (RFC 6750 §3).
        if (!(await options.challenged?.(options.server, behalf, { status, challenge }))) return posted;
        await posted.drop();
      }
    },
    close: () => pool.destroy(),
  };
}

/** Once for a first token, once for more scopes. */
const challengesMax = 2;

/** A controller of one request that ends with its caller. Both live as long as the request, so nothing has to be undone. */
export function stopWith(caller: AbortSignal | null): AbortController {
  const stop = new AbortController();
  if (caller?.aborted) stop.abort(caller.reason);
  else caller?.addEventListener('abort', () => stop.abort(caller.reason), { once: true });
  return stop;
}

/** Why an answer cannot hold the response, or null. 400 and 404 carry the standard's errors; nothing else but 200 does. */
export function refusedBy({ status, readable }: Posted): UpstreamError | null {
  if (status === 401 || status === 403)
    return new UpstreamError(`the server refused the gateway's credential: HTTP ${status}`);
  if (status >= 300 && status < 400)
    return new UpstreamError(`the server redirects, which is not followed: HTTP ${status}`);
  if (status !== 200 && status !== 400 && status !== 404)
    return new UpstreamError(`the server answered HTTP ${status}`, { silence: status >= 500 });
  return readable ? null : new UpstreamError(`the server answered HTTP ${status} without JSON`);
}

type Answer = Awaited<ReturnType<Pool['request']>>;

function postedOf(answer: Answer): Posted {
  const header = (name: string) => {
    const value = answer.headers[name];
    return typeof value === 'string' ? value : null;
  };
  const type = (header('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
  const plain = (header('content-encoding') ?? 'identity') === 'identity';
  const stream = type === 'text/event-stream';
  answer.body.on('error', () => {}); // an aborted body is reported by whoever reads it
  return {
    status: answer.statusCode,
    sessionId: header('mcp-session-id'),
    challenge: header('www-authenticate'),
    readable: plain && (stream || type === 'application/json'),
    texts: stream ? readEvents(answer.body, messageBytesMax) : oneDocument(answer.body, header('content-length')),
    drop: () => answer.body.dump({ limit: 64 * 1024, signal: AbortSignal.timeout(2000) }).catch(() => {}),
  };
}

async function* oneDocument(body: Answer['body'], length: string | null): AsyncGenerator<string, void, void> {
  // A length that was announced is kept by the HTTP parser; without one, or with a large one, the parts are counted.
  const isBounded = length !== null && Number(length) <= messageBytesMax;
  const text = utf8Text(isBounded ? await body.bytes() : await counted(body));
  if (text === null) throw new UpstreamError('the server sent text that is not UTF-8');
  yield text;
}

async function counted(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > messageBytesMax) throw new UpstreamError('the server sent an answer that is too large');
    parts.push(part);
  }
  return Buffer.concat(parts);
}
