// Asks one engine over HTTP: one bounded POST, one deadline over everything, no redirect, and an answer that counts only when it
// is 200, JSON and of the dialect's form. What the words mean is the dialect's (opa-rest.ts, authzen-client.ts).

import { canonicalJson, type JsonObject, type JsonValue, parseStrictJson } from '@writ/core';
import { type Dispatcher, errors, Pool } from 'undici';
import { digestOfBytes } from './digest-of-bytes.ts';
import { aboutOf, type CallQuestion, questionOf } from './question.ts';
import type { Fault, RemoteEngine, RemoteVerdict } from './verdict.ts';

export interface EngineOptions {
  /** As records call it. */
  readonly name: string;
  /** The whole address that questions are posted to. Plain `http:` only on loopback. */
  readonly url: string;
  /** JSON pointers of arguments whose values may be sent. None by default. */
  readonly sends?: readonly string[];
  /** Sent as `Authorization: Bearer`; asked anew for every question, so that it may rotate. */
  readonly bearer?: () => string | Promise<string>;
  /** PEM; absent: the system's anchors. */
  readonly ca?: string;
  /** Over everything: waiting for a connection, sending, and the last byte of the answer. */
  readonly deadlineMillis?: number;
  readonly answerBytesMax?: number;
  readonly connectionsMax?: number;
  /** Questions under way; the next one is refused at once, because a queue would only make all of them late. */
  readonly askedMax?: number;
}

/** How an engine is spoken to. */
export interface Dialect {
  body(question: JsonObject): JsonObject;
  /** Only a boolean is an answer. */
  read(answer: JsonValue): boolean | { readonly fault: Fault; readonly cause: string };
}

interface Failed {
  readonly fault: Fault;
  readonly cause: string;
  readonly bytes?: Uint8Array;
}

/** Throws a sentence for an address that must not be used. */
export function openEngine(options: EngineOptions, dialect: Dialect): RemoteEngine {
  const url = addressOf(options);
  const { name, sends = [], deadlineMillis = 500, connectionsMax = 8, askedMax = 64 } = options;
  const pool = new Pool(url.origin, {
    connections: connectionsMax,
    pipelining: 1,
    headersTimeout: deadlineMillis,
    bodyTimeout: deadlineMillis,
    connect: { timeout: deadlineMillis, ...(options.ca === undefined ? {} : { ca: options.ca }) },
  });
  let asking = 0;

  async function answerTo(body: Uint8Array): Promise<{ bytes: Uint8Array; value: JsonValue } | Failed> {
    if (asking >= askedMax) return { fault: 'overloaded', cause: `${askedMax} questions are under way` };
    asking++;
    try {
      const signal = AbortSignal.timeout(deadlineMillis);
      const authorization = options.bearer ? { authorization: `Bearer ${await within(signal, options.bearer)}` } : {};
      const answer = await pool.request({
        method: 'POST',
        path: `${url.pathname}${url.search}`,
        body,
        signal,
        headers: { 'content-type': 'application/json', accept: 'application/json', ...authorization },
      });
      return await readAnswer(answer, options.answerBytesMax ?? 64 * 1024);
    } catch (error) {
      return failureOf(error, deadlineMillis);
    } finally {
      asking--;
    }
  }

  return {
    name,
    close: () => pool.destroy(),
    async ask(asked: CallQuestion): Promise<RemoteVerdict> {
      const body = Buffer.from(canonicalJson(dialect.body(questionOf(asked, sends))));
      const told = { engine: name, about: aboutOf(asked), requestDigest: digestOfBytes(body) };
      const answer = await answerTo(body);
      const answerDigest = answer.bytes ? digestOfBytes(answer.bytes) : null;
      if ('fault' in answer)
        return { ...told, answerDigest, verdict: 'none', fault: answer.fault, cause: answer.cause };
      const read = dialect.read(answer.value);
      if (typeof read !== 'boolean') return { ...told, answerDigest, verdict: 'none', ...read };
      return { ...told, answerDigest, verdict: read ? 'permit' : 'deny' };
    },
  };
}

/** A credential comes from a command, say, which takes as long as it likes; the question does not wait for it. */
function within<Value>(signal: AbortSignal, work: () => Value | Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => late.reject(signal.reason), { once: true });
  late.promise.catch(() => {});
  const done = Promise.resolve().then(work);
  const failed = done.catch((): never => {
    throw new CredentialMissing();
  });
  return Promise.race([failed, late.promise]);
}

/** Why it cannot be had may repeat a secret, and is not kept. */
class CredentialMissing extends Error {}

function addressOf({ name, url: text }: EngineOptions): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const usable = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (url && usable && url.username === '' && url.password === '' && url.hash === '') return url;
  throw new Error(
    `\`${text}\` cannot be the address of the policy engine \`${name}\`; name an \`https:\` URL, or \`http:\` on 127.0.0.1`,
  );
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

async function readAnswer(
  { statusCode: status, headers, body }: Dispatcher.ResponseData,
  bytesMax: number,
): Promise<{ bytes: Uint8Array; value: JsonValue } | Failed> {
  const bytes = await bounded(body, bytesMax);
  if (bytes === null) return { fault: 'too_large', cause: `the answer has more than ${bytesMax} bytes` };
  if (status >= 300 && status < 400) {
    return { fault: 'redirect', cause: `it redirects (HTTP ${status}), which is not followed`, bytes };
  }
  if (status !== 200) return { fault: 'status', cause: `it answered HTTP ${status}`, bytes };
  const type = String(headers['content-type'] ?? '');
  const parsed = /^application\/json *(;|$)/i.test(type) ? parseStrictJson(bytes) : null;
  if (!parsed?.ok) return { fault: 'not_json', cause: 'the answer is not JSON, each name once', bytes };
  return { bytes, value: parsed.value };
}

/** Null once there is more; the connection goes with it. */
async function bounded(body: Dispatcher.ResponseData['body'], bytesMax: number): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > bytesMax) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The system's word for it and nothing of what was asked: that may be secret. */
function failureOf(error: unknown, deadlineMillis: number): Failed {
  const late =
    (error instanceof Error && error.name === 'TimeoutError') ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    error instanceof errors.ConnectTimeoutError;
  if (late) return { fault: 'timeout', cause: `no whole answer within ${deadlineMillis} ms` };
  if (error instanceof CredentialMissing) {
    return { fault: 'unreachable', cause: 'it is not asked without its credential, which cannot be had' };
  }
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return { fault: 'unreachable', cause: `it cannot be reached (${code ?? 'no reason given'})` };
}
