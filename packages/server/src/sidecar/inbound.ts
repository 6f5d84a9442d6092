// Calls to the agent: gateway → here (mutual TLS, as the agent) → the program's own address on this machine (contract §2). The context is
// verified and kept here; the program gets the message, a handle to continue it by, and no authority that could end up in its history.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as httpRequest } from 'node:http';
import { type CallContext, currentContext } from '@writ/agent';
import { type Agent, type AgentServer, type ServedRequest, serveAgent } from '@writ/agent/node';
import { says } from '@writ/core';
import type { InboundCall, InboundCalls } from './calls.ts';
import type { HttpWords } from './ports.ts';
import { relay } from './relay.ts';
import { sparingly } from './sparingly.ts';
import type { Tree } from './tree.ts';

export interface InboundOptions {
  readonly agent: Pick<Agent, 'accept' | 'svid' | 'plane'>;
  /** `http:` on loopback or `unix:/path`. */
  readonly a2a: string;
  readonly calls: InboundCalls;
  readonly tree: Tree;
  readonly http: HttpWords;
  say(sentence: string): void;
}

const nobody: CallContext = { continuation: null, task: null, traceparent: null, caller: null, denial: null };

export function openInbound({ agent, a2a, calls, tree, http, say }: InboundOptions): Promise<AgentServer> {
  const program = programAt(a2a);
  const turnedAway = sparingly(say);
  const isThere = () => (program.path === null ? tree.holdsPort(program.port) : tree.holdsPath(program.path));
  return serveAgent(
    agent,
    async (request, response) => {
      // Another process on the same address would read the message and answer in the agent's name.
      if (!isThere()) {
        turnedAway(`nothing of this program listens at \`${a2a}\`, so a call to it was turned away`);
        const code = 'gateway.upstream_unreachable';
        const error = 'temporarily_unavailable';
        return http.answerJson(response, 502, { error, error_description: says(code), code, decisionId: null });
      }
      // Who reads the card asks for no work, so nothing can be continued from there.
      const call = request.method === 'GET' ? null : calls.begin(currentContext() ?? nobody);
      response.once('close', () => call?.end());
      await forward(program, request, response, { call, http });
    },
    { onRefused: (reason) => turnedAway(`a call to the agent was turned away: ${reason}`) },
  );
}

interface Program {
  readonly host: string;
  readonly port: number;
  /** Of a Unix socket, else null. */
  readonly path: string | null;
}

function programAt(a2a: string): Program {
  if (a2a.startsWith('unix:')) return { host: 'localhost', port: 0, path: a2a.slice('unix:'.length) };
  const { hostname, port } = new URL(a2a);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), path: null };
}

async function forward(
  { host, port, path }: Program,
  request: ServedRequest,
  response: ServerResponse,
  { call, http }: { readonly call: InboundCall | null; readonly http: HttpWords },
): Promise<void> {
  const body = request.body === undefined ? null : Buffer.from(JSON.stringify(request.body));
  const headers: Record<string, string> = {
    ...http.forwardableHeaders(request, () => true),
    ...(call === null ? {} : { 'writ-call': call.handle, traceparent: call.traceparent }),
    ...(body === null ? {} : { 'content-length': String(body.length) }),
  };
  const sent = httpRequest({
    ...(path === null ? { host, port } : { socketPath: path }),
    method: request.method,
    path: request.url,
    headers,
  });
  response.once('close', () => sent.destroy());
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).on('error', reject);
  });
  if (body === null) request.pipe(sent);
  else sent.end(body);
  const message = await answer;
  await relay(response, { status: message.statusCode ?? 502, headers: Object.entries(message.headers), body: message });
}
