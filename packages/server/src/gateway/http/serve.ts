// One matched request as an Exchange: rebuilt and sent when it is allowed, its answer labelled and let out, refusals in HTTP's words.

import type { ServerResponse } from 'node:http';
import { type Call, type Decision, denial, type JsonObject } from '@writ/core';
import { type Ending, type Exchange, UpstreamError } from '../exchange.ts';
import { closeDigest, digestOf, openDigest } from '../http-io.ts';
import type { OutputsPort } from '../tasks-port.ts';
import { type Head, headerParts, headOf, objectIn, partsOf, unitValue, valueIn } from './answer.ts';
import type { Layout } from './api.ts';
import { type Outgoing, rebuild } from './rebuild.ts';
import { refuse } from './refusal.ts';
import { unitsOf, wholeBody } from './units.ts';
import type { HttpUpstream } from './upstream.ts';

export interface ServePorts {
  /** Is the operation that was matched the one that policy judges? False while a changed document is taken on (rules §3.7). */
  isSameAsJudged(server: string, layout: Layout): boolean;
  readonly approvalUrl: (decision: Decision) => string | null;
  readonly holdsSecret: (text: string) => boolean;
  /** Rules §3.11: such an answer as it may be shown; null: it is withheld. */
  readonly masked: (value: JsonObject, server: string, decision: Decision) => JsonObject | null;
  /** Rules §5: the arguments with what stands for something else put in; null: nothing is. */
  readonly substituted: (args: JsonObject, server: string, decision: Decision) => Promise<JsonObject | null>;
  readonly outputs: Pick<OutputsPort, 'released' | 'rulesOf'>;
  readonly answerBytesMax?: number;
}

export interface ServeOptions extends ServePorts {
  readonly server: string;
  readonly upstream: HttpUpstream;
  /** Null: the request means no operation, which the judge refuses. */
  readonly layout: Layout | null;
  readonly call: Call;
  readonly res: ServerResponse;
  readonly resourceMetadata: string;
}

export type HttpReply =
  | { readonly kind: 'left' }
  | {
      readonly kind: 'answer';
      readonly head: Head;
      /** Whole, or piece by piece, each of them labelled. */
      readonly pieces: AsyncGenerator<Uint8Array, void, void> | Uint8Array;
      readonly digest: string;
      cancel(): void;
    };

export function exchangeOf(options: ServeOptions): Exchange<HttpReply> {
  const { call, res, server, layout } = options;
  return {
    call,
    handedBack: () =>
      layout === null || options.isSameAsJudged(server, layout) ? null : { refused: denial('action.manifest_changed') },
    forward: (decision) => forward(options, decision),
    async refuse(decision) {
      refuse(res, {
        decisionId: decision.id,
        code: decision.denial!.code,
        outcome: decision.outcome === 'approval' ? 'approval' : 'deny',
        approvalUrl: options.approvalUrl(decision),
        scopes: call.scopes,
        resourceMetadata: options.resourceMetadata,
      });
    },
    async release(reply, decision) {
      if (reply.kind === 'left') return { state: 'cancelled', digest: null, detail: 'the caller left' };
      try {
        return await release(res, reply, decision);
      } catch (error) {
        // Half an answer must not pass for a whole one.
        res.destroy();
        return { state: 'unknown', digest: null, detail: error instanceof Error ? error.message : String(error) };
      }
    },
    discard: (reply) => reply.kind === 'answer' && reply.cancel(),
    forwardedDigest: (reply) => (reply.kind === 'answer' ? reply.digest : digestOf('')),
  };
}

async function forward(options: ServeOptions, decision: Decision): Promise<HttpReply> {
  const { server, layout, call, res } = options;
  if (layout === null) throw new Error('a request without an operation was allowed');
  const filled = await options.substituted(call.arguments, server, decision);
  const outgoing = rebuild(layout, filled ?? call.arguments);
  const stop = new AbortController();
  const leave = () => stop.abort();
  res.once('close', leave);
  if (hasLeft(res)) stop.abort();
  try {
    return await answered(options, layout, outgoing, decision, stop);
  } catch (error) {
    if (stop.signal.aborted) return { kind: 'left' };
    stop.abort();
    throw error;
  }
}

async function answered(
  options: ServeOptions,
  layout: Layout,
  outgoing: Outgoing,
  decision: Decision,
  stop: AbortController,
): Promise<HttpReply> {
  const { server, upstream, outputs, answerBytesMax = 16 * 1024 * 1024 } = options;
  const { root, chain } = decision.token.facts!;
  const arrived = await upstream.send(outgoing, { root, task: chain.task }, stop.signal);
  const head = headOf(layout, arrived);
  const rules = outputs.rulesOf(server, layout.name);
  const told = async (parts: Parameters<OutputsPort['released']>[0]['parts']) => {
    if (parts.length > 0)
      await outputs.released({ token: decision.token.facts!, decision: decision.id, server, parts });
  };
  if (Object.values(head.headers).some(options.holdsSecret)) throw secretInResult();
  await told(headerParts(head, rules));
  const reply = { kind: 'answer', head, digest: outgoing.digest, cancel: () => stop.abort() } as const;
  const { form } = head;
  if (head.type === null) {
    await arrived.drop();
    return { ...reply, pieces: Buffer.of() };
  }
  if (form !== 'lines' && form !== 'events') {
    const bytes = await wholeBody(arrived.body, answerBytesMax);
    const shown = shownOf(options, head, bytes, decision);
    await told(partsOf(head, shown.value, rules));
    return { ...reply, pieces: shown.bytes };
  }
  const pieces = async function* () {
    for await (const text of unitsOf(arrived.body, form === 'lines' ? 'line' : 'blank line')) {
      const value = unitValue(form, text);
      if (options.holdsSecret(text)) throw secretInResult();
      await told(partsOf(head, value, rules));
      yield Buffer.from(text);
    }
  };
  return { ...reply, pieces: pieces() };
}

/** The answer as this caller may have it. Throws UpstreamError for what nobody may have. */
function shownOf({ holdsSecret, masked, server }: ServeOptions, head: Head, bytes: Uint8Array, decision: Decision) {
  const value = valueIn(head, bytes);
  const text = typeof value === 'string' ? value : Buffer.from(bytes).toString();
  if (!holdsSecret(text) && !(typeof value !== 'string' && holdsSecret(JSON.stringify(value)))) return { value, bytes };
  const members = objectIn(value);
  const shown = members && masked(members, server, decision);
  if (shown === null) throw secretInResult();
  return { value: shown, bytes: Buffer.from(JSON.stringify(shown)) };
}

function secretInResult(): UpstreamError {
  return new UpstreamError('the answer holds a secret of the broker', { code: 'action.secret_in_result' });
}

async function release(
  res: ServerResponse,
  { head, pieces }: Extract<HttpReply, { kind: 'answer' }>,
  decision: Decision,
): Promise<Ending> {
  const { status, type, form, headers } = head;
  const failed = status >= 400;
  const end = { state: failed ? 'error' : 'complete', detail: failed ? `HTTP ${status}` : null } as const;
  if (hasLeft(res)) return { ...end, digest: null, detail: 'the caller left before the answer' };
  const isText = form === 'text' || form === 'events';
  const common = {
    ...headers,
    ...(type === null ? {} : { 'content-type': isText ? `${type}; charset=utf-8` : type }),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'writ-decision': decision.id,
  };
  if (pieces instanceof Uint8Array) {
    res.writeHead(status, { ...common, ...(status === 204 ? {} : { 'content-length': String(pieces.length) }) });
    res.end(pieces);
    return { ...end, digest: digestOf(pieces) };
  }
  const hash = openDigest();
  res.writeHead(status, { ...common, 'x-accel-buffering': 'no' });
  res.flushHeaders();
  try {
    for await (const piece of pieces) {
      if (hasLeft(res)) break;
      hash.update(piece);
      if (!res.write(piece)) await drained(res);
    }
  } catch (error) {
    const left = hasLeft(res);
    res.destroy();
    return { state: left ? 'cancelled' : 'unknown', digest: null, detail: (error as Error).message };
  }
  if (hasLeft(res)) return { state: 'cancelled', digest: null, detail: 'the caller left' };
  res.end();
  return { ...end, digest: closeDigest(hash) };
}

function hasLeft(res: ServerResponse): boolean {
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
