// Launching an agent from outside the plane (rules §1.1): start a shim, register its pid, and only then tell it what to
// become. Whether the launch is allowed is the plane's answer; this side keeps the order and reduces the environment.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { constants as osConstants } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  decodeLaunchReply,
  encodeLaunchRequest,
  type LaunchCredential,
  type LaunchReply,
  type LaunchSidecar,
  launchLineBytesMax,
} from './launch-protocol.ts';
import type { ShimOrder } from './launch-shim.ts';

export interface LaunchOptions {
  readonly launchSocket: string;
  readonly agent: string;
  readonly command: readonly [string, ...string[]];
  readonly credential: LaunchCredential;
  /** The caller's environment. What of it reaches the command is the plane's answer. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** What always reaches the command: `SPIFFE_ENDPOINT_SOCKET`, `WRIT_SIDECAR`, `WRIT_TASK`. */
  readonly planeEnvironment: Readonly<Record<string, string>>;
  /** The caller is a process for this launch alone and adopts its orphans; see launch-run.ts. */
  readonly adopts?: boolean;
  /**
   * The caller carries the agent's calls itself. Runs between registration and exec, when it can have the agent's identity and the
   * program does not run yet; answers where it takes calls for the agent.
   */
  readonly openSidecar?: (a2a: string | null) => Promise<LaunchSidecar>;
  /** Another user, for a caller that is root. */
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd?: string;
  /** Descriptors 0 to 2. Default: the caller's. */
  readonly stdio?: readonly [
    'inherit' | 'ignore' | 'pipe',
    'inherit' | 'ignore' | 'pipe',
    'inherit' | 'ignore' | 'pipe',
  ];
  /** A sentence for stderr when the plane went away or came back. */
  readonly onNotice?: (says: string) => void;
}

export interface Launched {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Exit code, or 128 + the signal that ended it. */
  readonly exited: Promise<number>;
}

export type LaunchResult =
  | { readonly ok: true; readonly launched: Launched }
  | { readonly ok: false; readonly why: 'refused' | 'unreachable' | 'command'; readonly says: string };

const replyMillisMax = 15_000;
const retryMillisMax = 5_000;
const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/** Launches one agent. The process exists only when the answer is `ok`. */
export async function launch(options: LaunchOptions): Promise<LaunchResult> {
  const shim = spawnShim(options);
  if (shim.pid === undefined) return { ok: false, why: 'command', says: 'the launcher could not start a process' };
  const exited = once(shim, 'exit').then(([code, signal]) => exitCode(code, signal));
  const { openSidecar } = options;
  const request = requestLine(options, shim.pid, openSidecar ? { inbound: null } : null);
  const fail = async (why: 'refused' | 'unreachable' | 'command', says: string): Promise<LaunchResult> => {
    shim.kill('SIGKILL');
    await exited;
    return { ok: false, why, says };
  };
  const answer = await register(options.launchSocket, request);
  if (answer === null) {
    return fail('unreachable', `no plane answers on \`${options.launchSocket}\`; start it with \`writ up\``);
  }
  if (!answer.reply.ok) return fail('refused', answer.reply.says);
  const order = orderOf(options, answer.reply.env);
  if (typeof order === 'string') {
    answer.connection.destroy();
    return fail('command', order);
  }
  const sidecar = (await openSidecar?.(answer.reply.a2a ?? null)) ?? null;
  const again = requestLine(options, shim.pid, sidecar);
  if (sidecar?.inbound) await sayAgain(answer.connection, again);
  (shim.stdio[3] as Writable).end(JSON.stringify(order));
  stayRegistered(options, again, shim, answer.connection);
  return { ok: true, launched: { process: shim, pid: shim.pid, exited } };
}

function spawnShim({ uid, gid, cwd, stdio = ['inherit', 'inherit', 'inherit'] }: LaunchOptions): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const script = fileURLToPath(new URL(`./launch-shim.${extension}`, import.meta.url));
  // No environment: what an environment can do to Node (NODE_OPTIONS, LD_PRELOAD) must not happen before the reduction.
  const shim = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
    env: {},
    stdio: [...stdio, 'pipe'] as StdioOptions,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  shim.on('error', () => {}); // seen as a missing pid
  shim.stdio[3]?.on('error', () => {}); // the shim ended first, which `exit` tells
  return shim;
}

function requestLine(options: LaunchOptions, shimPid: number, sidecar: LaunchSidecar | null): string {
  const { agent, command, credential, adopts = false, uid = process.getuid!() } = options;
  const carries = sidecar === null ? {} : { sidecar };
  return encodeLaunchRequest({ agent, uid, command, shimPid, adopts, ...carries, credential });
}

/** The plane's answer with the connection it came on, or null when there is no plane. */
async function register(
  launchSocket: string,
  line: string,
): Promise<{ readonly reply: LaunchReply; readonly connection: Socket } | null> {
  const connection = connect(launchSocket);
  connection.setEncoding('utf8');
  connection.setTimeout(replyMillisMax, () => connection.destroy());
  connection.write(line);
  const text = await new Promise<string | null>((resolve) => {
    let held = '';
    connection.on('data', (part: string) => {
      held += part;
      if (held.includes('\n')) resolve(held);
      else if (held.length > launchLineBytesMax) connection.destroy();
    });
    connection.on('error', () => resolve(null));
    connection.on('close', () => resolve(null));
  });
  connection.setTimeout(0);
  const reply = text === null ? null : decodeLaunchReply(text.slice(0, text.indexOf('\n')));
  if (reply === null) connection.destroy();
  return reply && { reply, connection };
}

/** The same registration with more in it. Whatever the answer, the launch stands. */
function sayAgain(connection: Socket, line: string): Promise<void> {
  return new Promise((resolve) => {
    connection.once('data', () => resolve()).once('close', () => resolve());
    connection.write(line);
  });
}

/** A plane that restarts has forgotten its launches, so the parent registers again while the process lives. */
function stayRegistered(options: LaunchOptions, line: string, child: ChildProcess, first: Socket): void {
  const { launchSocket, onNotice = () => {} } = options;
  let waitMillis = 100;
  const lives = () => child.exitCode === null && child.signalCode === null;
  const watch = (connection: Socket) => {
    connection.unref();
    child.once('exit', () => connection.destroy());
    connection.once('close', () => {
      if (!lives()) return;
      onNotice('the plane went away; the agent keeps running and is registered again when it is back');
      retry();
    });
  };
  const retry = () => {
    setTimeout(async () => {
      if (!lives()) return;
      const answer = await register(launchSocket, line);
      if (answer?.reply.ok) {
        waitMillis = 100;
        onNotice('the plane is back and knows this launch again');
        return watch(answer.connection);
      }
      if (answer?.reply.ok === false)
        return onNotice(`the plane is back and refused this launch: ${answer.reply.says}`);
      waitMillis = Math.min(2 * waitMillis, retryMillisMax);
      retry();
    }, waitMillis).unref();
  };
  watch(first);
}

/** What the shim shall execute, or a sentence why it cannot be. */
function orderOf(options: LaunchOptions, names: readonly string[] | null): ShimOrder | string {
  const { environment, planeEnvironment, command } = options;
  const env: Record<string, string> = {};
  for (const name of names ?? Object.keys(environment)) {
    const value = environment[name];
    if (value !== undefined) env[name] = value;
  }
  // The reduced PATH decides, or the caller's could point a launch token at another program.
  const file = findProgram(command[0], env.PATH ?? defaultPath, options.cwd ?? process.cwd());
  if (file === null) return `cannot find a program \`${command[0]}\` to execute`;
  return { file, command, env: { ...env, ...planeEnvironment } };
}

function findProgram(name: string, path: string, cwd: string): string | null {
  const candidates = name.includes('/') ? [name] : path.split(delimiter).map((folder) => join(folder || '.', name));
  for (const candidate of candidates) {
    const file = candidate.startsWith('/') ? candidate : join(cwd, candidate);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // the next folder
    }
  }
  return null;
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal ? osConstants.signals[signal] : 0);
}
