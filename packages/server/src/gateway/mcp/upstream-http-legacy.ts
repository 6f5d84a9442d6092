// Sessions with a legacy HTTP server, one per root and task. A session the server has forgotten is dropped and the call fails:
// it is not sent again, since nobody can say whether it took effect (rules §7.6). MCP 2025-11-25, transports.

import type { JsonObject } from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import { digestOf } from '../http-io.ts';
import { toLegacy } from './adapt.ts';
import { type Posted, refusedBy, type Sender, stopWith } from './http-post.ts';
import {
  answerTo,
  cancelled,
  forCaller,
  INITIALIZED,
  type Introduction,
  initializeRequest,
  introductionOf,
} from './legacy-peer.ts';
import {
  type Behalf,
  type Description,
  type Message,
  type Outbound,
  readIncoming,
  replyOver,
  type UpstreamReply,
} from './upstream.ts';

interface Session {
  readonly id: string | null;
  readonly introduction: Introduction;
  readonly behalf: Behalf;
  nextId: number;
}

export interface LegacySessions {
  describe(behalf: Behalf): Promise<Description>;
  send(request: Outbound, behalf: Behalf, signal: AbortSignal | null): Promise<UpstreamReply>;
  endTask(task: string): void;
  close(): Promise<void>;
}

// Sessions at once; the one opened longest ago makes room.
const sessionsMax = 1024;

export function createLegacySessions(sender: Sender): LegacySessions {
  const sessions = new Map<string, Promise<Session>>();

  const sessionFor = (behalf: Behalf): Promise<Session> => {
    const found = sessions.get(behalf.key);
    if (found) return found;
    const opening = open(sender, behalf);
    if (sessions.size >= sessionsMax) drop(sessions.keys().next().value!);
    sessions.set(behalf.key, opening);
    opening.catch(() => sessions.get(behalf.key) === opening && sessions.delete(behalf.key));
    return opening;
  };

  const drop = (key: string): Promise<void> => {
    const one = sessions.get(key);
    sessions.delete(key);
    return one ? one.then((session) => end(sender, session)).catch(() => {}) : Promise.resolve();
  };

  return {
    async describe(behalf) {
      return (await sessionFor(behalf)).introduction;
    },

    async send(request, behalf, signal) {
      const session = await sessionFor(behalf);
      const id = session.nextId++;
      const bytes = toLegacy(request, id);
      const stop = stopWith(signal);
      let over = false;
      const finish = () => {
        over = true;
        signal?.removeEventListener('abort', cancel);
      };
      const cancel = () => {
        if (over) return;
        finish();
        stop.abort();
        tell(sender, session, cancelled(id));
      };
      signal?.addEventListener('abort', cancel);
      const forget = () => sessions.delete(behalf.key);
      try {
        const posted = await post(sender, session, bytes, stop.signal);
        await usable(posted, session.id === null ? () => {} : forget);
        const about = { era: 'legacy', status: 200, cancel, forwardedDigest: digestOf(bytes) } as const;
        return await replyOver(legacyMessages(sender, session, posted, id, request, finish), about);
      } catch (error) {
        finish();
        throw error;
      }
    },

    endTask(task) {
      for (const [key, one] of sessions)
        one.then(
          (session) => (session.behalf.task === task ? drop(key) : undefined),
          () => {},
        );
    },

    async close() {
      await Promise.all([...sessions.keys()].map(drop));
    },
  };
}

async function open(sender: Sender, behalf: Behalf): Promise<Session> {
  const signal = new AbortController().signal;
  const bytes = Buffer.from(JSON.stringify(initializeRequest(0)));
  const posted = await sender.send({ method: 'POST', bytes, headers: {}, signal }, behalf);
  await usable(posted, () => {});
  for await (const text of posted.texts) {
    const incoming = readIncoming(text);
    if (incoming.kind !== 'response' || incoming.id !== 0) continue;
    const session = { id: posted.sessionId, introduction: introductionOf(incoming.value), behalf, nextId: 1 };
    await tell(sender, session, INITIALIZED);
    return session;
  }
  throw new UpstreamError('the server did not answer `initialize`');
}

/** Throws UpstreamError unless the answer holds messages. HTTP 404 says that the session is gone. */
async function usable(posted: Posted, gone: () => void): Promise<void> {
  if (posted.status === 404) gone();
  const failed = posted.status === 404 ? new UpstreamError('the server has forgotten the session') : refusedBy(posted);
  if (failed === null) return;
  await posted.drop();
  throw failed;
}

function post(sender: Sender, session: Session, bytes: Uint8Array, signal: AbortSignal): Promise<Posted> {
  return sender.send({ method: 'POST', bytes, headers: sessionHeaders(session), signal }, session.behalf);
}

/** Something that has no answer worth waiting for. Never rejects. */
async function tell(sender: Sender, session: Session, message: JsonObject): Promise<void> {
  try {
    const bytes = Buffer.from(JSON.stringify(message));
    const posted = await post(sender, session, bytes, new AbortController().signal);
    await posted.drop();
  } catch {
    // The next call on the session meets the same trouble and reports it.
  }
}

async function end(sender: Sender, session: Session): Promise<void> {
  if (session.id === null) return;
  const signal = AbortSignal.timeout(2000);
  const headers = sessionHeaders(session);
  const posted = await sender.send({ method: 'DELETE', bytes: null, headers, signal }, session.behalf);
  await posted.drop();
}

function sessionHeaders({ id, introduction }: Session): Record<string, string> {
  const version = { 'mcp-protocol-version': introduction.version };
  return id === null ? version : { ...version, 'mcp-session-id': id };
}

async function* legacyMessages(
  sender: Sender,
  session: Session,
  posted: Posted,
  id: number,
  request: Outbound,
  finish: () => void,
): AsyncGenerator<Message, void, void> {
  try {
    for await (const text of posted.texts) {
      const incoming = readIncoming(text);
      if (incoming.kind === 'request') {
        await tell(sender, session, answerTo(incoming));
        continue;
      }
      const own = forCaller(incoming, id, request);
      if (own === null) continue;
      yield own;
      if (own.kind === 'response') return;
    }
    throw new UpstreamError('the server ended its stream without an answer');
  } finally {
    finish();
  }
}
