// The SPIFFE Workload API on a Unix socket: gRPC without TLS, every caller known by its socket (SPIFFE Workload API §3–6).
// This file holds connections, metadata and limits; what a caller gets is streams.ts and jwt.ts.

import { createServer, type Http2ServerRequest, type Http2ServerResponse, type Http2Session } from 'node:http2';
import {
  Code,
  ConnectError,
  type ContextValues,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import type { Kernel, Peer } from '../peercred.ts';
import { listenForPeers } from '../peercred-listener.ts';
import { SecretDiscoveryService } from './gen/sds_pb.ts';
import { SpiffeWorkloadAPI } from './gen/workload_pb.ts';
import { fetchJwtSvid, type JwtPorts, jwtBundleStream, validateJwtSvid } from './jwt.ts';
import { fetchSecrets, secretStream } from './sds.ts';
import { bundleStream, type StreamPorts, svidStream } from './streams.ts';
import { createWakeups } from './wakeups.ts';

export interface WorkloadApi {
  /** For `SPIFFE_ENDPOINT_SOCKET`: `unix:///…`. */
  readonly endpoint: string;
  /** Registrations, revocations or bundles changed: every stream attests and pushes again. */
  refresh(): void;
  /** End of the newest SVID issued to an identity, seconds; null when none was since the start. */
  expiresOf(spiffeId: string): number | null;
  close(): Promise<void>;
}

export interface WorkloadApiOptions extends Omit<StreamPorts, 'wakeups' | 'federated' | 'random'>, JwtPorts {
  readonly socketPath: string;
  readonly kernel: Kernel;
  readonly federated?: StreamPorts['federated'];
  readonly random?: () => number;
  /** How often the clock is looked at for renewals. Default: a second. */
  readonly lookMillis?: number;
  readonly streamsPerPidMax?: number;
}

const messageBytesMax = 64 * 1024; // a request holds an audience at most
const firstRequestMillisMax = 10_000;
const peerKey = createContextKey<Peer | null>(null);

/** Opens the endpoint. Throws a sentence for the operator when the socket cannot be had. */
export async function createWorkloadApi(options: WorkloadApiOptions): Promise<WorkloadApi> {
  const {
    clock,
    onEvent,
    kernel,
    socketPath,
    random = Math.random,
    lookMillis = 1000,
    streamsPerPidMax = 16,
  } = options;
  const newest = new Map<string, number>();
  const wakeups = createWakeups(clock, lookMillis);
  const shutdown = new AbortController();
  const ports: Ports = {
    ...options,
    federated: options.federated ?? (() => new Map()),
    random,
    wakeups,
    onEvent(event) {
      if (event.kind === 'issued') newest.set(event.identity.spiffeId, event.notAfterSeconds);
      onEvent(event);
    },
  };

  const peers = new WeakMap<Http2Session, Peer>();
  const http2 = createServer({
    maxSessionMemory: 4,
    maxHeaderListPairs: 64,
    settings: { maxConcurrentStreams: 32, maxHeaderListSize: 8192, enablePush: false },
  });
  const handle = createHandler(ports, streamsPerPidMax, shutdown.signal);
  http2.on('request', (request, response) => handle(request, response, peers.get(request.stream.session!) ?? null));
  http2.on('sessionError', () => {}); // a caller that breaks off is no event

  const listener = await listenForPeers({
    path: socketPath,
    kernel,
    onRefused: (denial) =>
      onEvent({ kind: 'refused', denial, pid: Number(denial.detail.pid ?? 0), uid: Number(denial.detail.uid ?? -1) }),
    onPeer(socket, peer) {
      // The session comes up within `emit`; were it ever later, it would have no peer and be refused.
      const adopt = (session: Http2Session) => {
        peers.set(session, peer);
        const idle = setTimeout(() => session.destroy(), firstRequestMillisMax).unref();
        session.once('stream', () => clearTimeout(idle));
        session.once('close', () => clearTimeout(idle));
      };
      http2.once('session', adopt);
      http2.emit('connection', socket);
      http2.off('session', adopt);
    },
  });

  return {
    endpoint: `unix://${socketPath}`,
    refresh: () => wakeups.wakeAll(),
    expiresOf: (spiffeId) => newest.get(spiffeId) ?? null,
    async close() {
      shutdown.abort(new ConnectError('the plane is stopping', Code.Unavailable));
      wakeups.close();
      await listener.close();
    },
  };
}

type Ports = StreamPorts & JwtPorts;
type Handler = (request: Http2ServerRequest, response: Http2ServerResponse, peer: Peer | null) => void;

function createHandler(ports: Ports, streamsPerPidMax: number, shutdownSignal: AbortSignal): Handler {
  const streams = new Map<number, number>();

  /** One stream of a caller, within its limit. */
  async function* counted<Message>(
    context: HandlerContext,
    open: (peer: Peer, signal: AbortSignal) => AsyncGenerator<Message>,
  ): AsyncGenerator<Message> {
    const peer = context.values.get(peerKey)!;
    const { pid } = peer.process;
    const count = streams.get(pid) ?? 0;
    if (count >= streamsPerPidMax) throw new ConnectError('too many streams', Code.ResourceExhausted);
    streams.set(pid, count + 1);
    try {
      yield* open(peer, context.signal);
      if (shutdownSignal.aborted) throw new ConnectError('the plane is stopping', Code.Unavailable);
    } finally {
      const left = streams.get(pid)! - 1;
      if (left === 0) streams.delete(pid);
      else streams.set(pid, left);
    }
  }

  /** One question and its answer; whatever of ours fails is told to the operator, and the caller may try again. */
  async function answered<Answer>(context: HandlerContext, ask: (peer: Peer) => Promise<Answer>): Promise<Answer> {
    const peer = context.values.get(peerKey)!;
    try {
      return await ask(peer);
    } catch (cause) {
      if (cause instanceof ConnectError) throw cause;
      ports.onEvent({ kind: 'outage', pid: peer.process.pid, cause });
      throw new ConnectError('not ready', Code.Unavailable);
    }
  }

  const transports = {
    grpcWeb: false,
    connect: false,
    acceptCompression: [],
    readMaxBytes: messageBytesMax,
    shutdownSignal,
  };
  const router = createConnectRouter({ ...transports, requestGate: assertMetadata });
  // What is left out answers UNIMPLEMENTED, which is what the specification asks of optional calls.
  router.service(SpiffeWorkloadAPI, {
    fetchX509SVID: (_, context) => counted(context, (peer, signal) => svidStream(ports, peer, signal)),
    fetchX509Bundles: (_, context) => counted(context, (peer, signal) => bundleStream(ports, peer, signal)),
    fetchJWTBundles: (_, context) => counted(context, (peer, signal) => jwtBundleStream(ports, peer, signal)),
    fetchJWTSVID: (asked, context) => answered(context, (peer) => fetchJwtSvid(ports, peer, asked)),
    validateJWTSVID: (asked, context) => answered(context, (peer) => validateJwtSvid(ports, peer, asked)),
  });
  // Envoy does not send the Workload API's metadata; that it is a local process which connected by itself is known from the socket.
  const envoy = createConnectRouter({ ...transports, requestGate: assertPeer });
  envoy.service(SecretDiscoveryService, {
    streamSecrets: (requests, context) =>
      counted(context, (peer, signal) => secretStream(ports, peer, requests, signal)),
    fetchSecrets: (asked, context) => answered(context, (peer) => fetchSecrets(ports, peer, asked)),
  });
  const handlers = new Map([...router.handlers, ...envoy.handlers].map((handler) => [handler.requestPath, handler]));

  return (request, response, peer) => {
    const handler = handlers.get(request.url);
    if (!handler) return answerUnimplemented(response);
    const values = createContextValues().set(peerKey, peer);
    answer(handler, request, response, values).catch((cause: unknown) => {
      // A caller that goes away breaks its own stream; everything else is ours.
      if (!response.stream.destroyed && peer) ports.onEvent({ kind: 'outage', pid: peer.process.pid, cause });
      response.stream.close();
    });
  };
}

/** Asynchronous from its first line: whatever throws about a caller's bytes ends that caller's stream, not the plane. */
async function answer(
  handler: UniversalHandler,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  values: ContextValues,
): Promise<void> {
  // A Unix socket has no authority. The C core of gRPC writes the escaped path of the socket there, which no URL can hold.
  request.headers[':authority'] = 'localhost';
  const answered = await handler(universalRequestFromNodeRequest(request, response, undefined, values));
  await universalResponseToNodeResponse(answered, response);
}

/** SPIFFE Workload API §4.1: the key keeps a browser or a confused proxy from asking on somebody's behalf. */
function assertMetadata({ requestHeader, values }: HandlerContext): void {
  assertPeer({ values });
  if (requestHeader.get('workload.spiffe.io') !== 'true') {
    throw new ConnectError('the metadata `workload.spiffe.io: true` is required', Code.InvalidArgument);
  }
}

function assertPeer({ values }: Pick<HandlerContext, 'values'>): void {
  if (values.get(peerKey) === null) throw new ConnectError('the caller is not known', Code.PermissionDenied);
}

function answerUnimplemented(response: Http2ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/grpc', 'grpc-status': String(Code.Unimplemented) });
  response.end();
}
