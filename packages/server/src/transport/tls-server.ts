// The `oauth` listener (rules §1.2): no client certificate, so nobody is known yet. TLS with an operator's or the gateway's
// certificate, or plain HTTP on loopback and nowhere else.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import { BlockList, isIP, type Socket } from 'node:net';
import { type Denial, denial, type PeerOnWire } from '@writ/core';
import {
  drainable,
  type HttpLimits,
  httpLimits,
  type ListenAddress,
  listen,
  onUnreadable,
  remoteOf,
  serverOptions,
} from './tls-http.ts';
import type { TlsIdentity } from './tls-pem.ts';

export type OauthPeer = Extract<PeerOnWire, { listener: 'oauth' }>;

export interface TlsServerOptions {
  /** Null: plain HTTP, on loopback only. */
  readonly tls: TlsIdentity | null;
  handler(request: IncomingMessage, response: ServerResponse, peer: OauthPeer): void;
  onRefused(refused: Denial, info: { readonly source: string; readonly peer: null }): void;
  readonly limits?: Partial<HttpLimits>;
}

export interface TlsServer {
  /** Rejects with a sentence for the operator, among others for plain HTTP beyond loopback. */
  listen(at: ListenAddress): Promise<ListenAddress>;
  setTls(tls: TlsIdentity): void;
  close(options: { drainMillis: number }): Promise<void>;
}

export function createTlsServer(options: TlsServerOptions): TlsServer {
  const limits = { ...httpLimits, ...options.limits };
  const secure = options.tls && createSecureServer({ ...serverOptions(limits), ...context(options.tls) });
  const server = secure ?? createServer(serverOptions(limits));
  server.maxConnections = limits.connectionsMax;
  const close = drainable(server);
  const report = (refused: Denial, socket: Socket | undefined) =>
    options.onRefused(refused, { source: socket?.remoteAddress ?? 'unknown', peer: null });

  server.on('drop', (dropped) =>
    options.onRefused(denial('gateway.overloaded'), { source: dropped?.remoteAddress ?? 'unknown', peer: null }),
  );
  // Failed handshakes arrive here too (Node hands them on); nobody is refused who never had to show anything.
  const served = new WeakSet<Socket>();
  server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => void served.add(socket));
  onUnreadable(server, (socket) => served.has(socket), report);
  server.on('request', (request, response) => {
    options.handler(request, response, { listener: 'oauth', remote: remoteOf(request.socket) });
  });

  return {
    async listen(at) {
      if (secure === null && !isLoopback(at.host)) {
        throw new Error(
          `plain HTTP on \`${at.host}\` would send tokens in the clear: listen on 127.0.0.1, or give a certificate`,
        );
      }
      return listen(server, at);
    },
    setTls: (tls) => (server as Partial<Pick<SecureServer, 'setSecureContext'>>).setSecureContext?.(context(tls)),
    close,
  };
}

/** Clients here are browsers and desktop programs, so TLS 1.2 is still met. */
function context(tls: TlsIdentity) {
  return { cert: tls.certPem, key: tls.keyPem, minVersion: 'TLSv1.2' } as const;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** True for an address of loopback itself. A name is somebody else's promise and is not asked for, `localhost` excepted. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
