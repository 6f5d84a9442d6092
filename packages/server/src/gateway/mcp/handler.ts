// The MCP side of the gateway: one HTTP request for one server in, one exchange for the spine out. Checks what has to hold before
// a byte of the body is read (host, origin, edge), then reads, parses and hands over. Decides nothing that the spine decides.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Credential, Decision, Denial, DenialCode, Detail, JsonObject, PeerOnWire } from '@writ/core';
import type { Spine } from '../exchange.ts';
import {
  answerJson,
  credentialOf,
  digestOf,
  dropUnread,
  forwardableHeaders,
  headerValues,
  hostMatches,
  originMatches,
  readBody,
} from '../http-io.ts';
import type { OutputsPort } from '../tasks-port.ts';
import { mirroredParameters, parameterHeaders } from './header-value.ts';
import type { Definitions, Visible } from './lists.ts';
import { bad, type Malformed, parseRequest, tooLarge } from './parse.ts';
import { metadataOf, metadataUrlOf } from './prm.ts';
import type { QuarantinePorts } from './references.ts';
import { refuse, refuseMalformed } from './refusal.ts';
import type { RoundsPorts } from './rounds.ts';
import { exchangeOf, type Inbound } from './serve.ts';
import { createSessions } from './sessions.ts';
import { toCall } from './to-call.ts';
import type { Upstream } from './upstream.ts';
import { MODERN_VERSIONS, RPC } from './words.ts';

/** A tool server as the gateway serves it. */
export interface McpServer {
  readonly upstream: Upstream;
  /** What a client without any scope is told to ask for. Small: the rest is asked for when a call needs it. */
  readonly baseScopes: readonly string[];
}

export interface MalformedRecord {
  readonly decisionId: string;
  readonly denialCode: DenialCode;
  readonly peer: PeerOnWire;
  readonly server: string;
  /** For the operator; never a token. */
  readonly detail: Detail;
}

export interface McpPorts {
  readonly serverOf: (key: string) => McpServer | undefined;
  /** Public base URLs, without a final slash. A sidecar's calls arrive under the mTLS one (contract §5). */
  readonly bases: { readonly mtls: string | null; readonly oauth: string | null };
  readonly issuer: string;
  /** Origins of pages that may call from a browser, besides the service's own. */
  readonly origins: ReadonlySet<string>;
  readonly spine: Spine;
  readonly nowSeconds: () => number;
  /** Unguessable and unique: decision ids and session ids. */
  readonly newId: () => string;
  /** Judges edge and bare requests before a byte of the body is read (rules §1.2–1.3); null lets the request be read. */
  readonly early: (peer: PeerOnWire, server: string, credential: Credential) => Denial | null;
  /** Records a request that never became a call. */
  readonly recordMalformed: (record: MalformedRecord) => Promise<void>;
  readonly visible: Visible;
  readonly definitions: Definitions;
  readonly approvalUrl: (decision: Decision) => string | null;
  readonly holdsSecret: (text: string) => boolean;
  /** Such a text as it may be shown, with other servers' secrets masked; null, or no such port: it is withheld. */
  readonly masked?: (value: JsonObject, server: string, decision: Decision) => JsonObject | null;
  /** Rules §5: arguments with what stands for something else put in; null, or no such port: nothing is. */
  readonly substituted?: (args: JsonObject, server: string, decision: Decision) => Promise<JsonObject | null>;
  readonly outputs: OutputsPort;
  readonly rounds: RoundsPorts;
  readonly quarantine: QuarantinePorts;
  /** A failure of ours, for the operator's log. */
  readonly report: (what: string, error: unknown) => void;
  readonly bodyBytesMax?: number;
  readonly keepAliveMillis?: number;
}

export interface McpHandler {
  /** Serves one request under `/mcp/<server>`. Never rejects. */
  handle(req: IncomingMessage, res: ServerResponse, peer: PeerOnWire, server: string): Promise<void>;
  /** Serves `/.well-known/oauth-protected-resource/mcp/<server>`. */
  metadata(req: IncomingMessage, res: ServerResponse, peer: PeerOnWire, server: string): void;
}

export function createMcpHandler(ports: McpPorts): McpHandler {
  const { bodyBytesMax = 4 * 1024 * 1024, keepAliveMillis = 15_000 } = ports;
  const sessions = createSessions({ newId: ports.newId, nowSeconds: ports.nowSeconds });
  const baseOf = (peer: PeerOnWire) => (peer.listener === 'oauth' ? ports.bases.oauth : ports.bases.mtls);
  const resourceOf = (peer: PeerOnWire, server: string) => `${baseOf(peer)}/mcp/${server}`;

  // A refusal stands even when it cannot be recorded: nothing took effect.
  const recorded = (record: MalformedRecord) =>
    ports.recordMalformed(record).catch((error: unknown) => ports.report('record of a refusal', error));

  const turnAway = async (on: Arrival, malformed: Malformed, detail: Detail = {}) => {
    const decisionId = ports.newId();
    const { denialCode, message } = malformed;
    const record = { decisionId, denialCode, peer: on.peer, server: on.server, detail: { message, ...detail } };
    await recorded(record);
    if (!on.req.complete) dropUnread(on.req, on.res);
    refuseMalformed(on.res, malformed, decisionId);
  };

  const turnAwayEarly = async (on: Arrival, denial: Denial) => {
    const decisionId = ports.newId();
    const record = { decisionId, denialCode: denial.code, peer: on.peer, server: on.server, detail: denial.detail };
    await recorded(record);
    if (!on.req.complete) dropUnread(on.req, on.res);
    const resourceMetadata = metadataUrlOf(resourceOf(on.peer, on.server));
    const scopes = ports.serverOf(on.server)?.baseScopes ?? [];
    const about = { outcome: 'deny', approvalUrl: null, id: null, scopes, resourceMetadata } as const;
    refuse(on.res, { ...about, decisionId, code: denial.code });
  };

  /** Host, origin, edge and HTTP method: all that holds before a byte of the body is read. Null when it was turned away. */
  const admit = async (on: Arrival): Promise<McpServer | null> => {
    const base = baseOf(on.peer);
    const served = ports.serverOf(on.server);
    const misplaced = base === null || !served ? notServed() : faultBeforeBody(on.req, base, ports.origins);
    if (misplaced !== null) {
      await turnAway(on, misplaced, { host: on.req.headers.host ?? null });
      return null;
    }
    const early = ports.early(on.peer, on.server, credentialOf(on.req));
    if (early !== null) {
      await turnAwayEarly(on, early);
      return null;
    }
    if (on.req.method === 'POST' || farewellOf(on.req) !== null) return served!;
    on.res.setHeader('allow', 'POST');
    await turnAway(on, { ...bad(null, RPC.invalidRequest, 'only POST is served here'), httpStatus: 405 });
    return null;
  };

  const handle = async (on: Arrival): Promise<void> => {
    const { req, res, peer, server } = on;
    const served = await admit(on);
    if (served === null) return;
    const body = await readBody(req, bodyBytesMax);
    if (!body.ok && body.fault === 'cut_short') return;
    if (!body.ok) return turnAway(on, body.fault === 'too_large' ? tooLarge() : codedBody());
    const mirroredOf = (tool: string) =>
      mirroredParameters(ports.definitions.inputSchemaOf(server, tool) ?? null) ?? [];
    const head = { values: (name: string) => headerValues(req, name) };
    const inbound = farewellOf(req) ?? parseRequest(head, body.bytes, mirroredOf);
    if (inbound.kind === 'malformed') return turnAway(on, inbound);

    const { method, params } = inbound.kind === 'farewell' ? FAREWELL : inbound;
    const resource = resourceOf(peer, server);
    const call = toCall(method, params, {
      decisionId: ports.newId(),
      server,
      resource,
      credential: credentialOf(req),
      peer,
      judgedDigest: digestOf(body.bytes),
      traceparent: headerValues(req, 'traceparent')[0] ?? null,
    });
    const mirrored = method === 'tools/call' ? parameterHeaders(mirroredOf(call.target.name!), call.arguments) : {};
    const exchange = exchangeOf({
      ...ports,
      ...served,
      server,
      inbound,
      call,
      body: body.bytes,
      res,
      sessions,
      keepAliveMillis,
      headers: { ...forwardableHeaders(req, (name) => TRACE_HEADERS.has(name)), ...mirrored },
      resourceMetadata: metadataUrlOf(resource),
    });
    await ports.spine(exchange);
  };

  return {
    async handle(req, res, peer, server) {
      res.on('error', () => {}); // the caller left while it was written to
      try {
        await handle({ req, res, peer, server });
      } catch (error) {
        // A bug or an outage outside the spine: the caller gets no answer it could take for one.
        ports.report(`request for ${server}`, error);
        answerJson(res, 500, { error: 'server_error' });
      }
    },

    metadata(req, res, peer, server) {
      const base = baseOf(peer);
      const served = ports.serverOf(server);
      if (base === null || !served || !hostMatches(req, base)) return answerJson(res, 404, { error: 'not_found' });
      if (req.method !== 'GET' && req.method !== 'HEAD') {
        return answerJson(res, 405, { error: 'method_not_allowed' }, { allow: 'GET, HEAD' });
      }
      const { issuer } = ports;
      const resource = resourceOf(peer, server);
      answerJson(res, 200, metadataOf({ resource, issuer, scopes: served.baseScopes, name: server }));
    },
  };
}

interface Arrival {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly peer: PeerOnWire;
  readonly server: string;
}

const FAREWELL = { method: 'session/end', params: {} };
const TRACE_HEADERS = new Set(['traceparent', 'tracestate', 'baggage']);

function notServed(): Malformed {
  return { ...misdirected('no such server here'), httpStatus: 404 };
}

function misdirected(message: string): Malformed {
  return { ...bad(null, RPC.invalidRequest, message), httpStatus: 421, denialCode: 'gateway.misdirected' };
}

function codedBody(): Malformed {
  return {
    ...bad(null, RPC.invalidRequest, 'send the body without a content coding'),
    denialCode: 'gateway.body_unseen',
  };
}

/** DNS rebinding ends here: a page may resolve its own name to loopback, but not change the name it asks for. */
function faultBeforeBody(req: IncomingMessage, base: string, origins: ReadonlySet<string>): Malformed | null {
  if (!hostMatches(req, base)) return misdirected('this service does not answer for that host');
  if (!originMatches(req, base, origins)) {
    return { ...misdirected('pages of that origin may not call here'), httpStatus: 403 };
  }
  // The audience is the exact URL, and a query is where tokens leak (RFC 6750 §5.3).
  return req.url?.includes('?') ? bad(null, RPC.invalidRequest, 'the endpoint takes no query') : null;
}

/** DELETE with a session is the end of a legacy session; the modern era knows no DELETE. */
function farewellOf(req: IncomingMessage): Extract<Inbound, { kind: 'farewell' }> | null {
  if (req.method !== 'DELETE') return null;
  const ids = headerValues(req, 'mcp-session-id');
  const modern = headerValues(req, 'mcp-protocol-version').some((version) => MODERN_VERSIONS.includes(version));
  return ids.length === 1 && !modern ? { kind: 'farewell', sessionId: ids[0]! } : null;
}
