// The process around one launched agent, which is what `writ run` is: passes signals on, adopts and collects orphans,
// ends what is left of the tree when its main process ends, and returns that process's exit code (contract §2).

import { readdirSync } from 'node:fs';
import { isatty } from 'node:tty';
import { type LaunchOptions, type LaunchResult, launch } from './launch-client.ts';
import { statOf } from './observe.ts';
import { loadNative, type NativeCalls } from './peercred-native.ts';

export type RunResult =
  | { readonly ok: true; readonly exitCode: number }
  | Extract<LaunchResult, { readonly ok: false }>;

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
// A terminal sends these to the whole foreground group; a second copy makes many programs give up at once.
const fromTerminal: readonly string[] = ['SIGINT', 'SIGQUIT'];
const graceMillis = 500;
const killMillisMax = 2_000;
const lookMillis = 20;

/** Runs one agent to its end. This process must be there for nothing else: it becomes the subreaper of the tree. */
export async function runLaunched(options: Omit<LaunchOptions, 'adopts'>): Promise<RunResult> {
  const native = loadNative();
  if (!native.becomeSubreaper()) {
    return { ok: false, why: 'command', says: 'the system does not let this process adopt orphans' };
  }
  const result = await launch({ ...options, adopts: true });
  if (!result.ok) return result;
  const { launched } = result;
  const stopForwarding = forwardSignals((signal) => launched.process.kill(signal));
  const collect = () => collectOrphans(native, launched.pid);
  process.on('SIGCHLD', collect);
  const exitCode = await launched.exited;
  await endTree(collect);
  process.off('SIGCHLD', collect);
  stopForwarding();
  return { ok: true, exitCode };
}

function forwardSignals(send: (signal: NodeJS.Signals) => void): () => void {
  const handlers = forwarded.map((signal) => {
    const handler = () => {
      // Not `process.stdin.isTTY` (nor an import of `node:process`, which touches it too): that makes descriptor 0
      // non-blocking, and the agent reads from the same one.
      if (!(isatty(0) && fromTerminal.includes(signal))) send(signal);
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => {
    for (const remove of handlers) remove();
  };
}

/** Orphans that ended wait for their parent, which is this process now. The main process is Node's to collect. */
function collectOrphans(native: NativeCalls, mainPid: number): void {
  for (const child of childrenOf(process.pid)) {
    if (child.pid !== mainPid && child.state === 'Z') native.reap(child.pid);
  }
}

/** Nothing of a tree outlives its identity: helpers are asked to end, then made to. */
async function endTree(collect: () => void): Promise<void> {
  const asked = new Set<number>();
  for (let waited = 0; waited < killMillisMax; waited += lookMillis) {
    collect();
    const left = childrenOf(process.pid).filter(({ state }) => state !== 'Z');
    if (left.length === 0) return;
    for (const { pid } of left) {
      if (waited >= graceMillis) kill(pid, 'SIGKILL');
      else if (!asked.has(pid)) kill(pid, 'SIGTERM');
      asked.add(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, lookMillis));
  }
}

// A child cannot lose its number to another process before this one, its parent, has collected it.
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ended meanwhile
  }
}

function childrenOf(parentPid: number) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat?.parentPid === parentPid)
    .map((stat) => stat!);
}
