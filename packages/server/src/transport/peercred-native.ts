// The handful of Linux calls that Node does not offer, as plain functions. The only file that knows koffi.
// Each returns what the kernel said, negative errno included; what it means is peercred.ts's business.

import { closeSync } from 'node:fs';
import koffi from 'koffi';

export const errno = { ESRCH: 3, ENOPROTOOPT: 92 } as const;

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERPIDFD = 77; // Linux 6.5
const SYS_pidfd_open = 434; // the same number on x64 and arm64
const PR_SET_CHILD_SUBREAPER = 36;
const POLLIN = 1;
const WNOHANG = 1;

export interface NativeCalls {
  /** `struct ucred` of the process that connected; unix(7). Null when the kernel does not say. */
  peerCredentials(fd: number): { readonly pid: number; readonly uid: number; readonly gid: number } | null;
  /** A pidfd of the process that connected, or a negative errno. */
  peerPidfd(fd: number): number;
  /** A pidfd of a process, or a negative errno; pidfd_open(2). */
  pidfdOpen(pid: number): number;
  /** True from the moment the process has ended, reaped or not; anything but a clear "no" counts as ended. */
  hasEnded(pidfd: number): boolean;
  close(fd: number): void;
  /** Orphans below this process become its children instead of init's; prctl(2). */
  becomeSubreaper(): boolean;
  /** Collects one ended child by its pid. Never call it for a child that Node itself started. */
  reap(pid: number): boolean;
  /** Puts a signal back to its default action; Node ignores some, and an exec would hand that on. */
  defaultSignal(number: number): void;
}

/** Throws when the C library cannot be called, which only happens on a system Writ does not run on. */
export function loadNative(): NativeCalls {
  const libc = koffi.load(null);
  const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)');
  const syscall = libc.func('long syscall(long number, ...)');
  const poll = libc.func('int poll(void *fds, unsigned long count, int timeoutMillis)');
  const prctl = libc.func('int prctl(int option, ...)');
  const waitpid = libc.func('int waitpid(int pid, void *status, int options)');
  const signal = libc.func('void *signal(int number, void *handler)');

  const option = (fd: number, name: number, bytes: number): Buffer | number => {
    const value = Buffer.alloc(bytes);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes);
    return getsockopt(fd, SOL_SOCKET, name, value, length) === 0 ? value : -koffi.errno();
  };

  return {
    peerCredentials(fd) {
      const ucred = option(fd, SO_PEERCRED, 12);
      if (typeof ucred === 'number') return null;
      return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8) };
    },
    peerPidfd(fd) {
      const value = option(fd, SO_PEERPIDFD, 4);
      return typeof value === 'number' ? value : value.readInt32LE();
    },
    pidfdOpen(pid) {
      const pidfd = Number(syscall(SYS_pidfd_open, 'int', pid, 'uint', 0));
      return pidfd >= 0 ? pidfd : -koffi.errno();
    },
    hasEnded(pidfd) {
      const pollfd = Buffer.alloc(8);
      pollfd.writeInt32LE(pidfd, 0);
      pollfd.writeInt16LE(POLLIN, 4);
      return poll(pollfd, 1, 0) !== 0;
    },
    close: closeSync,
    becomeSubreaper: () => prctl(PR_SET_CHILD_SUBREAPER, 'ulong', 1, 'ulong', 0, 'ulong', 0, 'ulong', 0) === 0,
    reap: (pid) => waitpid(pid, null, WNOHANG) === pid,
    defaultSignal: (number) => void signal(number, null),
  };
}
