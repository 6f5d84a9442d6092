// From a connected process to its one identity: observe, look for its launch, compare with the registrations.
// Asked again at every request and every push, since a process may exec, end, or lose its registration in between.

import { denial } from '@writ/core';
import { type Attestation, attest } from './attest.ts';
import type { AttestEntry, AttestSelectors } from './attest-entries.ts';
import type { LaunchRegistry } from './launch-registry.ts';
import { type Observed, observe } from './observe.ts';
import type { ExecutableHash } from './observe-executable.ts';
import type { Kernel, Peer, ProcessHandle } from './peercred.ts';

export interface Attestor {
  /** The identity of the process behind a connection, now. */
  ofPeer(peer: Peer): Promise<Attestation>;
  /** The same for a process by number, with what was observed; for `writ whoami` and nothing that grants. */
  ofPid(pid: number): Promise<{
    readonly observed: Observed | null;
    /** The agent that its parent is, where some registration asks. */
    readonly parent: string | null;
    readonly attestation: Attestation;
  }>;
}

export interface AttestorOptions {
  readonly kernel: Kernel;
  /** The registrations of the configuration in force, read at every attestation. */
  readonly entries: () => readonly AttestEntry[];
  readonly launches: Pick<LaunchRegistry, 'find'>;
  readonly hash: ExecutableHash;
}

export function createAttestor({ kernel, entries, launches, hash }: AttestorOptions): Attestor {
  const wanted = (selector: keyof AttestSelectors) => entries().some(({ attest }) => attest[selector] !== undefined);
  const attestHeld = async (process: ProcessHandle, peer: Peer | null) => {
    const verdict = await observe(process, peer, wanted('sha256') ? hash : null);
    if (verdict.outcome === 'deny') return refused(verdict.denial);
    const observed = verdict.facts;
    const launch = launches.find(observed.ancestry);
    const parent = wanted('parent') ? await parentOf(observed) : null;
    // Last of all, so that no step above can have been about a later process of the same number.
    if (!process.isAlive()) return refused(ended(process.pid));
    return { observed, parent, attestation: attest(observed, entries(), { launch, parent }) };
  };

  /** The agent that the parent process is by itself; null when it is nobody, or ended meanwhile. */
  async function parentOf({ ancestry: [, ref] }: Observed): Promise<string | null> {
    const parent = ref && kernel.open(ref.pid);
    if (!parent) return null;
    try {
      const verdict = await observe(parent, null, wanted('sha256') ? hash : null);
      if (verdict.outcome === 'deny' || verdict.facts.ancestry[0]!.startTicks !== ref.startTicks) return null;
      const alone = entries().filter(({ attest }) => attest.parent === undefined);
      const found = attest(verdict.facts, alone, { launch: launches.find(verdict.facts.ancestry), parent: null });
      return 'identity' in found ? found.identity.agent : null;
    } finally {
      parent.close();
    }
  }
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
  return { observed: null, parent: null, attestation: { denial: why, nearest: null } };
}
