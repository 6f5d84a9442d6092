// One HTTP exchange over an agent of dial.ts: a promise for the head of the answer, its body as a stream.

import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { type Agent, request } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface HttpRequest {
  readonly url: string | URL;
  /** Default: GET, or POST when there is a body. */
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array | Readable;
  /** Ends the exchange at any point, the body of the answer included. */
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** To be read to the end or destroyed; until then its connection serves nobody else. */
  readonly body: IncomingMessage;
}

/** Rejects when no answer came; any status is an answer. */
export function httpRequest(agent: Agent, { url, body, headers, signal, ...rest }: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const method = rest.method ?? (body === undefined ? 'GET' : 'POST');
    const sent = request(url, { agent, method, headers, signal }, (answer) => {
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer });
    });
    sent.on('error', (error: NodeJS.ErrnoException) => reject(hungUp(error) ? refusedPerhaps(url, error) : error));
    // A failing source destroys the request, whose error is reported above.
    if (body instanceof Readable) pipeline(body, sent).catch(reject);
    else {
      // Node gives a body of GET or DELETE no length, and then its bytes are read as the next request of this connection.
      if (body !== undefined) sent.setHeader('content-length', Buffer.byteLength(body));
      sent.end(body);
    }
  });
}

function hungUp({ code = '' }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE' || code.startsWith('ERR_SSL_TLSV13_ALERT');
}

/** With TLS 1.3 a client learns that it was refused only as a hang-up after its own side was done. */
function refusedPerhaps(url: string | URL, cause: Error): Error {
  const { origin } = new URL(url);
  return new Error(`\`${origin}\` hung up without an answer: it may not accept this identity, and its log says why`, {
    cause,
  });
}
