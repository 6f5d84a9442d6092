// The gateway as the sidecar asks it: as its agent, with the SDK's tokens, one narrow token per kind of request and callee.

import { Readable } from 'node:stream';
import { withContext } from '@writ/agent';
import { type Agent, httpRequest, mtlsAgent, type Task } from '@writ/agent/node';
import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import type { Behind } from './calls.ts';

export type Authority = Behind;

export interface Outgoing {
  readonly method: string;
  readonly callee: string;
  readonly below: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | null;
  /** For an agent: scopes that it may use or delegate while it works on this. */
  readonly delegate: readonly string[];
  readonly signal: AbortSignal;
}

export interface Incoming {
  readonly status: number;
  readonly headers: { entries(): Iterable<[string, string]> };
  readonly body: Readable | null;
}

export interface GatewayPort {
  /** Rejects with a DeniedError for what the plane refused before the call was made. */
  send(request: Outgoing, authority: Authority): Promise<Incoming>;
  /** The card of an agent, leading to `url`. */
  card(agent: string, url: string): Promise<JsonObject>;
  close(): void;
}

const cardBytesMax = 256 * 1024;
// Says that there were several without showing one: the gateway refuses it like any other two, and records it.
const twoCredentials = ['Bearer -', 'Bearer -'];

export function openGatewayPort(agent: Agent, own: Task | null): GatewayPort {
  const dial = mtlsAgent({ svid: () => agent.svid(), expect: agent.plane.gatewayId });

  async function bare({ callee, below, headers, ...rest }: Outgoing, authorization: string[]): Promise<Incoming> {
    const { body, delegate: _none, ...request } = rest;
    const answer = await httpRequest(dial, {
      url: `${agent.url(callee)}${below}`,
      headers: { ...headers, ...(authorization.length > 0 ? { Authorization: authorization } : {}) },
      ...request,
      ...(body === null ? {} : { body }),
    });
    const received = new Headers();
    for (const [name, value] of Object.entries(answer.headers)) {
      for (const one of [value ?? []].flat()) received.append(name, one);
    }
    return { status: answer.status, headers: received, body: answer.body };
  }

  return {
    async send(request, authority) {
      const { callee, below, method, headers, body, delegate, signal } = request;
      const call = () =>
        agent.fetch(callee, { delegate })(`${agent.url(callee)}${below}`, {
          method,
          headers,
          body: body as Uint8Array<ArrayBuffer> | null,
          signal,
        });
      if (authority.kind === 'call') return incomingOf(await withContext(authority.context, call));
      if (authority.kind === 'own' && own !== null) return incomingOf(await own.run(call));
      return bare(request, authority.kind === 'none' && authority.code === 'token.ambiguous' ? twoCredentials : []);
    },
    async card(key, url) {
      const from = agent.url(key);
      const answer = await httpRequest(dial, { url: `${from}/.well-known/agent-card.json` });
      const card = answer.status === 200 ? await jsonIn(answer.body) : null;
      if (!isJsonObject(card)) throw new Error(`the gateway has no card of \`${key}\``);
      // Who comes through here brings no credential, and the agent's address is the sidecar's.
      const { securitySchemes: _schemes, securityRequirements: _requirements, ...said } = card;
      return JSON.parse(JSON.stringify(said), (_, value) => (value === from ? url : value)) as JsonObject;
    },
    close: () => dial.destroy(),
  };
}

function incomingOf({ status, headers, body }: Response): Incoming {
  // The type of the platform's streams and that of Node's are two for one thing.
  return {
    status,
    headers,
    body: body === null ? null : Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]),
  };
}

async function jsonIn(body: Readable): Promise<JsonValue> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > cardBytesMax) throw new Error('the card is too large');
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts).toString()) as JsonValue;
}
