// One server-streaming gRPC call over `node:http2`: frames in, messages out, and the status at the end. Just what the
// Workload API needs. Source: gRPC over HTTP/2 (PROTOCOL-HTTP2); SPIFFE Workload API §3 for endpoints, §4.1 for metadata.

import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectSocket, isIP } from 'node:net';
import { concat } from '@writ/core';

/** Codes of gRPC that this client tells apart. */
export const grpcStatus = {
  ok: 0,
  invalidArgument: 3,
  permissionDenied: 7,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

export class WorkloadApiError extends Error {
  /** gRPC status code. */
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'WorkloadApiError';
    this.status = status;
  }
}

export type Endpoint = { readonly path: string } | { readonly host: string; readonly port: number };

/** `unix:///absolute/path` or `tcp://<IP>:<port>`, or null. SPIFFE Workload API §3. */
export function parseEndpoint(text: string): Endpoint | null {
  const unix = /^unix:(?:\/\/)?(\/(?!\/)[^?#\0]+)$/.exec(text);
  if (unix) return { path: unix[1]! };
  const tcp = /^tcp:\/\/(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text);
  if (!tcp) return null;
  const host = (tcp[1] ?? tcp[2])!;
  const port = Number(tcp[3]);
  return isIP(host) !== 0 && port > 0 && port < 65536 ? { host, port } : null;
}

// Bundles of several trust domains fit many times over.
const messageBytesMax = 4 << 20;

export interface StreamingCall {
  readonly endpoint: Endpoint;
  /** `/Service/Method`. */
  readonly path: string;
  readonly request: Uint8Array;
  /** Called with each message; what it throws ends the call with that error. */
  readonly onMessage: (message: Uint8Array) => void;
  readonly signal: AbortSignal;
}

/** Runs one call to its end. Always rejects: with the status the server gave, or unavailable when the stream broke. */
export function runStreamingCall(call: StreamingCall): Promise<never> {
  const session = openSession(call.endpoint);
  return new Promise<never>((_, reject) => {
    const stop = (error: Error) => {
      call.signal.removeEventListener('abort', onAbort);
      session.destroy();
      reject(error);
    };
    const broken = (why: string) => stop(new WorkloadApiError(grpcStatus.unavailable, why));
    const onAbort = () => broken('closed');
    if (call.signal.aborted) return onAbort();
    call.signal.addEventListener('abort', onAbort);
    const failed = (error: Error) => broken(`the Workload API does not answer (${codeOf(error)})`);
    session.on('error', failed);
    session.on('close', () => broken('the Workload API closed the connection'));

    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: call.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'workload.spiffe.io': 'true',
    });
    const readFrames = frameReader(call.onMessage);
    const finish = (headers: IncomingHttpHeaders) => {
      const status = statusOf(headers);
      if (status) stop(status);
    };
    stream.on('response', (headers) => {
      if (headers[':status'] !== 200) broken(`the Workload API answered HTTP ${headers[':status']}`);
      else finish(headers); // a refusal may come in the headers alone
    });
    stream.on('trailers', finish);
    stream.on('data', (chunk: Uint8Array) => {
      try {
        readFrames(chunk);
      } catch (error) {
        stop(error instanceof Error ? error : new Error(String(error)));
      }
    });
    stream.on('error', failed);
    stream.on('end', () => setImmediate(broken, 'the stream ended without a status'));
    stream.end(encodeFrame(call.request));
  });
}

/** The code of what happened first: Node reports a dead socket as a cancelled stream with a cause. */
function codeOf(error: NodeJS.ErrnoException): string {
  return error.cause instanceof Error ? codeOf(error.cause) : (error.code ?? error.message);
}

function openSession(endpoint: Endpoint): ClientHttp2Session {
  // The authority is `localhost`: a Unix socket has no name, and gRPC wants one.
  return connect('http://localhost', {
    createConnection: () =>
      'path' in endpoint ? connectSocket(endpoint.path) : connectSocket(endpoint.port, endpoint.host),
    settings: { enablePush: false },
  });
}

function statusOf(headers: IncomingHttpHeaders): WorkloadApiError | null {
  const text = headers['grpc-status'];
  if (text === undefined) return null;
  const status = /^[0-9]{1,3}$/.test(String(text)) ? Number(text) : grpcStatus.internal;
  const message = headers['grpc-message'];
  return new WorkloadApiError(
    status,
    typeof message === 'string' && message !== '' ? decode(message) : `status ${status}`,
  );
}

/** gRPC percent-encodes its messages. */
function decode(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

function encodeFrame(message: Uint8Array): Uint8Array {
  const head = new Uint8Array(5); // first byte 0: not compressed
  new DataView(head.buffer).setUint32(1, message.length);
  return concat(head, message);
}

/** Cuts a byte stream into messages: one byte of flags, four of length, the message. Throws on what is not a frame. */
export function frameReader(onMessage: (message: Uint8Array) => void): (chunk: Uint8Array) => void {
  let held: Uint8Array = new Uint8Array();
  return (chunk) => {
    held = held.length === 0 ? chunk : concat(held, chunk);
    while (held.length >= 5) {
      const view = new DataView(held.buffer, held.byteOffset, held.length);
      const length = view.getUint32(1);
      if (held[0] !== 0) throw new WorkloadApiError(grpcStatus.internal, 'the Workload API sent a compressed message');
      if (length > messageBytesMax)
        throw new WorkloadApiError(grpcStatus.internal, 'the Workload API sent too large a message');
      if (held.length < 5 + length) return;
      onMessage(held.subarray(5, 5 + length));
      held = held.subarray(5 + length);
    }
  };
}
