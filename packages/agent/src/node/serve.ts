// An agent's own door: mutual TLS that opens to the gateway and nobody else (rules §1.4), so that every call has been judged before
// it arrives. TLS 1.3, no resumption; the caller's certificate is read once per connection, before a byte of HTTP is parsed.

import { constants } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { judgeSvid, type SpiffeId } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import type { Agent } from './agent.ts';
import type { DialSvid } from './dial.ts';
import { type Handler, refuse, rememberPeer, writContext } from './incoming.ts';

export interface ServeOptions {
  /** Default: loopback. */
  readonly host?: string;
  /** Default: 0, chosen by the system. */
  readonly port?: number;
  readonly clock?: { nowSeconds(): number };
  /** Told why a peer was turned away, or a request could not be served; for the operator's log. */
  readonly onRefused?: (reason: string) => void;
}

export interface AgentServer {
  /** `https://<host>:<port>`, for `agents.X.a2a` in `writ.yaml`. */
  readonly url: string;
  close(): Promise<void>;
}

const systemClock = { nowSeconds: () => Math.floor(Date.now() / 1000) };
/** `setTimeout` counts in 32 bits. */
const timerMillisMax = 2 ** 31 - 1;

/** Serves with the agent's SVID, asked for at every handshake, so that a rotated one is used at once. */
export async function serveAgent(
  agent: Pick<Agent, 'accept' | 'svid' | 'plane'>,
  handler: Handler,
  { host = '127.0.0.1', port = 0, clock = systemClock, onRefused = () => {} }: ServeOptions = {},
): Promise<AgentServer> {
  const { gatewayId } = agent.plane;
  let svid = agent.svid();
  const server = createServer({ ...secureContext(svid), requestCert: true, rejectUnauthorized: true });
  const open = new Set<TLSSocket>();

  // Ahead of the handshake of this very connection.
  server.prependListener('connection', () => {
    const now = agent.svid();
    if (now.certPem === svid.certPem && String(now.bundlePem) === String(svid.bundlePem)) return;
    svid = now;
    server.setSecureContext(secureContext(svid));
  });
  server.on('tlsClientError', (error) => onRefused(error.message));
  // Before Node's own listener, which would attach the HTTP parser: what is destroyed here is never parsed.
  server.prependListener('secureConnection', (socket) => {
    const met = meet(socket, gatewayId, clock.nowSeconds());
    if (typeof met === 'string') {
      onRefused(met);
      socket.destroy();
      return;
    }
    rememberPeer(socket, gatewayId);
    open.add(socket);
    const timer = setTimeout(() => socket.destroy(), Math.min(met.untilMillis, timerMillisMax));
    socket.once('close', () => {
      clearTimeout(timer);
      open.delete(socket);
    });
  });

  const inContext = writContext(agent);
  server.on('request', (request, response) => {
    const failed = (error: unknown) => {
      onRefused(error instanceof Error ? error.message : String(error));
      if (response.headersSent) response.destroy();
      else refuse(response, { refused: 'gateway.outage', status: 500 });
    };
    inContext(request, response, (error) => {
      if (error) return failed(error);
      (async () => handler(request, response))().catch(failed);
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `https://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** How long the connection may last, or why it may not be at all. */
function meet(socket: TLSSocket, gatewayId: SpiffeId, nowSeconds: number): { untilMillis: number } | string {
  if (socket.isSessionReused()) return 'the peer resumed a session';
  const leaf = socket.getPeerX509Certificate();
  if (!socket.authorized || leaf === undefined) return 'the peer showed no certificate';
  const read = judgeSvid(nodeEngine, leaf.raw, { nowSeconds });
  if (read.outcome === 'deny') return `the peer's certificate is not acceptable: \`${read.denial.code}\``;
  const { spiffeId, notAfterSeconds } = read.facts;
  if (spiffeId !== gatewayId) return `\`${spiffeId}\` called where only \`${gatewayId}\` may`;
  return { untilMillis: (notAfterSeconds - nowSeconds) * 1000 };
}

function secureContext({ certPem, keyPem, bundlePem }: DialSvid): SecureContextOptions {
  return {
    cert: certPem,
    key: keyPem,
    ca: [bundlePem].flat(),
    minVersion: 'TLSv1.3',
    // No resumption: a ticket would carry an identity past its expiry (design D5).
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
