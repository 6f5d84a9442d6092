// The plain HTTP side of the gateway: one request for one upstream in, one exchange for the spine out. Checks what has to hold before
// a byte of the body is read (host, origin, edge, path), then reads and hands over. Decides nothing that the spine decides.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Call, type Credential, type Denial, denial, type PeerOnWire } from '@writ/core';
import type { Spine } from '../exchange.ts';
import {
  answerJson,
  type Body,
  credentialOf,
  digestOf,
  dropUnread,
  headerValues,
  hostMatches,
  originMatches,
  readBody,
  traceOf,
} from '../http-io.ts';
import { readArguments } from './read-arguments.ts';
import { refuse } from './refusal.ts';
import { exchangeOf, type ServePorts } from './serve.ts';
import { type Matched, match, readTarget, type Target } from './target.ts';
import type { HttpUpstream } from './upstream.ts';

export interface HttpPorts extends ServePorts {
  readonly upstreamOf: (server: string) => HttpUpstream | undefined;
  readonly spine: Spine;
  readonly newId: () => string;
  /** Judges edge and bare requests before a byte of the body is read (rules §1.2–1.3); null lets the request be read. */
  readonly early: (peer: PeerOnWire, server: string, credential: Credential) => Denial | null;
  /** Records a request that never became a call. */
  readonly recordRefusal: (refused: {
    readonly decisionId: string;
    readonly denial: Denial;
    readonly peer: PeerOnWire;
    readonly server: string;
  }) => Promise<void>;
  readonly report: (what: string, error: unknown) => void;
  readonly bodyBytesMax?: number;
}

/** Where a request came to. */
export interface HttpArrival {
  readonly peer: PeerOnWire;
  readonly server: string;
  /** What follows the upstream's URL in the request target: path and query, undecoded. */
  readonly below: string;
  /** The upstream's URL at the listener of arrival: what `aud` must equal. */
  readonly url: string;
  /** Base of that listener. */
  readonly base: string;
  readonly resourceMetadata: string;
}

/** Serves one request under `/http/<server>`. Never rejects. */
export type HttpHandler = (req: IncomingMessage, res: ServerResponse, arrival: HttpArrival) => Promise<void>;

const noOrigins: ReadonlySet<string> = new Set();

export function createHttpHandler(ports: HttpPorts): HttpHandler {
  const { bodyBytesMax = 4 * 1024 * 1024 } = ports;

  const turnAway = async (req: IncomingMessage, res: ServerResponse, arrival: HttpArrival, refused: Denial) => {
    const decisionId = ports.newId();
    const { peer, server, resourceMetadata } = arrival;
    // A refusal stands even when it cannot be recorded: nothing took effect.
    await ports
      .recordRefusal({ decisionId, denial: refused, peer, server })
      .catch((error: unknown) => ports.report('record of a refusal', error));
    if (!req.complete) dropUnread(req, res);
    refuse(res, { ...refusedAs(refused), decisionId, resourceMetadata });
  };

  const handle = async (req: IncomingMessage, res: ServerResponse, arrival: HttpArrival): Promise<void> => {
    const { peer, server } = arrival;
    const upstream = ports.upstreamOf(server);
    const fault = misplaced(req, arrival) ?? ports.early(peer, server, credentialOf(req));
    if (fault !== null) return turnAway(req, res, arrival, fault);
    const api = upstream?.api();
    if (!upstream) return turnAway(req, res, arrival, denial('gateway.misdirected', { why: 'no such upstream' }));
    if (!api) return turnAway(req, res, arrival, denial('gateway.upstream_unreachable', { why: 'no document' }));
    const target = readTarget(arrival.below);
    if ('says' in target) return turnAway(req, res, arrival, denial('gateway.malformed', { why: target.says }));
    const body = await readBody(req, bodyBytesMax);
    if (!body.ok && body.fault === 'cut_short') return;
    if (!body.ok) return turnAway(req, res, arrival, unseen(body));

    const matched = match(api, req.method ?? '', target);
    const read = matched ? argumentsOf(req, matched, target, body.bytes) : { arguments: {} };
    if ('says' in read) return turnAway(req, res, arrival, denial('gateway.malformed', { why: read.says }));
    await ports.spine(
      exchangeOf({
        ...ports,
        server,
        upstream,
        layout: matched?.layout ?? null,
        call: callOf(req, arrival, matched, { ...read, id: ports.newId(), body: body.bytes }),
        res,
        resourceMetadata: arrival.resourceMetadata,
      }),
    );
  };

  return async (req, res, arrival) => {
    res.on('error', () => {}); // the caller left while it was written to
    try {
      await handle(req, res, arrival);
    } catch (error) {
      ports.report(`request for ${arrival.server}`, error);
      answerJson(res, 500, { error: 'server_error' });
    }
  };
}

function argumentsOf(req: IncomingMessage, matched: Matched, { query }: Target, body: Uint8Array) {
  const names = new Set(req.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()));
  const headers = new Map([...names].map((name) => [name, headerValues(req, name)] as const));
  return readArguments(matched, { query, headers, body });
}

function callOf(
  req: IncomingMessage,
  { server, url, peer }: HttpArrival,
  matched: Matched | null,
  read: { readonly arguments: Call['arguments']; readonly id: string; readonly body: Uint8Array },
): Call {
  const name = matched?.layout.name ?? null;
  return {
    decisionId: read.id,
    protocol: 'http',
    operation: name ?? 'unmatched',
    target: { kind: 'upstream', server, name },
    resource: url,
    // What means no operation is told so once any scope of the upstream is shown.
    scopes: name === null ? [] : [`${server}:${name}`],
    anyScopeOf: name === null ? server : null,
    arguments: read.arguments,
    isAction: true,
    credential: credentialOf(req),
    peer,
    judgedDigest: digestOf(read.body),
    ...traceOf(headerValues(req, 'traceparent')[0]),
  };
}

/** Host and origin: a page may resolve its own name to loopback, but not change the name it asks for. */
function misplaced(req: IncomingMessage, { base }: HttpArrival): Denial | null {
  if (!hostMatches(req, base)) return denial('gateway.misdirected', { host: req.headers.host ?? null });
  return originMatches(req, base, noOrigins) ? null : denial('gateway.misdirected', { why: 'the origin of a page' });
}

function unseen(body: Extract<Body, { ok: false }>): Denial {
  return denial(body.fault === 'too_large' ? 'gateway.too_large' : 'gateway.body_unseen');
}

function refusedAs({ code }: Denial) {
  return { code, outcome: 'deny', approvalUrl: null, scopes: [] } as const;
}
