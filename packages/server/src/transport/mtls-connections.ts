// The open connections of a listener: who is at the other end, which responses are under way, and when it has to end.
// A certificate is checked when a connection begins; this is what keeps the connection from outliving it.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { PeerOnWire, SpiffeId } from '@writ/core';

/** A peer whose certificate names it: what the `mtls` listener makes of `PeerOnWire`. */
export type MtlsPeer = Extract<PeerOnWire, { listener: 'mtls' | 'sidecar' | 'envoy' }> & {
  readonly listener: 'mtls';
  readonly spiffeId: SpiffeId;
};

export interface Connection {
  readonly socket: Socket;
  readonly peer: MtlsPeer;
  readonly responses: Set<ServerResponse>;
  timer: NodeJS.Timeout | undefined;
  /** Set at the certificate's end and when the listener closes: what was begun may finish, nothing new begins. */
  over: boolean;
}

export interface Connections {
  add(socket: Socket, peer: MtlsPeer): void;
  of(socket: Socket): Connection | undefined;
  /** Notes a response under way. False when the connection's time is over. */
  begin(connection: Connection, response: ServerResponse): boolean;
  closeWhere(unwanted: (connection: Connection) => boolean): number;
  count(): number;
  /** Ends idle connections, and busy ones with their last response. */
  windDown(): void;
}

// Timers count monotonic time while certificates end by the wall clock, which may be set or sleep in between.
const lookAgainMillis = 30_000;

export function openConnections(options: { clock: { nowMillis(): number }; graceMillis: number }): Connections {
  const { clock, graceMillis } = options;
  const open = new Map<Socket, Connection>();

  function watch(connection: Connection): void {
    const leftMillis = connection.peer.notAfterSeconds * 1000 - clock.nowMillis();
    if (leftMillis <= 0) finish(connection);
    else connection.timer = setTimeout(watch, Math.min(leftMillis, lookAgainMillis), connection).unref();
  }

  function finish(connection: Connection): void {
    wind(connection);
    connection.timer = setTimeout(() => connection.socket.destroy(), graceMillis).unref();
  }

  /** Ends an idle connection now, a busy one with its last response. */
  function wind(connection: Connection): void {
    connection.over = true;
    if (connection.responses.size === 0) connection.socket.destroySoon();
    for (const response of connection.responses) {
      if (!response.headersSent) response.setHeader('connection', 'close');
    }
  }

  return {
    add(socket, peer) {
      const connection: Connection = { socket, peer, responses: new Set(), timer: undefined, over: false };
      open.set(socket, connection);
      socket.once('close', () => {
        clearTimeout(connection.timer);
        open.delete(socket);
      });
      watch(connection);
    },
    of: (socket) => open.get(socket),
    begin(connection, response) {
      if (connection.over || connection.peer.notAfterSeconds * 1000 <= clock.nowMillis()) return false;
      connection.responses.add(response);
      response.once('close', () => {
        connection.responses.delete(response);
        if (connection.over && connection.responses.size === 0) connection.socket.destroySoon();
      });
      return true;
    },
    closeWhere(unwanted) {
      const found = [...open.values()].filter(unwanted);
      for (const { socket } of found) socket.destroy();
      return found.length;
    },
    count: () => open.size,
    windDown() {
      for (const connection of open.values()) wind(connection);
    },
  };
}
