// The `mtls` listener (rules §1.2, §1.3): TLS 1.3 with a client certificate, never a resumed session. The identity is read
// once per connection and stays with it; a peer nobody admits is gone before a byte of HTTP is parsed. The path is
// checked by OpenSSL against the trust store's list; what a request may do is judged by others.

import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { type Boundary, type Denial, denial, type SpiffeId, trustDomainOf } from '@writ/core';
import { type Connection, type MtlsPeer, openConnections } from './mtls-connections.ts';
import { type RefusalInfo, refusalOfHandshake } from './mtls-refusal.ts';
import { readSvid } from './svid.ts';
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
import type { Trust } from './trust-store.ts';

export type { MtlsPeer } from './mtls-connections.ts';
export type { RefusalInfo } from './mtls-refusal.ts';

export interface MtlsListenerOptions {
  /** The gateway's own SVID. */
  readonly svid: TlsIdentity;
  readonly trust: Trust;
  readonly clock: { nowSeconds(): number; nowMillis(): number };
  /** Asked once per connection, and again by `review`: may this peer be here at all (edges, revocations)? */
  admit(peer: MtlsPeer): Denial | null;
  handler(request: IncomingMessage, response: ServerResponse, peer: MtlsPeer): void;
  /** Everything refused before the spine heard of it. Rules §1.7: to be counted, not recorded one by one. */
  onRefused(refused: Denial, info: RefusalInfo): void;
  /** What separates this identity's process from others on its machine. Default: `none`. */
  boundaryOf?(spiffeId: SpiffeId): Boundary;
  readonly limits?: Partial<HttpLimits>;
  /** Time for responses under way when their peer's certificate ends. Default: 5 s. */
  readonly expiryGraceMillis?: number;
}

export interface MtlsListener {
  listen(at: ListenAddress): Promise<ListenAddress>;
  /** For handshakes from now on; live connections stay. */
  setSvid(svid: TlsIdentity): void;
  /** For handshakes from now on; live connections of a trust domain that is no longer there are closed, `everyone`'s on demand. */
  setTrust(trust: Trust, closing?: { readonly everyone: boolean }): void;
  /** Closes the open connections of an identity at once. Returns how many. */
  revoke(spiffeId: SpiffeId): number;
  /** Asks `admit` again for every open connection and closes the refused: after an edge was removed. Returns how many. */
  review(): number;
  connectionCount(): number;
  /** Stops listening, lets responses end for `drainMillis`, then closes what is left. */
  close(options: { drainMillis: number }): Promise<void>;
}

export function createMtlsListener(options: MtlsListenerOptions): MtlsListener {
  const { clock, onRefused, boundaryOf = () => 'none' as const } = options;
  const limits = { ...httpLimits, ...options.limits };
  const connections = openConnections({ clock, graceMillis: options.expiryGraceMillis ?? 5000 });
  let svid = options.svid;
  let trust = options.trust;
  const server = createServer({
    ...serverOptions(limits),
    ...secureContext(svid, trust),
    requestCert: true,
    rejectUnauthorized: true,
  });
  server.maxConnections = limits.connectionsMax;
  const close = drainable(server, connections.windDown);

  const refuse = (refused: Denial, socket: Socket, peer: SpiffeId | null = null) => {
    onRefused(refused, { source: sourceOf(socket), peer });
    socket.destroy();
  };

  // Read while the socket is open: once a handshake has failed its address can no longer be asked for.
  server.on('connection', (socket: Socket) => void socket.remoteAddress);
  server.on('drop', (dropped) => {
    onRefused(denial('gateway.overloaded'), { source: dropped?.remoteAddress ?? 'unknown', peer: null });
  });
  server.on('tlsClientError', (error, socket) => {
    const refused = refusalOfHandshake(error, socket);
    if (refused !== null) onRefused(refused, { source: sourceOf(socket), peer: null });
  });

  // Before Node's own listener, which would attach the HTTP parser: what is destroyed here is never parsed.
  server.prependListener('secureConnection', (socket) => {
    const met = meet(socket);
    if ('code' in met) return refuse(met, socket);
    const refused = options.admit(met);
    if (refused !== null) return refuse(refused, socket, met.spiffeId);
    connections.add(socket, met);
  });

  /** The peer of a fresh connection, read from its certificate this once; or why it is not to be met. */
  function meet(socket: TLSSocket): MtlsPeer | Denial {
    // Tickets are off; if one works all the same, its certificate was not checked today.
    if (socket.isSessionReused()) return denial('transport.session_resumed');
    const leaf = socket.getPeerX509Certificate();
    if (!socket.authorized || leaf === undefined) return denial('transport.certificate_missing');
    const read = readSvid(leaf.raw, { nowSeconds: clock.nowSeconds() });
    if (read.outcome === 'deny') return read.denial;
    const { spiffeId, notAfterSeconds, serialHex, thumbprint } = read.facts;
    if (!trust.trustDomains.has(trustDomainOf(spiffeId)))
      return denial('transport.trust_domain_unknown', { peer: spiffeId });
    const remote = remoteOf(socket);
    const boundary = boundaryOf(spiffeId);
    return { listener: 'mtls', spiffeId, notAfterSeconds, serialHex, thumbprint, boundary, assertedBy: null, remote };
  }

  server.on('request', (request, response) => {
    const connection = connections.of(request.socket);
    if (connection === undefined || !connections.begin(connection, response)) return void request.socket.destroy();
    options.handler(request, response, connection.peer);
  });
  onUnreadable(
    server,
    (socket) => connections.of(socket) !== undefined,
    (refused, socket) =>
      onRefused(refused, { source: sourceOf(socket), peer: connections.of(socket)?.peer.spiffeId ?? null }),
  );

  const setContext = () => server.setSecureContext(secureContext(svid, trust));
  const closeWhere = (unwanted: (connection: Connection) => boolean) => connections.closeWhere(unwanted);

  return {
    listen: (at) => listen(server, at),
    setSvid(next) {
      svid = next;
      setContext();
    },
    setTrust(next, { everyone } = { everyone: false }) {
      trust = next;
      setContext();
      closeWhere(({ peer }) => everyone || !next.trustDomains.has(trustDomainOf(peer.spiffeId)));
    },
    revoke: (spiffeId) => closeWhere(({ peer }) => peer.spiffeId === spiffeId),
    review: () => closeWhere(({ peer }) => options.admit(peer) !== null),
    connectionCount: () => connections.count(),
    close,
  };
}

function secureContext(svid: TlsIdentity, trust: Trust): SecureContextOptions {
  return {
    cert: svid.certPem,
    key: svid.keyPem,
    ca: [...trust.caPem],
    minVersion: 'TLSv1.3',
    // No resumption: a ticket would carry an identity past its expiry and past its removal (design D5).
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** Address without port. Of a failed handshake only the raw socket below remembers it. */
function sourceOf(socket: Socket): string {
  const below = (socket as Socket & { readonly _parent?: Socket | null })._parent;
  return socket.remoteAddress ?? below?.remoteAddress ?? 'unknown';
}
