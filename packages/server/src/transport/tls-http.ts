// What every HTTP listener of Writ shares: limits that slow and oversized clients run into, and the answer when a request
// cannot even be read.

import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Denial, denial } from '@writ/core';

export interface HttpLimits {
  /** Request line and headers together. */
  readonly headerBytesMax: number;
  /** From the first byte, or from the connection, to the end of the headers. */
  readonly headersMillisMax: number;
  /** To the end of the body; a response may take as long as it likes. */
  readonly requestMillisMax: number;
  /** Quiet time between two requests. */
  readonly idleMillisMax: number;
  readonly handshakeMillisMax: number;
  readonly connectionsMax: number;
}

export const httpLimits: HttpLimits = {
  headerBytesMax: 16_384,
  headersMillisMax: 10_000,
  requestMillisMax: 60_000,
  idleMillisMax: 65_000,
  handshakeMillisMax: 10_000,
  connectionsMax: 10_000,
};

/** Options of Node's servers that keep the limits. */
export function serverOptions(limits: HttpLimits) {
  return {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersMillisMax,
    requestTimeout: Math.max(limits.requestMillisMax, limits.headersMillisMax),
    keepAliveTimeout: limits.idleMillisMax,
    // Half of the shortest limit, so that none is overrun by more than half of it.
    connectionsCheckingInterval: Math.min(limits.headersMillisMax, limits.requestMillisMax) / 2,
    handshakeTimeout: limits.handshakeMillisMax,
    // A peer that lost its network leaves a connection that nothing else would ever close.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    noDelay: true,
  };
}

/** Where a peer came from: `127.0.0.1:40000`, `[::1]:40000`; `unix` for a socket without address. */
export function remoteOf(socket: Socket): string {
  const { remoteAddress, remotePort, remoteFamily } = socket;
  if (remoteAddress === undefined) return 'unix';
  return remoteFamily === 'IPv6' ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

/** Answers and reports requests that the HTTP parser or a time limit refused. A socket that is not `isOurs` yet is only ended. */
export function onUnreadable(
  server: Server | SecureServer,
  isOurs: (socket: Socket) => boolean,
  report: (refused: Denial, socket: Socket) => void,
): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // With this listener here Node no longer ends a failed handshake by itself.
    if (!isOurs(socket)) return void socket.destroy();
    const [status, code] = unreadable(error.code ?? '');
    // A connection that broke off, or never said anything, said nothing wrong.
    const wrong = error.code !== 'ECONNRESET' && error.code !== 'EPIPE' && socket.bytesRead > 0;
    if (wrong) report(denial(code, { cause: error.code ?? error.message }), socket);
    if (socket.writable && socket.bytesWritten === 0)
      socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.destroySoon();
  });
}

function unreadable(
  cause: string,
): [
  '400 Bad Request' | '408 Request Timeout' | '413 Content Too Large' | '431 Request Header Fields Too Large',
  'gateway.malformed' | 'gateway.too_large',
] {
  if (cause === 'HPE_HEADER_OVERFLOW') return ['431 Request Header Fields Too Large', 'gateway.too_large'];
  if (cause === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return ['413 Content Too Large', 'gateway.too_large'];
  if (cause === 'ERR_HTTP_REQUEST_TIMEOUT') return ['408 Request Timeout', 'gateway.malformed'];
  return ['400 Bad Request', 'gateway.malformed'];
}

export interface ListenAddress {
  readonly host: string;
  /** 0: chosen by the system. */
  readonly port: number;
}

/** Resolves with the address in use once it listens; rejects with a sentence for the operator. */
export function listen(server: Server | SecureServer, at: ListenAddress): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const says =
        error.code === 'EADDRINUSE' ? 'is in use by another program; choose another port, or 0' : error.message;
      reject(new Error(`\`${at.host}:${at.port}\` ${says}`, { cause: error }));
    };
    server.once('error', failed);
    server.listen({ host: at.host, port: at.port }, () => {
      server.off('error', failed);
      const { address, port } = server.address() as AddressInfo;
      resolve({ host: address, port });
    });
  });
}

/**
 * Stops listening; `windDown` asks connections to end by themselves, and at the deadline every socket is cut, those still
 * in their handshake too: Node's own `closeAllConnections` knows only the ones that reached HTTP.
 */
export function drainable(server: Server | SecureServer, windDown: () => void = () => {}) {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return ({ drainMillis }: { drainMillis: number }): Promise<void> =>
    new Promise((resolve) => {
      const deadline = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, drainMillis);
      server.close(() => {
        clearTimeout(deadline);
        resolve();
      });
      windDown();
    });
}
