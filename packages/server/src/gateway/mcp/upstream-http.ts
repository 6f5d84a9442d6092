// A tool server behind HTTP. Its era is found once: the modern question first, the old handshake when that is not understood.
// A modern server gets the judged bytes; a legacy one is bridged with one session per root and task (upstream-http-legacy.ts).

import { isJsonObject, type JsonObject } from '@writ/core';
import { UpstreamError } from '../exchange.ts';
import { digestOf } from '../http-io.ts';
import { GATEWAY_INFO, toModern } from './adapt.ts';
import { createSender, type HttpOptions, type Posted, refusedBy, type Sender, stopWith } from './http-post.ts';
import {
  type Behalf,
  causeOf,
  type Description,
  type Message,
  messageOf,
  type Outbound,
  readIncoming,
  replyOver,
  type Upstream,
  type UpstreamReply,
} from './upstream.ts';
import { createLegacySessions } from './upstream-http-legacy.ts';
import { type Era, META, MODERN_VERSIONS, RPC, type RpcId } from './words.ts';

export function createHttpUpstream(options: HttpOptions): Upstream {
  const sender = createSender(options);
  const legacy = createLegacySessions(sender);
  let era: Promise<Era> | null = null;

  const eraOf = (behalf: Behalf): Promise<Era> => {
    era ??= probe(sender, behalf).catch((error) => {
      era = null; // an outage says nothing about the era
      throw error;
    });
    return era;
  };

  return {
    async describe(behalf) {
      if ((await eraOf(behalf)) === 'legacy') return legacy.describe(behalf);
      const description = descriptionOf(await discover(sender, behalf));
      if (description === null) throw new UpstreamError('the server does not describe itself');
      return description;
    },
    async send(request, behalf, signal) {
      if ((await eraOf(behalf)) === 'legacy') return legacy.send(request, behalf, signal);
      return sendModern(sender, request, behalf, signal);
    },
    endTask: legacy.endTask,
    async close() {
      await legacy.close();
      await sender.close();
    },
  };
}

async function sendModern(
  sender: Sender,
  request: Outbound,
  behalf: Behalf,
  signal: AbortSignal | null,
): Promise<UpstreamReply> {
  const stop = stopWith(signal);
  const { bytes, headers } = toModern(request);
  const endless = request.method === 'subscriptions/listen';
  const sent = { method: 'POST', bytes, headers, signal: stop.signal, endless } as const;
  const posted = await sender.send(sent, behalf);
  const about = {
    era: 'modern',
    status: posted.status,
    cancel: () => stop.abort(),
    forwardedDigest: digestOf(bytes),
  } as const;
  const failed = refusedBy(posted);
  if (failed !== null) {
    await posted.drop();
    throw failed;
  }
  return replyOver(modernMessages(posted, request.id), about);
}

async function* modernMessages(posted: Posted, id: RpcId): AsyncGenerator<Message, void, void> {
  for await (const text of posted.texts) {
    const incoming = readIncoming(text);
    if (incoming.kind === 'request') throw new UpstreamError('the server sent a request of its own');
    if (incoming.kind === 'notification') {
      yield { kind: 'notification', value: incoming.value, text };
      continue;
    }
    // An error may come without an id when the server could not read that far.
    const nameless = incoming.id === undefined || incoming.id === null;
    if (incoming.id !== id && !(nameless && incoming.value.error)) {
      throw new UpstreamError('the server answered another request');
    }
    yield nameless
      ? messageOf('response', { ...incoming.value, id })
      : { kind: 'response', value: incoming.value, text };
    return;
  }
  throw new UpstreamError('the server ended its stream without an answer');
}

const DISCOVER_ID = 'writ-discover';

async function discover(sender: Sender, behalf: Behalf): Promise<JsonObject | null> {
  const _meta = { [META.version]: MODERN_VERSIONS[0]!, [META.capabilities]: {}, [META.clientInfo]: GATEWAY_INFO };
  const body = { jsonrpc: '2.0', id: DISCOVER_ID, method: 'server/discover', params: { _meta } };
  const posted = await sender.send(
    {
      method: 'POST',
      bytes: Buffer.from(JSON.stringify(body)),
      headers: { 'mcp-protocol-version': MODERN_VERSIONS[0]!, 'mcp-method': 'server/discover' },
      signal: new AbortController().signal,
    },
    behalf,
  );
  const { status } = posted;
  // What an outage or a missing credential answers is no sign of an era.
  const telling = status === 200 || (status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status));
  if (!telling) {
    await posted.drop();
    throw refusedBy(posted) ?? new UpstreamError(`the server answered HTTP ${status}`);
  }
  if (!posted.readable) {
    await posted.drop();
    return null;
  }
  try {
    for await (const text of posted.texts) {
      const incoming = readIncoming(text);
      if (incoming.kind === 'response') return incoming.value;
    }
  } catch (error) {
    throw new UpstreamError(`the server's description cannot be read: ${causeOf(error)}`);
  }
  return null;
}

// Errors only a server of the modern era knows: it was understood, and refused for another reason.
const MODERN_ERRORS: readonly unknown[] = [RPC.headerMismatch, RPC.missingCapability, RPC.unsupportedVersion];

async function probe(sender: Sender, behalf: Behalf): Promise<Era> {
  const answer = await discover(sender, behalf);
  if (answer === null) return 'legacy';
  if (isJsonObject(answer.error) && MODERN_ERRORS.includes(answer.error.code)) {
    throw new UpstreamError('the server speaks another modern revision');
  }
  return descriptionOf(answer) === null ? 'legacy' : 'modern';
}

/** Null when the answer is no description in the revision spoken here. */
function descriptionOf(answer: JsonObject | null): Description | null {
  const result = answer?.result;
  if (!isJsonObject(result)) return null;
  const { supportedVersions: versions, capabilities, instructions, _meta: meta } = result;
  if (!Array.isArray(versions) || !versions.includes(MODERN_VERSIONS[0]!)) return null;
  const info = isJsonObject(meta) ? meta[META.serverInfo] : undefined;
  return {
    era: 'modern',
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    serverInfo: isJsonObject(info) ? info : {},
    instructions: typeof instructions === 'string' ? instructions : null,
  };
}
