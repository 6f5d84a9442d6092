// Lets a reply out to the caller: one document when the answer comes at once, else a stream, message by message and no faster
// than the caller reads. What a lost connection means is decided in serve.ts.

import type { ServerResponse } from 'node:http';
import { type Decision, type DenialCode, isJsonObject, says } from '@writ/core';
import { type Ending, UpstreamError } from '../exchange.ts';
import { closeDigest, openDigest } from '../http-io.ts';
import { errorMessage } from './refusal.ts';
import { eventOf } from './sse.ts';
import type { Message } from './upstream.ts';
import { RPC, type RpcId } from './words.ts';

/** A reply in the caller's era, ready to go out. */
export interface Ready {
  readonly status: number;
  readonly first: Message;
  /** Rejects with UpstreamError when the rest will never come. */
  next(): Promise<Message | null>;
  cancel(): void;
  /** Aborted when the caller itself stopped the call: then nothing more is said. */
  readonly stopped: AbortSignal;
  /** Resolves with the reason when the authority of the call is gone while it is being released. Rules §2.15. */
  readonly cut: Promise<DenialCode>;
}

export interface ReleaseOptions {
  readonly id: RpcId;
  readonly decision: Decision;
  readonly keepAliveMillis: number;
  /** For a stream without an end of its own: it ends with the token. Null for a call, which was allowed as a whole. */
  readonly lifeMillis: number | null;
}

export async function release(res: ServerResponse, ready: Ready, options: ReleaseOptions): Promise<Ending> {
  if (ready.first.kind === 'response') return releaseDocument(res, ready);
  return releaseStream(res, ready, options);
}

function releaseDocument(res: ServerResponse, { first, status }: Ready): Ending {
  const bytes = Buffer.from(first.text);
  if (hasLeft(res)) return { state: endOf(first).state, digest: null, detail: 'the caller left before the answer' };
  res.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': String(bytes.length),
  });
  res.end(bytes);
  return { ...endOf(first), digest: closeDigest(openDigest().update(bytes)) };
}

async function releaseStream(res: ServerResponse, ready: Ready, options: ReleaseOptions): Promise<Ending> {
  let why: Why | null = null;
  const stop = (reason: Why) => {
    why ??= reason;
    ready.cancel();
    // A caller that does not read must not keep a stream that may not go on.
    if (res.writableNeedDrain) res.destroy();
  };
  ready.cut.then(stop);
  const life = options.lifeMillis === null ? undefined : setTimeout(() => stop('token.expired'), options.lifeMillis);
  const keepAlive = setInterval(() => hasLeft(res) || res.write(':\n\n'), options.keepAliveMillis);
  const hash = openDigest();
  if (!hasLeft(res)) res.writeHead(200, STREAM_HEADERS);
  try {
    const end = await pump(res, ready, () => why !== null || ready.stopped.aborted, hash);
    return { ...end, digest: hasLeft(res) ? null : closeDigest(hash) };
  } catch (error) {
    ready.cancel();
    return await endEarly(res, options, ready.stopped.aborted ? 'cancelled' : why, error);
  } finally {
    clearInterval(keepAlive);
    clearTimeout(life);
    if (!hasLeft(res)) res.end();
  }
}

/** Why a stream ends before its response: the caller stopped it, or its authority is gone. */
type Why = DenialCode | 'cancelled';

const STREAM_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

/** Writes message after message until the response is out. A caller of the legacy era may be gone: the call goes on to its end. */
async function pump(
  res: ServerResponse,
  ready: Ready,
  stopped: () => boolean,
  hash: ReturnType<typeof openDigest>,
): Promise<Pick<Ending, 'state' | 'detail'>> {
  let message: Message | null = ready.first;
  for (;;) {
    await put(res, message.text, hash);
    if (message.kind === 'response') return endOf(message);
    if (stopped()) throw new UpstreamError('stopped');
    message = await ready.next();
    if (message === null) throw new UpstreamError('the server ended without an answer');
  }
}

/** The last words of a stream that cannot go on, and how its call ended. */
async function endEarly(
  res: ServerResponse,
  { id, decision }: ReleaseOptions,
  why: Why | null,
  error: unknown,
): Promise<Ending> {
  if (why === 'cancelled') return { state: 'cancelled', digest: null, detail: 'the caller cancelled' };
  if (why === null && !(error instanceof UpstreamError)) throw error;
  const code = why ?? (error as UpstreamError).code;
  const rpcCode = code === 'gateway.upstream_unreachable' ? RPC.internal : RPC.denied;
  const data = { code, decisionId: decision.id, says: says(code) };
  await put(res, JSON.stringify(errorMessage(id, rpcCode, says(code), data)));
  if (why !== null) return { state: 'cancelled', digest: null, detail: why };
  return { state: 'unknown', digest: null, detail: (error as UpstreamError).message };
}

async function put(res: ServerResponse, text: string, hash?: ReturnType<typeof openDigest>): Promise<void> {
  if (hasLeft(res)) return;
  const event = eventOf(text);
  hash?.update(event);
  if (!res.write(event)) await drained(res);
}

export function hasLeft(res: ServerResponse): boolean {
  return res.destroyed || res.writableEnded;
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done).off('close', done);
      resolve();
    };
    res.once('drain', done).once('close', done);
  });
}

/** How the call ended, as its response tells it. */
function endOf(response: Message): Pick<Ending, 'state' | 'detail'> {
  const { result, error } = response.value;
  if (isJsonObject(error)) return { state: 'error', detail: `JSON-RPC ${error.code}` };
  const toolFailed = isJsonObject(result) && result.isError === true;
  return toolFailed ? { state: 'error', detail: 'isError' } : { state: 'complete', detail: null };
}
