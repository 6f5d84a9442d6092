// The program's way out (contract §2, rules §1.2): plain HTTP on loopback, for processes of one tree, to `/mcp/<server>` and
// `/a2a/<agent>`. Each request gets a token for just what it asks, and goes to the gateway as the agent. What is refused for want of
// authority is asked of the gateway all the same, without a token, so that the refusal stands in the log.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { DeniedError } from '@writ/agent';
import { JSON_BOUNDS } from '@writ/core';
import { type Protocol, refuse, refuseHere, rpcIdOf, withoutChallenge } from './answers.ts';
import type { InboundCalls } from './calls.ts';
import type { Authority, GatewayPort } from './gateway-port.ts';
import type { HttpWords } from './ports.ts';
import { relay } from './relay.ts';
import { sparingly } from './sparingly.ts';
import type { Tree } from './tree.ts';

export interface OutboundOptions {
  readonly tree: Tree;
  readonly calls: InboundCalls;
  readonly http: HttpWords;
  /** Null while the agent has no identity. */
  gateway(): GatewayPort | null;
  say(sentence: string): void;
}

export interface Outbound {
  /** `http://127.0.0.1:<port>`, for `WRIT_SIDECAR`. */
  readonly url: string;
  close(): Promise<void>;
}

interface Asked {
  readonly protocol: Protocol;
  /** Key of the server or path of the agent. */
  readonly callee: string;
  /** Path and query below the callee's URL. */
  readonly below: string;
}

const MCP = /^\/mcp\/([A-Za-z0-9_-]+)((?:\?.*)?)$/;
const A2A = /^\/a2a\/([A-Za-z0-9_-]+\/[A-Za-z0-9_-]+)((?:\/(?:\.well-known\/agent-card\.json)?)?(?:\?.*)?)$/;
const connectionsMax = 1024;
const noOrigins: ReadonlySet<string> = new Set();

/** Listens on a port that the system chooses. Until there is a gateway to ask, requests are told to come back. */
export async function openOutbound(options: OutboundOptions): Promise<Outbound> {
  const { tree, http, say } = options;
  const attested = new WeakMap<Socket, Promise<boolean>>();
  const turnedAway = sparingly(say);
  const server = createServer({ keepAliveTimeout: 60_000 });
  server.maxConnections = connectionsMax;
  let url = '';

  server.on('connection', (socket) => attested.set(socket, isOfTree(tree, socket)));
  server.on('request', (req, res) => {
    answer(req, res).catch((error: Error) => {
      say(`a call through the sidecar failed: ${error.message}`);
      if (res.headersSent) res.destroy();
      else refuseHere(http, res, 'gateway.outage', 503, 'temporarily_unavailable');
    });
  });

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (!(await attested.get(req.socket))) {
      turnedAway('a request came to the sidecar from a process that is not of the agent; it was refused');
      return unread(req, res, () => refuseHere(http, res, 'transport.peer_not_attested', 403, 'access_denied'));
    }
    const path = req.url ?? '';
    // A page that a rebound name led here, or somebody who takes this for a proxy.
    if (!path.startsWith('/') || !http.hostMatches(req, url) || !http.originMatches(req, url, noOrigins)) {
      return unread(req, res, () => refuseHere(http, res, 'gateway.misdirected', 421, 'invalid_request'));
    }
    const asked = askedIn(path);
    if (asked === null) return unread(req, res, () => refuseHere(http, res, 'action.unknown', 404, 'not_found'));
    const gateway = options.gateway();
    if (gateway === null) {
      return unread(req, res, () => refuseHere(http, res, 'gateway.outage', 503, 'temporarily_unavailable'));
    }
    if (req.method === 'GET' && asked.below.startsWith('/.well-known/')) {
      return http.answerJson(res, 200, await gateway.card(asked.callee, `${url}/a2a/${asked.callee}`));
    }
    const read = await http.readBody(req, JSON_BOUNDS.bytesMax);
    if (read.ok) return carry({ req, res, asked, body: read.bytes.length === 0 ? null : read.bytes, gateway });
    const [code, status] =
      read.fault === 'too_large' ? (['gateway.too_large', 413] as const) : (['gateway.body_unseen', 400] as const);
    unread(req, res, () => refuseHere(http, res, code, status, 'invalid_request'));
  }

  async function carry({ req, res, asked, body, gateway }: Carried): Promise<void> {
    const leaving = new AbortController();
    res.once('close', () => leaving.abort());
    const request = {
      method: req.method ?? 'POST',
      callee: asked.callee,
      below: asked.below,
      headers: http.forwardableHeaders(req, () => true),
      body,
      delegate: asked.protocol === 'a2a' ? delegated(http.headerValues(req, 'writ-delegate')) : [],
      signal: leaving.signal,
    };
    try {
      const { status, headers, body: bytes } = await gateway.send(request, authorityOf(req));
      await relay(res, { status: withoutChallenge(status), headers: headers.entries(), body: bytes });
    } catch (error) {
      if (leaving.signal.aborted) return;
      if (!(error instanceof DeniedError)) throw error;
      refuse(http, res, error.denial, { protocol: asked.protocol, rpcId: rpcIdOf(body) });
    }
  }

  /** Rules §2.8: the credential is the sidecar's to bring, so one of the program's own is one too many. */
  function authorityOf(req: IncomingMessage): Authority {
    if (http.credentialOf(req).kind !== 'none' || http.headerValues(req, 'dpop').length > 0)
      return { kind: 'none', code: 'token.ambiguous' };
    const handles = http.headerValues(req, 'writ-call');
    return options.calls.behind({ handles, traceparents: http.headerValues(req, 'traceparent') });
  }

  function unread(req: IncomingMessage, res: ServerResponse, say: () => void): void {
    if (!req.complete) http.dropUnread(req, res);
    say();
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, resolve);
  });
  // The program outlives nothing here: an open sidecar does not keep `writ run` alive.
  server.unref();
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Carried {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly asked: Asked;
  readonly body: Uint8Array | null;
  readonly gateway: GatewayPort;
}

/** `Writ-Delegate: files:read_text_file files:list_directory`. Nothing goes along unasked (rules §2.4). */
function delegated(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => value.split(/[ ,]+/)).filter((scope) => scope !== '');
}

function askedIn(path: string): Asked | null {
  const mcp = MCP.exec(path);
  if (mcp) return { protocol: 'mcp', callee: mcp[1]!, below: mcp[2]! };
  const a2a = A2A.exec(path);
  return a2a && { protocol: 'a2a', callee: a2a[1]!, below: a2a[2]! };
}

const looks = 3;
const lookAgainMillis = 20;

/** A table that changes while it is read can hide a row, and a fork can hide a process, for a moment. */
async function isOfTree(tree: Tree, socket: Socket): Promise<boolean> {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (!localAddress || !localPort || !remoteAddress || !remotePort) return false;
  // The client's end: its local address is our remote one.
  const end = {
    localAddress: remoteAddress,
    localPort: remotePort,
    remoteAddress: localAddress,
    remotePort: localPort,
  };
  for (let look = 1; ; look++) {
    if (tree.holdsClient(end)) return true;
    if (look === looks || socket.destroyed) return false;
    await new Promise((resolve) => setTimeout(resolve, lookAgainMillis));
  }
}
