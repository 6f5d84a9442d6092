// The socket that registers launches, and nothing else (rules §1.1). It believes a registrar that is allowed to launch
// this agent, is the parent of a waiting shim of the right uid, and is not itself inside a launched tree.

import type { Socket } from 'node:net';
import type { AttestEntry } from './attest-entries.ts';
import {
  decodeLaunchRequest,
  encodeLaunchReply,
  type LaunchReply,
  type LaunchRequest,
  launchLineBytesMax,
} from './launch-protocol.ts';
import type { Launch, LaunchRegistry } from './launch-registry.ts';
import { sameCommand } from './launch-tokens.ts';
import { ancestryOf, idsOf, type ProcessRef, statOf } from './observe.ts';
import type { Kernel, Peer } from './peercred.ts';
import { listenForPeers, type PeerListener } from './peercred-listener.ts';

export interface LaunchServerOptions {
  readonly socketPath: string;
  readonly kernel: Kernel;
  readonly registry: LaunchRegistry;
  readonly entries: () => readonly AttestEntry[];
  /** True when the session or launch token allows this launch, else a sentence for the one who asked. */
  readonly authorise: (request: Omit<LaunchRequest, 'shimPid' | 'adopts' | 'sidecar'>) => Promise<true | string>;
  /** Where an agent takes messages, for the sidecar that brings them there; null: nowhere. */
  readonly a2aOf?: (agent: string) => string | null;
  readonly clock: { nowSeconds(): number };
  readonly onLaunch: (launch: Launch) => void;
  readonly onRefused: (refusal: {
    readonly agent: string | null;
    readonly pid: number;
    readonly uid: number;
    readonly says: string;
  }) => void;
}

const lineMillisMax = 10_000;

export function openLaunchServer(options: LaunchServerOptions): Promise<PeerListener> {
  const { socketPath, kernel, onRefused } = options;
  return listenForPeers({
    path: socketPath,
    kernel,
    onPeer: (socket, peer) => serve(options, socket, peer),
    onRefused: ({ detail }) =>
      onRefused({
        agent: null,
        pid: Number(detail.pid ?? 0),
        uid: Number(detail.uid ?? -1),
        says: String(detail.reason),
      }),
  });
}

/** One request at a time; the connection may stay, so that `writ run` notices when the plane goes. */
function serve(options: LaunchServerOptions, socket: Socket, peer: Peer): void {
  let held = '';
  socket.setEncoding('utf8');
  socket.setTimeout(lineMillisMax, () => socket.destroy());
  socket.on('data', async (text: string) => {
    held += text;
    if (held.length > launchLineBytesMax) return void socket.destroy();
    const end = held.indexOf('\n');
    if (end < 0) return;
    const line = held.slice(0, end);
    held = held.slice(end + 1);
    if (held.length > 0) return void socket.destroy(); // the answer decides whether there is anything more to say
    socket.pause();
    const request = decodeLaunchRequest(line);
    const reply = await answer(options, peer, request).catch(
      (): LaunchReply => ({ ok: false, says: 'the plane could not answer; its log says why' }),
    );
    if (!reply.ok)
      options.onRefused({ agent: request?.agent ?? null, pid: peer.process.pid, uid: peer.uid, says: reply.says });
    if (socket.destroyed) return;
    socket.write(encodeLaunchReply(reply));
    if (!reply.ok) return void socket.end();
    socket.setTimeout(0);
    socket.resume();
  });
}

async function answer(options: LaunchServerOptions, peer: Peer, request: LaunchRequest | null): Promise<LaunchReply> {
  if (request === null) return { ok: false, says: 'the request is not one that registers a launch' };
  const entry = options.entries().find(({ agent }) => agent === request.agent);
  const unfit = entry
    ? problemOf(request, entry, peer)
    : `there is no agent \`${request.agent}\`; add it under \`agents\``;
  if (unfit !== null) return { ok: false, says: unfit };
  const { agent, uid, command, credential } = request;
  const allowed = await options.authorise({ agent, uid, command, credential });
  if (allowed !== true) return { ok: false, says: allowed };
  // Everything about processes comes after the wait, in one go, so that nothing changes between looking and adding.
  const says = register(options, peer, request);
  if (says !== null) return { ok: false, says };
  const { env } = entry!.attest;
  return { ok: true, env: env ?? ('launchToken' in credential ? [] : null), a2a: options.a2aOf?.(agent) ?? null };
}

/** What can be said from the request and the configuration alone. */
function problemOf(request: LaunchRequest, { agent, attest }: AttestEntry, peer: Peer): string | null {
  const { uid, command, credential } = request;
  if (!attest.launched) return `\`${agent}\` is not a launched agent; set \`launched: true\` under its \`attest\``;
  if (uid !== attest.uid) return `\`${agent}\` runs as uid \`${attest.uid}\`, not as \`${uid}\``;
  if (peer.uid !== uid && peer.uid !== 0) return `uid \`${peer.uid}\` cannot launch for uid \`${uid}\``;
  if (attest.command && !sameCommand(attest.command, command)) {
    return `\`${agent}\` is launched as \`${attest.command.join(' ')}\` only`;
  }
  if (!attest.command && 'launchToken' in credential) {
    return `\`${agent}\` has no \`command\`, so only a person launches it; run \`writ login\`, or set \`attest.command\``;
  }
  return null;
}

function register(options: LaunchServerOptions, peer: Peer, request: LaunchRequest): string | null {
  const { kernel, registry, clock, onLaunch } = options;
  const ancestry = ancestryOf(peer.process.pid);
  if (ancestry === null || !peer.process.isAlive()) return 'the process that asked has ended';
  if (registry.isInsideLaunchedTree(ancestry)) return 'a launched agent cannot launch another; start it from outside';
  const processHandle = kernel.open(request.shimPid);
  const runnerHandle = kernel.open(peer.process.pid);
  const shim = shimOf(request, peer.process.pid);
  // Alive after the reads: they were about these two processes, and the runner held is the one that connected.
  const alive = processHandle?.isAlive() && runnerHandle?.isAlive() && peer.process.isAlive();
  if (!processHandle || !runnerHandle || !alive || typeof shim === 'string') {
    processHandle?.close();
    runnerHandle?.close();
    return typeof shim === 'string' ? shim : 'the process to launch has ended';
  }
  const launch: Launch = {
    agent: request.agent,
    uid: request.uid,
    process: shim,
    runner: ancestry[0]!,
    adopts: request.adopts,
    sidecar: request.sidecar ?? null,
    sinceSeconds: clock.nowSeconds(),
  };
  const knew = registry
    .list()
    .some(({ process }) => process.pid === shim.pid && process.startTicks === shim.startTicks);
  const refusal = registry.add({ ...launch, processHandle, runnerHandle });
  // Said again with more in it, it is still the same launch.
  if (refusal === null && !knew) onLaunch(launch);
  return refusal;
}

/** The waiting process, when it is a child of the runner with the right uid, else a sentence. */
function shimOf({ shimPid, uid }: LaunchRequest, runnerPid: number): ProcessRef | string {
  const stat = statOf(shimPid);
  if (stat === null) return 'the process to launch has ended';
  if (stat.parentPid !== runnerPid) return `the process \`${shimPid}\` is not a child of the one that asked`;
  if (idsOf(shimPid)?.uid !== uid) return `the process \`${shimPid}\` does not run as uid \`${uid}\``;
  return { pid: stat.pid, startTicks: stat.startTicks };
}
