// One stdio server process: started in a clean environment, spoken to in lines of JSON-RPC, ended with everything it started.
// Knows processes and lines; what the messages mean is upstream-stdio.ts.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { utf8Text } from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import { causeOf, type Incoming, messageBytesMax, readIncoming } from './upstream.ts';

export interface ChildSpec {
  /** Program and arguments; no shell. */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string | undefined;
  /** The whole environment. */
  readonly env: { readonly [name: string]: string };
  /** User and group to run as, where the plane may choose. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface Child {
  readonly pid: number;
  /** Resolves once the pipe has taken the message; a server that does not read holds its callers back. */
  write(message: string): Promise<void>;
  /** Asks it to end by closing its input, then tells, then forces. Resolves when it is gone. */
  stop(graceMillis: number): Promise<void>;
}

export interface ChildEvents {
  incoming(message: Incoming): void;
  /** A line of its error output, or of output that is no message. */
  said(line: string): void;
  /** It is gone, for whatever reason. Called once. */
  gone(cause: string): void;
}

const saidCharsMax = 2000;
// `{` and `[`.
const MESSAGE_STARTS = [0x7b, 0x5b];

/** Rejects with UpstreamError when the program cannot be started. */
export function startChild(spec: ChildSpec, events: ChildEvents): Promise<Child> {
  const [file, ...args] = spec.command;
  // Its own process group: what a wrapper such as npx starts is ended together with it.
  const process_ = spawn(file, args, {
    cwd: spec.cwd,
    env: { ...spec.env },
    detached: true,
    stdio: 'pipe',
    ...(spec.uid === undefined ? {} : { uid: spec.uid }),
    ...(spec.gid === undefined ? {} : { gid: spec.gid }),
  });
  return new Promise((resolve, reject) => {
    process_.once('error', (error) =>
      reject(new UpstreamError(`the server could not be started: ${causeOf(error)}`, { silence: true })),
    );
    process_.once('spawn', () => resolve(supervise(process_, events)));
  });
}

function supervise(process_: ChildProcessWithoutNullStreams, events: ChildEvents): Child {
  const pid = process_.pid!;
  let goneCause: string | null = null;
  const gone = Promise.withResolvers<void>();
  const end = (cause: string) => {
    if (goneCause !== null) return;
    goneCause = cause;
    killGroup(pid, 'SIGKILL');
    events.gone(cause);
    gone.resolve();
  };
  process_.on('error', (error) => end(causeOf(error)));
  process_.on('exit', (code, signal) => end(signal === null ? `it ended with code ${code}` : `it ended by ${signal}`));
  process_.stdin.on('error', () => {}); // a closed pipe shows as the exit that follows

  const misbehaved = (says: string) => {
    events.said(says);
    end(says);
  };
  readLines(process_.stdout, messageBytesMax, misbehaved, (line) => {
    if (goneCause !== null || line.length === 0) return;
    // Banners of careless servers are not messages. What begins like a message and cannot be read is the end of
    // trust in this pipe: nobody can say which call it answered.
    if (!MESSAGE_STARTS.includes(line[0]!)) return events.said(`on its output: ${forReading(line)}`);
    try {
      const text = utf8Text(line);
      if (text === null) throw new UpstreamError('it sent text that is not UTF-8');
      events.incoming(readIncoming(text));
    } catch (error) {
      misbehaved(causeOf(error));
    }
  });
  readLines(
    process_.stderr,
    saidCharsMax * 16,
    () => {},
    (line) => events.said(forReading(line)),
  );

  return {
    pid,
    async write(message) {
      if (goneCause !== null) throw new UpstreamError(`the server is gone: ${goneCause}`, { silence: true });
      if (process_.stdin.write(`${message}\n`)) return;
      await Promise.race([new Promise((taken) => process_.stdin.once('drain', taken)), gone.promise]);
    },
    async stop(graceMillis) {
      process_.stdin.end();
      const timers = [
        setTimeout(() => killGroup(pid, 'SIGTERM'), graceMillis),
        setTimeout(() => killGroup(pid, 'SIGKILL'), 2 * graceMillis),
      ];
      await gone.promise;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** Ends a process group; one that is gone already is fine. */
function killGroup(pid: number, signal: keyof typeof constants.signals): void {
  try {
    process.kill(-pid, constants.signals[signal]);
  } catch {
    // ESRCH: nobody of the group is left.
  }
}

/** Lines of a stream without their ends, in bounded memory. */
function readLines(
  stream: NodeJS.ReadableStream,
  bytesMax: number,
  overflow: (says: string) => void,
  line: (bytes: Uint8Array) => void,
): void {
  let parts: Buffer[] = [];
  let held = 0;
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      parts.push(chunk.subarray(from, at));
      const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      parts = [];
      held = 0;
      from = at + 1;
      line(whole.at(-1) === 0x0d ? whole.subarray(0, -1) : whole);
    }
    held += chunk.length - from;
    if (held > bytesMax) {
      parts = [];
      held = 0;
      overflow('it sent a line that is too long');
    } else if (from < chunk.length) parts.push(chunk.subarray(from));
  });
}

const lenient = new TextDecoder('utf-8');

/** A line as the operator may read it: cut, and with U+FFFD for what is no text. */
function forReading(line: Uint8Array): string {
  return lenient.decode(line).slice(0, saidCharsMax);
}
