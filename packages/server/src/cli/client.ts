// A small HTTP client for the plane's own API, over a URL or a Unix socket. One request, one bounded answer.

import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isJsonObject, type JsonValue, parseStrictJson, toBase64Url } from '@writ/core';
import { unreachable } from './stop.ts';

export interface Ask {
  /** Base URL; with `socketPath` only its path counts. */
  readonly url: string;
  readonly socketPath?: string;
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Sent as JSON, unless it is a form. */
  readonly body?: JsonValue | URLSearchParams;
  /** Sent as `Authorization: Bearer`. */
  readonly bearer?: string;
  readonly timeoutMillis?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  /** Null where the body is no JSON. */
  readonly body: JsonValue;
}

const answerBytesMax = 8 * 1024 * 1024;
const timeoutMillisDefault = 15_000;

/** Throws a Stop with exit code 3 when nobody answers in time. An answer of any status is returned. */
export async function ask(question: Ask): Promise<Answer> {
  const url = new URL(question.url);
  const where = question.socketPath ?? url.origin;
  try {
    return await exchange(url, question);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED' || code === 'ENOENT') {
      throw unreachable(`nobody answers at \`${where}\`; is the plane running? \`writ up\` starts it`);
    }
    if (code === 'EACCES')
      throw unreachable(`uid ${process.getuid?.()} may not use \`${where}\`; run as a user who may`);
    throw unreachable(`\`${where}\` does not answer: ${message}`);
  }
}

function exchange(url: URL, { socketPath, method = 'GET', body, bearer, timeoutMillis }: Ask): Promise<Answer> {
  const text = body === undefined ? null : body instanceof URLSearchParams ? body.toString() : JSON.stringify(body);
  const type = body instanceof URLSearchParams ? 'application/x-www-form-urlencoded' : 'application/json';
  const options: RequestOptions = {
    method,
    timeout: timeoutMillis ?? timeoutMillisDefault,
    headers: {
      accept: 'application/json',
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(text === null ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
    },
    ...(socketPath === undefined ? {} : { socketPath }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = (url.protocol === 'https:' && socketPath === undefined ? httpsRequest : httpRequest)(url, options);
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > answerBytesMax) incoming.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      incoming.on('error', reject);
      incoming.on('end', () => {
        const parsed = parseStrictJson(Buffer.concat(chunks), { depthMax: 64, bytesMax: answerBytesMax });
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: parsed.ok ? parsed.value : null });
      });
    });
    outgoing.end(text ?? undefined);
  });
}

/** The sentence in a refusal, whoever worded it: OAuth's error_description, or Writ's says. */
export function saysOf({ status, body }: Answer): string {
  if (isJsonObject(body)) {
    for (const member of ['says', 'error_description', 'message', 'error']) {
      const text = body[member];
      if (typeof text === 'string' && text !== '') return text;
    }
  }
  return `the plane answered ${status}`;
}

export function randomText(bytes: number): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(bytes)));
}
