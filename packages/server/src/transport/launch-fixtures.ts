// For tests: a small plane (kernel, registrations, launches, launch socket) and a socket that tells each caller who it is.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parseSpiffeId } from '@writ/core';
import type { AttestEntry, AttestSelectors } from './attest-entries.ts';
import { type Attestor, createAttestor } from './attest-process.ts';
import type { LaunchRequest } from './launch-protocol.ts';
import { createLaunchRegistry, type LaunchRegistry } from './launch-registry.ts';
import { openLaunchServer } from './launch-server.ts';
import { createExecutableHash } from './observe-executable.ts';
import { type Kernel, openKernel } from './peercred.ts';
import { listenForPeers } from './peercred-listener.ts';

export const ownUid = process.getuid!();

export function entryOf(agent: string, selectors: Partial<AttestSelectors>): AttestEntry {
  return { agent, spiffeId: parseSpiffeId(`spiffe://zylos.local/${agent}`)!, attest: { uid: ownUid, ...selectors } };
}

export interface SmallPlane {
  readonly folder: string;
  readonly kernel: Kernel;
  readonly attestor: Attestor;
  readonly launches: LaunchRegistry;
  readonly launchSocket: string;
  /** Answers each connection with the agent's name or the denial code, and closes it. */
  readonly askSocket: string;
  readonly refusals: string[];
  setEntries(entries: readonly AttestEntry[]): void;
  /** Forgets every launch and starts the launch socket again, as a restarted plane does. */
  restart(): Promise<void>;
}

export async function openSmallPlane(
  t: TestContext,
  initial: readonly AttestEntry[],
  authorise: (request: Omit<LaunchRequest, 'shimPid' | 'adopts'>) => Promise<true | string> = async () => true,
): Promise<SmallPlane> {
  const folder = await temporaryFolder(t);
  const kernel = await openKernel();
  let entries = initial;
  let registry = createLaunchRegistry();
  const launches: LaunchRegistry = {
    add: (launch) => registry.add(launch),
    find: (ancestry) => registry.find(ancestry),
    isInsideLaunchedTree: (ancestry) => registry.isInsideLaunchedTree(ancestry),
    list: () => registry.list(),
    close: () => registry.close(),
  };
  const refusals: string[] = [];
  const attestor = createAttestor({ kernel, entries: () => entries, launches, hash: createExecutableHash() });
  const openServer = () =>
    openLaunchServer({
      socketPath: join(folder, 'launch.sock'),
      kernel,
      registry: launches,
      entries: () => entries,
      authorise,
      clock: { nowSeconds: () => 1_800_000_000 },
      onLaunch: () => {},
      onRefused: ({ says }) => void refusals.push(says),
    });
  let server = await openServer();
  const ask = await listenForPeers({
    path: join(folder, 'ask.sock'),
    kernel,
    connectionsPerPidMax: 1000,
    onPeer: async (socket, peer) => {
      const answer = await attestor.ofPeer(peer);
      socket.end('identity' in answer ? answer.identity.agent : answer.denial.code);
    },
    onRefused: () => {},
  });
  t.after(async () => {
    await Promise.all([server.close(), ask.close()]);
    registry.close();
  });
  return {
    folder,
    kernel,
    attestor,
    launches,
    launchSocket: server.path,
    askSocket: ask.path,
    refusals,
    setEntries: (next) => {
      entries = next;
    },
    async restart() {
      await server.close();
      registry.close();
      registry = createLaunchRegistry();
      server = await openServer();
    },
  };
}

/** A folder of mode 0700 that goes away with the test. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'writ-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** argv of a Node process that writes its agent's name to stdout, and ends when `lingers` is false. */
export function whoAmICommand(askSocket: string, lingers = false): [string, ...string[]] {
  const script = `const net = require('node:net');
    const ask = () => net.connect(process.argv[1]).on('data', (name) => process.stdout.write(name + '\\n'));
    ask();
    if (${lingers}) { process.stdin.on('data', ask); process.stdin.on('end', () => process.exit(0)); }`;
  return [process.execPath, '-e', script, askSocket];
}

/** Waits until `look` finds something; fails when it does not within two seconds. */
export async function eventually<T>(what: string, look: () => T | Promise<T>): Promise<T> {
  for (let i = 0; i < 200; i++) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`did not happen: ${what}`);
}
