// From a connected process to its one identity: observe, look for its launch, compare with the registrations.
// Asked again at every request and every push, since a process may exec, end, or lose its registration in between.

import { denial } from '@writ/core';
import { type Attestation, attest } from './attest.ts';
import type { AttestEntry } from './attest-entries.ts';
import type { LaunchRegistry } from './launch-registry.ts';
import { type Observed, observe } from './observe.ts';
import type { ExecutableHash } from './observe-executable.ts';
import type { Kernel, Peer, ProcessHandle } from './peercred.ts';

export interface Attestor {
  /** The identity of the process behind a connection, now. */
  ofPeer(peer: Peer): Promise<Attestation>;
  /** The same for a process by number, with what was observed; for `writ whoami` and nothing that grants. */
  ofPid(pid: number): Promise<{ readonly observed: Observed | null; readonly attestation: Attestation }>;
}

export interface AttestorOptions {
  readonly kernel: Kernel;
  /** The registrations of the configuration in force, read at every attestation. */
  readonly entries: () => readonly AttestEntry[];
  readonly launches: Pick<LaunchRegistry, 'find'>;
  readonly hash: ExecutableHash;
}

export function createAttestor({ kernel, entries, launches, hash }: AttestorOptions): Attestor {
  const attestHeld = async (process: ProcessHandle, peer: Peer | null) => {
    const wantsDigest = entries().some(({ attest }) => attest.sha256 !== undefined);
    const verdict = await observe(process, peer, wantsDigest ? hash : null);
    if (verdict.outcome === 'deny') return refused(verdict.denial);
    const observed = verdict.facts;
    const launch = launches.find(observed.ancestry);
    // Last of all, so that no step above can have been about a later process of the same number.
    if (!process.isAlive()) return refused(ended(process.pid));
    return { observed, attestation: attest(observed, entries(), launch) };
  };
  return {
    ofPeer: async (peer) => (await attestHeld(peer.process, peer)).attestation,
    async ofPid(pid) {
      const process = kernel.open(pid);
      if (process === null) return refused(ended(pid));
      try {
        return await attestHeld(process, null);
      } finally {
        process.close();
      }
    },
  };
}

function ended(pid: number) {
  return denial('transport.peer_not_attested', { pid, reason: 'the process has ended' });
}

function refused(why: ReturnType<typeof ended>) {
  return { observed: null, attestation: { denial: why, nearest: null } };
}
