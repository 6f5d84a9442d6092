// `fetch` over a mutual TLS agent of dial.ts. Redirects come back as they are: a token is never carried to another place.

import type { Agent } from 'node:https';
import { Readable } from 'node:stream';
import type { FetchLike } from '../fetch.ts';
import { type HttpAnswer, httpRequest } from './dial-request.ts';

/** RFC 9110 §15: answers that have no body, which `Response` insists on. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

export function mtlsFetch(agent: Agent): FetchLike {
  return async (input, init) => {
    const request = new Request(input, init);
    const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer());
    const answer = await httpRequest(agent, {
      url: request.url,
      method: request.method,
      headers: Object.fromEntries(request.headers),
      ...(body === undefined ? {} : { body }),
      signal: request.signal,
    });
    return responseOf(answer);
  };
}

function responseOf({ status, headers: received, body }: HttpAnswer): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(received)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  if (!bodiless.has(status)) return new Response(Readable.toWeb(body) as ReadableStream, { status, headers });
  body.resume();
  return new Response(null, { status, headers });
}
