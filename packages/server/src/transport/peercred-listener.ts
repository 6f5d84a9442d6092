// A Unix socket whose every connection arrives with the process behind it, or not at all. Credentials are read before
// a byte of the protocol is, and the hold on the process ends with the connection. What is spoken is the caller's.

import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Denial } from '@writ/core';
import type { Kernel, Peer } from './peercred.ts';

export interface PeerListener {
  readonly path: string;
  /** Stops listening, removes the socket file and cuts what is still connected. */
  close(): Promise<void>;
}

export interface PeerListenerOptions {
  readonly path: string;
  readonly kernel: Kernel;
  readonly onPeer: (socket: Socket, peer: Peer) => void;
  /** A connection that was cut because the kernel could not say whose it is. */
  readonly onRefused: (denial: Denial) => void;
  readonly connectionsMax?: number;
  readonly connectionsPerPidMax?: number;
}

// sun_path of unix(7) holds 108 bytes with its final zero.
const pathBytesMax = 107;

/** Listens with mode 0666: who may speak is told by credentials, not by file modes. Throws a sentence for the operator. */
export async function listenForPeers(options: PeerListenerOptions): Promise<PeerListener> {
  const { path, kernel, onPeer, onRefused, connectionsMax = 4096, connectionsPerPidMax = 32 } = options;
  assertUsable(path);
  await removeStale(path);
  const open = new Set<Socket>();
  const perPid = new Map<number, number>();

  const server = createServer((socket) => {
    socket.on('error', () => {}); // a peer that goes away is no event
    const verdict = kernel.peerOf(socket);
    if (verdict.outcome === 'deny') {
      socket.destroy();
      onRefused(verdict.denial);
      return;
    }
    const { process } = verdict.facts;
    const connections = perPid.get(process.pid) ?? 0;
    if (connections >= connectionsPerPidMax) {
      process.close();
      socket.destroy();
      return;
    }
    perPid.set(process.pid, connections + 1);
    open.add(socket);
    socket.on('close', () => {
      process.close();
      open.delete(socket);
      const left = perPid.get(process.pid)! - 1;
      if (left === 0) perPid.delete(process.pid);
      else perPid.set(process.pid, left);
    });
    onPeer(socket, verdict.facts);
  });
  server.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
  chmodSync(path, 0o666);

  return {
    path,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

function assertUsable(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > pathBytesMax) {
    throw new Error(
      `the socket path \`${path}\` has ${bytes} bytes and may have ${pathBytesMax}; choose a shorter \`data\` folder`,
    );
  }
  const folder = dirname(path);
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) throw new Error(`the folder \`${folder}\` of the socket does not exist`);
  // Whoever may write there can put a socket of their own in this place and hand out identities.
  const foreign = stat.uid !== process.geteuid?.() && stat.uid !== 0;
  if (foreign || (stat.mode & 0o022) !== 0) {
    throw new Error(
      `the folder \`${folder}\` of the socket can be written by others; \`chmod go-w\` it, or choose another \`data\` folder`,
    );
  }
}

/** Removes a socket that nobody answers on. A live one, or a file that is no socket, is left and named. */
async function removeStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSocket()) throw new Error(`\`${path}\` exists and is not a socket; move it away`);
  const answer = await new Promise<string>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve('connected');
    });
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
  });
  if (answer === 'ECONNREFUSED') unlinkSync(path);
  else if (answer !== 'ENOENT')
    throw new Error(`another plane answers on \`${path}\`; stop it first, or choose another \`data\` folder`);
}
