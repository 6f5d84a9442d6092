// The way to an agent: one POST with the judged message and the gateway's context, and its answer, streamed or whole.

import { type Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isJsonObject, type JsonObject, parseStrictJson } from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import { digestOf } from '../http-io.ts';
import { A2A_VERSION } from './words.ts';

export interface AgentReply {
  readonly status: number;
  readonly streams: boolean;
  readonly body: IncomingMessage;
  readonly forwardedDigest: string;
  abort(): void;
}

export interface AgentEndpoint {
  /** Path that the agent sees in its request line; part of the message digest. */
  readonly target: string;
  /** The agent is proven to be who it should: only then it gets a context (rules §2.6). */
  readonly proven: boolean;
  send(body: JsonObject, streams: boolean): Promise<AgentReply>;
  card(): Promise<JsonObject>;
}

export interface AgentEndpointOptions {
  /** How long an agent may be silent before and within an answer; a stream may be silent between its events. */
  readonly answerMillisMax?: number;
  /** Trace headers of the call under way. */
  traceHeaders?(): { readonly [name: string]: string };
}

const answerBytesMax = 16 * 1024 * 1024;
const cardBytesMax = 256 * 1024;

/**
 * `url`: the agent's own A2A endpoint (contract §2 `run`): `https:` with `dial`, which proves the agent by its SVID;
 * loopback `http:`; or `unix:/path` of a socket.
 */
export function openAgentEndpoint(
  url: string,
  dial: Agent | null,
  { answerMillisMax = 300_000, traceHeaders }: AgentEndpointOptions = {},
): AgentEndpoint {
  const socketPath = url.startsWith('unix:') ? url.slice('unix:'.length) : null;
  const base = new URL(socketPath ? 'http://localhost/' : url);
  const target = `${base.pathname}${base.search}`;
  const secure = base.protocol === 'https:';
  const host = base.hostname.replace(/^\[|\]$/g, '');

  function open(method: 'GET' | 'POST', path: string, headers: Record<string, string>): ClientRequest {
    const all = { 'a2a-version': A2A_VERSION, ...traceHeaders?.(), ...headers };
    const common = { method, path, timeout: answerMillisMax, headers: all };
    if (socketPath) return httpRequest({ ...common, socketPath });
    const to = { ...common, host, port: base.port };
    return secure ? httpsRequest({ ...to, ...(dial ? { agent: dial } : {}) }) : httpRequest(to);
  }

  return {
    target,
    proven: secure && dial !== null,
    async send(body, streams) {
      const bytes = Buffer.from(JSON.stringify(body));
      const request = open('POST', target, {
        'content-type': 'application/json',
        'content-length': String(bytes.length),
        accept: streams ? 'text/event-stream' : 'application/json',
      });
      const answer = await answerTo(request, bytes);
      const type = answer.headers['content-type'] ?? '';
      const isStream = type.startsWith('text/event-stream');
      if (!isStream && !/^application\/(a2a\+)?json\b/.test(type)) {
        answer.destroy();
        throw new UpstreamError(`the agent answered ${answer.statusCode} with \`${type}\``);
      }
      if (isStream) answer.socket.setTimeout(0);
      return {
        status: answer.statusCode ?? 502,
        streams: isStream,
        body: answer,
        forwardedDigest: digestOf(bytes),
        abort: () => answer.destroy(),
      };
    },
    async card() {
      const answer = await answerTo(open('GET', '/.well-known/agent-card.json', {}), null);
      if (answer.statusCode !== 200) throw new UpstreamError(`the agent answered ${answer.statusCode} for its card`);
      return readAnswer(answer, cardBytesMax);
    },
  };
}

function answerTo(request: ClientRequest, body: Buffer | null): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('timeout', () => request.destroy(new Error('it was silent for too long')));
    request.once('response', (answer) => {
      answer.on('error', () => {}); // seen by whoever reads it
      resolve(answer);
    });
    request.on('error', (cause) => reject(new UpstreamError('the agent did not answer', { cause })));
    request.end(body ?? undefined);
  });
}

/** A whole JSON answer, parsed strictly. Throws UpstreamError on what nobody may use. */
export async function readAnswer(body: AsyncIterable<Uint8Array>, bytesMax = answerBytesMax): Promise<JsonObject> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > bytesMax) throw new UpstreamError('the agent sent an answer that is too large');
    parts.push(part);
  }
  const json = parseStrictJson(Buffer.concat(parts), { depthMax: 128, bytesMax });
  if (!json.ok || !isJsonObject(json.value)) throw new UpstreamError('the agent sent no JSON object');
  return json.value;
}
