// A tool server on standard input and output: one process per root and task unless it is declared shared (rules §7.6).
// Spoken to in the legacy era, one handshake per process; callers of both eras are served from it. A crash fails what was
// under way and the next call starts anew; an effect is never retried.

import type { JsonObject } from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import { digestOf } from '../http-io.ts';
import { toLegacy } from './adapt.ts';
import { type Child, startChild } from './child.ts';
import {
  answerTo,
  cancelled,
  forCaller,
  INITIALIZED,
  type Introduction,
  initializeRequest,
  introductionOf,
} from './legacy-peer.ts';
import { createQueue, type Queue } from './queue.ts';
import {
  type Behalf,
  type CredentialFor,
  type Incoming,
  type Log,
  type Message,
  type Outbound,
  replyOver,
  type Upstream,
} from './upstream.ts';

export interface StdioOptions {
  readonly server: string;
  readonly command: readonly [string, ...string[]];
  readonly cwd?: string;
  /** Added to the inherited allow list; the broker's secrets come on top. */
  readonly env?: { readonly [name: string]: string };
  readonly uid?: number;
  readonly gid?: number;
  /** One process for everybody: only for servers whose manifest says that they keep nothing between calls. */
  readonly shared?: boolean;
  readonly credentialFor: CredentialFor;
  readonly log: Log;
  /** Processes at once, before callers are refused. */
  readonly processesMax?: number;
  readonly pendingMax?: number;
  readonly startMillisMax?: number;
  /** How long a server may be silent before and within an answer. */
  readonly answerMillisMax?: number;
  /** A process that nobody used for so long is ended. */
  readonly idleMillis?: number;
  readonly graceMillis?: number;
}

// What a program needs to run at all. The rest of the plane's environment stays with the plane.
const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];

interface Pending {
  readonly id: number;
  readonly request: Outbound;
  readonly queue: Queue<Message>;
}

interface Running {
  readonly child: Child;
  readonly introduction: Introduction;
  readonly pending: Map<number, Pending>;
  readonly task: string | null;
  nextId: number;
  idle: NodeJS.Timeout | null;
}

export function createStdioUpstream(options: StdioOptions): Upstream {
  const { processesMax = 32, pendingMax = 64, startMillisMax = 30_000 } = options;
  const { answerMillisMax = 300_000 } = options;
  const { idleMillis = 300_000, graceMillis = 2000 } = options;
  const running = new Map<string, Promise<Running>>();
  const stopping = new Set<Promise<void>>();
  let closed = false;
  const say = (says: string) => options.log({ server: options.server, says });

  const runningFor = (behalf: Behalf): Promise<Running> => {
    const key = options.shared ? 'shared' : behalf.key;
    const found = running.get(key);
    if (found) return found;
    if (closed) return Promise.reject(new UpstreamError('the server is being stopped'));
    if (running.size >= processesMax) return Promise.reject(new UpstreamError('too many processes of this server'));
    const starting = start(key, behalf);
    running.set(key, starting);
    starting.catch(() => forget(key, starting));
    return starting;
  };

  const forget = (key: string, one: Promise<Running>) => {
    if (running.get(key) === one) running.delete(key);
  };

  const start = async (key: string, behalf: Behalf): Promise<Running> => {
    const credential = await options.credentialFor(options.server, behalf);
    const secrets = credential.kind === 'env' ? credential.values : {};
    const introduced = Promise.withResolvers<Introduction>();
    introduced.promise.catch(() => {});
    const pending = new Map<number, Pending>();
    const child = await startChild(
      { ...options, cwd: options.cwd, env: { ...inherited(), ...options.env, ...secrets } },
      {
        said: say,
        incoming(message) {
          if (message.kind === 'request') return void child.write(JSON.stringify(answerTo(message))).catch(() => {});
          if (message.kind === 'response' && message.id === 0) return introduce(message.value, introduced);
          deliver(message, pending);
        },
        gone(cause) {
          say(`the process ended: ${cause}`);
          const error = new UpstreamError(`the server ended before it answered: ${cause}`, { silence: true });
          introduced.reject(error);
          const own = running.get(key);
          own?.then(
            (one) => one.child === child && forget(key, own),
            () => {},
          );
          for (const { queue } of pending.values()) queue.fail(error);
          pending.clear();
        },
      },
    );
    const timer = setTimeout(
      () => introduced.reject(new UpstreamError('the server did not answer `initialize` in time', { silence: true })),
      startMillisMax,
    );
    try {
      await child.write(JSON.stringify(initializeRequest(0)));
      const introduction = await introduced.promise;
      await child.write(JSON.stringify(INITIALIZED));
      const task = options.shared ? null : behalf.task;
      return { child, introduction, pending, task, nextId: 1, idle: null };
    } catch (error) {
      stop(child);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };

  const stop = (child: Child) => {
    const done = child.stop(graceMillis).finally(() => stopping.delete(done));
    stopping.add(done);
  };

  const restWhenIdle = (key: string, one: Running, own: Promise<Running>) => {
    if (one.idle) clearTimeout(one.idle);
    if (one.pending.size > 0) return;
    one.idle = setTimeout(() => {
      if (one.pending.size > 0) return;
      forget(key, own);
      stop(one.child);
    }, idleMillis);
    one.idle.unref();
  };

  return {
    async describe(behalf) {
      const own = runningFor(behalf);
      const one = await own;
      restWhenIdle(options.shared ? 'shared' : behalf.key, one, own);
      return one.introduction;
    },

    async send(request, behalf, signal) {
      const own = runningFor(behalf);
      const one = await own;
      if (one.pending.size >= pendingMax) throw new UpstreamError('too many calls at once to this server');
      const id = one.nextId++;
      const bytes = toLegacy(request, id);
      const queue = createQueue<Message>();
      const finish = () => {
        one.pending.delete(id);
        signal?.removeEventListener('abort', cancel);
        restWhenIdle(options.shared ? 'shared' : behalf.key, one, own);
      };
      const giveUp = (cause: string) => {
        if (!one.pending.has(id)) return;
        finish();
        queue.fail(new UpstreamError(cause, { silence: true }));
        one.child.write(JSON.stringify(cancelled(id))).catch(() => {});
      };
      const cancel = () => giveUp('the caller left');
      const silent = () => giveUp('the server was silent for too long');
      one.pending.set(id, { id, request, queue });
      signal?.addEventListener('abort', cancel);
      if (signal?.aborted) cancel();
      else one.child.write(Buffer.from(bytes).toString()).catch((error) => queue.fail(error));
      const about = { era: 'legacy', status: 200, cancel, forwardedDigest: digestOf(bytes) } as const;
      return replyOver(untilResponse(queue, finish, silent, answerMillisMax), about);
    },

    endTask(task) {
      for (const [key, own] of running) {
        own.then(
          (one) => {
            if (one.task !== task) return;
            forget(key, own);
            stop(one.child);
          },
          () => {},
        );
      }
    },

    async close() {
      closed = true;
      const all = await Promise.allSettled(running.values());
      running.clear();
      for (const one of all) if (one.status === 'fulfilled') stop(one.value.child);
      await Promise.allSettled(stopping);
    },
  };
}

function inherited(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

function introduce(response: JsonObject, introduced: PromiseWithResolvers<Introduction>): void {
  try {
    introduced.resolve(introductionOf(response));
  } catch (error) {
    introduced.reject(error);
  }
}

/** A message goes to the one call it belongs to, and what belongs to none ends here. */
function deliver(message: Incoming, pending: Map<number, Pending>): void {
  for (const { id, request, queue } of pending.values()) {
    const own = forCaller(message, id, request);
    if (own === null) continue;
    queue.push(own);
    return;
  }
}

async function* untilResponse(
  queue: Queue<Message>,
  finish: () => void,
  silent: () => void,
  answerMillisMax: number,
): AsyncGenerator<Message, void, void> {
  try {
    for (;;) {
      const patience = setTimeout(silent, answerMillisMax);
      const message = await queue.next().finally(() => clearTimeout(patience));
      yield message;
      if (message.kind === 'response') return;
    }
  } finally {
    finish();
  }
}
