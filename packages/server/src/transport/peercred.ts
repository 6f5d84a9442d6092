// Who connected to a Unix socket, as the kernel says it, and a hold on that process which a reused pid cannot take over.
// Decides nothing about identity: that is attest.ts. Fails closed: what the kernel does not tell is a refusal.
// Source: unix(7) SO_PEERCRED, SO_PEERPIDFD (Linux 6.5); labs/spiffe §1.1 for the order of reads.

import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { deny, pass, type Verdict } from '@writ/core';
import { errno, loadNative, type NativeCalls } from './peercred-native.ts';

/** A process held by its pidfd: alive or not is about this very process, whatever happens to its number. */
export interface ProcessHandle {
  readonly pid: number;
  /** False from the moment the process has ended, and after `close`. */
  isAlive(): boolean;
  /** Gives the descriptor back. Safe to call twice. */
  close(): void;
}

/** The process that connected. The credentials are those it had at `connect`, also after it changed them. */
export interface Peer {
  readonly uid: number;
  readonly gid: number;
  readonly process: ProcessHandle;
}

export interface Kernel {
  /** `peer-pidfd`: no window for pid reuse. `pidfd-open`: best effort before Linux 6.5, worth a line in the log. */
  readonly proof: 'peer-pidfd' | 'pidfd-open';
  /** Call it when the connection arrives, before a byte is read. The caller closes `process`. */
  peerOf(socket: Socket): Verdict<Peer>;
  /** A hold on a process by number, or null when there is none. */
  open(pid: number): ProcessHandle | null;
}

// A process of another user namespace shows up as the overflow uid: nobody in particular.
const overflowUid = 65534;
const noUid = 0xffff_ffff;

/**
 * Loads the native calls and proves them on a connection to itself.
 * Throws an Error for the operator when peers cannot be told on this system.
 */
export async function openKernel(options: { readonly peerPidfd?: boolean } = {}): Promise<Kernel> {
  if (process.platform !== 'linux') {
    throw new Error(
      `the plane identifies local processes by their sockets, which it can on Linux only, not on \`${process.platform}\``,
    );
  }
  const native = loadNative();
  const own = await connectToSelf((fd) => native.peerPidfd(fd));
  if (own < 0 && own !== -errno.ENOPROTOOPT)
    throw new Error(`the kernel does not hand out peer pidfds (errno ${-own})`);
  if (own >= 0) native.close(own);
  const proof = own >= 0 && options.peerPidfd !== false ? 'peer-pidfd' : 'pidfd-open';
  const kernel: Kernel = {
    proof,
    peerOf: (socket) => peerOf(native, proof, descriptorOf(socket)),
    open: (pid) => openProcess(native, pid),
  };
  await selfTest(native, proof);
  return kernel;
}

/** `_handle.fd` is not documented by Node; the self-test at start proves that it still is what it was. */
function descriptorOf(socket: Socket): number {
  const handle = (socket as unknown as { readonly _handle?: { readonly fd?: unknown } | null })._handle;
  return typeof handle?.fd === 'number' ? handle.fd : -1;
}

function peerOf(native: NativeCalls, proof: Kernel['proof'], fd: number): Verdict<Peer> {
  if (fd < 0) return deny('transport.peer_not_attested', { reason: 'the connection has no descriptor' });
  const ucred = native.peerCredentials(fd);
  if (ucred === null) return deny('transport.peer_not_attested', { reason: 'no peer credentials' });
  const seen = { pid: ucred.pid, uid: ucred.uid };
  if (ucred.pid <= 0)
    return deny('transport.peer_not_attested', { ...seen, reason: 'the peer is in another pid namespace' });
  if (ucred.uid === overflowUid || ucred.uid === noUid) {
    return deny('transport.peer_not_attested', { ...seen, reason: 'the uid of the peer has no meaning on this host' });
  }
  const pidfd = proof === 'peer-pidfd' ? native.peerPidfd(fd) : native.pidfdOpen(ucred.pid);
  if (pidfd < 0) return deny('transport.peer_not_attested', { ...seen, reason: 'the peer has ended' });
  return pass({ uid: ucred.uid, gid: ucred.gid, process: hold(native, ucred.pid, pidfd) });
}

function openProcess(native: NativeCalls, pid: number): ProcessHandle | null {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  const pidfd = native.pidfdOpen(pid);
  return pidfd < 0 ? null : hold(native, pid, pidfd);
}

function hold(native: NativeCalls, pid: number, pidfd: number): ProcessHandle {
  let open = true;
  return {
    pid,
    isAlive: () => open && !native.hasEnded(pidfd),
    close() {
      if (!open) return;
      open = false;
      native.close(pidfd);
    },
  };
}

async function selfTest(native: NativeCalls, proof: Kernel['proof']): Promise<void> {
  if (readlinkSync('/proc/self') !== String(process.pid)) {
    throw new Error('`/proc` shows another pid namespace than this process lives in; mount the right one');
  }
  const verdict = await connectToSelf((fd) => peerOf(native, proof, fd));
  if (verdict.outcome === 'deny') {
    throw new Error(`peer credentials cannot be read on this system: ${verdict.denial.detail.reason}`);
  }
  const peer = verdict.facts;
  const right = peer.process.pid === process.pid && peer.uid === process.geteuid?.() && peer.process.isAlive();
  peer.process.close();
  if (!right)
    throw new Error('peer credentials are not reliable on this system: a connection to itself names another process');
}

/** Connects to itself over an abstract socket, so that nothing is left on disk, and looks at the accepted end. */
function connectToSelf<T>(look: (fd: number) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const name = `\0writ-self-test-${randomUUID()}`;
    const server = createServer((accepted) => {
      try {
        resolve(look(descriptorOf(accepted)));
      } catch (cause) {
        reject(cause);
      }
      accepted.destroy();
      server.close();
    });
    server.on('error', reject);
    server.listen(name, () => connect(name).on('error', reject).resume());
  });
}
