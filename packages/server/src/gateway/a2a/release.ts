// Releasing an agent's answer to the caller, whole or event by event, with back-pressure; and how it ended, for the record.

import type { ServerResponse } from 'node:http';
import { isJsonObject, type JsonObject, says } from '@writ/core';
import { type Ending, UpstreamError } from '../exchange.ts';
import { answerJson, closeDigest, digestOf, openDigest } from '../http-io.ts';
import { eventOf, readEvents } from '../mcp/sse.ts';
import { type AgentReply, readAnswer } from './upstream.ts';
import type { RpcId } from './words.ts';

const eventBytesMax = 4 * 1024 * 1024;

/** What has to be known of an answer before the caller has a byte of it. */
export type Heard = (answer: JsonObject) => Promise<void>;

export async function releaseWhole(res: ServerResponse, reply: AgentReply, id: RpcId, heard: Heard): Promise<Ending> {
  try {
    const answer = await readAnswer(reply.body);
    const faulty = checkAnswer(answer, id);
    await heard(answer);
    const bytes = JSON.stringify(answer);
    if (res.destroyed) return { state: 'cancelled', digest: null, detail: null };
    answerJson(res, reply.status === 200 ? 200 : reply.status, answer);
    return { state: faulty ? 'error' : 'complete', digest: digestOf(bytes), detail: faulty };
  } catch (error) {
    reply.abort();
    return brokenOff(res, id, error);
  }
}

export async function releaseStream(res: ServerResponse, reply: AgentReply, id: RpcId, heard: Heard): Promise<Ending> {
  const digest = openDigest();
  const leave = () => reply.abort();
  res.once('close', leave);
  let detail: string | null = null;
  try {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    for await (const text of readEvents(reply.body, eventBytesMax)) {
      const answer = parsedEvent(text);
      detail = checkAnswer(answer, id) ?? detail;
      await heard(answer);
      const event = eventOf(JSON.stringify(answer));
      digest.update(event);
      if (!res.write(event)) await drained(res);
    }
    res.end();
    return { state: detail ? 'error' : 'complete', digest: closeDigest(digest), detail };
  } catch (error) {
    if (res.destroyed || res.writableEnded) return { state: 'cancelled', digest: null, detail: null };
    return brokenOff(res, id, error);
  } finally {
    res.off('close', leave);
    reply.abort();
  }
}

function parsedEvent(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new UpstreamError('the agent sent an event that is no JSON object');
  return value;
}

/** The name of the error the agent answered with, null for a result. Throws on an answer to somebody else's request. */
function checkAnswer(answer: JsonObject, id: RpcId): string | null {
  if (answer.jsonrpc !== '2.0' || answer.id !== id) throw new UpstreamError('the agent answered another request');
  if (isJsonObject(answer.error)) {
    return Number.isSafeInteger(answer.error.code) ? `agent error ${answer.error.code}` : 'agent error';
  }
  if (!isJsonObject(answer.result)) throw new UpstreamError('the agent sent neither a result nor an error');
  return null;
}

/** The callee's answer could not be carried on: what has not been sent becomes an error, what has is cut. */
function brokenOff(res: ServerResponse, id: RpcId, error: unknown): Ending {
  const detail = error instanceof Error ? error.message : String(error);
  if (res.destroyed) return { state: 'cancelled', digest: null, detail: null };
  if (res.headersSent) res.destroy();
  else
    answerJson(res, 502, {
      jsonrpc: '2.0',
      id,
      error: { code: -32603, message: says('gateway.upstream_unreachable') },
    });
  return { state: 'error', digest: null, detail };
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done).off('close', done);
      resolve();
    };
    res.on('drain', done).on('close', done);
  });
}
