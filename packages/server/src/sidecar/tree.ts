// Which sockets of this machine are held by the tree of one launch (rules §1.2): by the inode that the kernel shows for a pair of
// addresses, looked for among the descriptors of the tree's processes. What cannot be seen is not held.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { endianness } from 'node:os';
import type { StatOf } from './ports.ts';

/** The four numbers that name a TCP connection, from the client's side. */
export interface ClientEnd {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

export interface Tree {
  /** Whether a process of the tree holds the client's end of a connection to this machine. */
  holdsClient(end: ClientEnd): boolean;
  /** Whether every socket that listens on this TCP port is held by the tree, and there is one. */
  holdsPort(port: number): boolean;
  /** The same for a Unix socket by its path. */
  holdsPath(path: string): boolean;
}

const listening = '0A'; // include/net/tcp_states.h
const acceptsConnections = 0x10000; // __SO_ACCEPTCON

/** The tree below `runnerPid`, which adopts its orphans and is itself no part of it. */
export function openTree(runnerPid: number, statOf: StatOf): Tree {
  const allHeld = (inodes: readonly string[]) => {
    if (inodes.length === 0) return false;
    const held = socketsOf(descendantsOf(runnerPid, statOf));
    return inodes.every((inode) => held.has(inode));
  };
  return {
    holdsClient({ localAddress, localPort, remoteAddress, remotePort }) {
      const wanted = [`${hexOf(localAddress)}:${hexPort(localPort)}`, `${hexOf(remoteAddress)}:${hexPort(remotePort)}`];
      return allHeld(
        tcpRows()
          .filter(({ local, remote }) => local === wanted[0] && remote === wanted[1])
          .map(({ inode }) => inode),
      );
    },
    holdsPort: (port) =>
      allHeld(
        tcpRows()
          .filter(({ local, state }) => state === listening && local.endsWith(`:${hexPort(port)}`))
          .map(({ inode }) => inode),
      ),
    holdsPath: (path) => allHeld(unixListeners(path)),
  };
}

interface TcpRow {
  readonly local: string;
  readonly remote: string;
  readonly state: string;
  readonly inode: string;
}

/** proc(5) `/proc/net/tcp`; an IPv6 socket that speaks IPv4 stands in `tcp6` with a mapped address. */
function tcpRows(): readonly TcpRow[] {
  return ['tcp', 'tcp6'].flatMap((table) =>
    linesOf(`/proc/self/net/${table}`).map((line) => {
      const [, local = '', remote = '', state = '', , , , , , inode = '0'] = line.trim().split(/\s+/);
      return { local: unmapped(local), remote: unmapped(remote), state, inode };
    }),
  );
}

/** proc(5) `/proc/net/unix`: inodes of the sockets that listen at a path. */
function unixListeners(path: string): readonly string[] {
  return linesOf('/proc/self/net/unix').flatMap((line) => {
    const [, , , flags = '', , , inode = '0', ...words] = line.split(/\s+/);
    return words.join(' ') === path && Number.parseInt(flags, 16) & acceptsConnections ? [inode] : [];
  });
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'latin1').split('\n').slice(1).filter(Boolean);
  } catch {
    return []; // no IPv6 on this machine, say
  }
}

const mappedPrefix = endianness() === 'LE' ? '0000000000000000FFFF0000' : '00000000000000000000FFFF';

function unmapped(end: string): string {
  return end.startsWith(mappedPrefix) ? end.slice(mappedPrefix.length) : end;
}

/** As the kernel prints an IPv4 address: one 32-bit number in the order of the machine. '' for anything else, which no row has. */
function hexOf(address: string): string {
  const plain = address.replace(/^::ffff:/i, '');
  if (!isIPv4(plain)) return '';
  const bytes = plain.split('.').map(Number);
  return hex(Buffer.from(endianness() === 'LE' ? bytes.reverse() : bytes));
}

function hexPort(port: number): string {
  return hex(Buffer.from([port >> 8, port & 0xff]));
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex').toUpperCase();
}

function descendantsOf(runnerPid: number, statOf: StatOf): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = /^\d+$/.test(name) ? Number(name) : null;
    const parent = pid === null ? null : (statOf(pid)?.parentPid ?? null);
    if (pid !== null && parent !== null) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found: number[] = [];
  for (let level = children.get(runnerPid) ?? []; level.length > 0; ) {
    found.push(...level);
    level = level.flatMap((pid) => children.get(pid) ?? []);
  }
  return found;
}

/** Inodes of the sockets that these processes hold open. */
function socketsOf(pids: readonly number[]): ReadonlySet<string> {
  return new Set(
    pids.flatMap((pid) => namesIn(`/proc/${pid}/fd`).flatMap((fd) => /^socket:\[(\d+)\]$/.exec(fd)?.[1] ?? [])),
  );
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).flatMap((name) => linkOf(`${folder}/${name}`) ?? []);
  } catch {
    return []; // it ended, or is another user's
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
