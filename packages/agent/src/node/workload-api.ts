// The agent's own identity, kept fresh from a SPIFFE Workload API, Writ's or any other. Holds the newest SVID, reconnects
// by itself, and lets go of everything when the server says that there is no identity any more (Workload API §6).

import { grpcStatus, parseEndpoint, runStreamingCall, WorkloadApiError } from './workload-api-grpc.ts';
import { readX509Response, type X509Svid } from './workload-api-messages.ts';

export { WorkloadApiError } from './workload-api-grpc.ts';
export type { X509Svid } from './workload-api-messages.ts';

export interface X509Source {
  /** The newest SVID. Throws WorkloadApiError when it was withdrawn, has expired, or the source is closed. */
  current(): X509Svid;
  close(): void;
}

export interface X509SourceOptions {
  /** Default: `SPIFFE_ENDPOINT_SOCKET`. */
  readonly endpoint?: string;
  /** Called with every new SVID, the first included, and with null when it was withdrawn. */
  readonly onUpdate?: (svid: X509Svid | null) => void;
  /** How long to wait for a server that does not answer yet. Default: 10 s. */
  readonly openMillisMax?: number;
  readonly clock?: { nowSeconds(): number };
  /** Wait before trial number `attempt` (from 0). Default: doubling from 100 ms to 10 s, with jitter. */
  readonly backoffMillis?: (attempt: number) => number;
}

const fetchPath = '/SpiffeWorkloadAPI/FetchX509SVID';
const systemClock = { nowSeconds: () => Math.floor(Date.now() / 1000) };
const defaultBackoff = (attempt: number) => Math.min(100 * 2 ** attempt, 10_000) * (0.75 + 0.5 * Math.random());

/**
 * Resolves with the first SVID in hand. Rejects with WorkloadApiError when there is no identity for this process, when
 * the server does not understand, or when none answered in time.
 */
export function openX509Source(options: X509SourceOptions = {}): Promise<X509Source> {
  const { onUpdate = () => {}, openMillisMax = 10_000, clock = systemClock, backoffMillis = defaultBackoff } = options;
  const text = options.endpoint ?? process.env.SPIFFE_ENDPOINT_SOCKET;
  const endpoint = text === undefined ? null : parseEndpoint(text);
  if (endpoint === null) return Promise.reject(new WorkloadApiError(grpcStatus.invalidArgument, endpointProblem(text)));

  const closing = new AbortController();
  let held: X509Svid | null = null;
  let retry: NodeJS.Timeout | undefined;
  let absent = new WorkloadApiError(grpcStatus.unavailable, 'no SVID has arrived yet');
  const source: X509Source = {
    current() {
      if (held === null) throw absent;
      if (clock.nowSeconds() >= held.notAfterSeconds) {
        throw new WorkloadApiError(
          grpcStatus.unavailable,
          'the SVID has expired and the Workload API gave no newer one',
        );
      }
      return held;
    },
    close() {
      closing.abort();
      clearTimeout(retry);
      held = null;
      absent = new WorkloadApiError(grpcStatus.unavailable, 'the source is closed');
    },
  };

  return new Promise((resolve, reject) => {
    let opened = false;
    const fail = (error: WorkloadApiError) => {
      if (opened) return;
      source.close();
      reject(error);
    };
    const late = setTimeout(() => fail(absent), openMillisMax);
    let attempt = 0;

    const onMessage = (message: Uint8Array) => {
      held = readX509Response(message);
      attempt = 0;
      clearTimeout(late);
      opened = true;
      resolve(source);
      onUpdate(held);
    };
    const onEnd = (error: WorkloadApiError) => {
      if (closing.signal.aborted) return clearTimeout(late);
      absent = error;
      // No identity now: what was held is withdrawn with it. Any other end says nothing about what is held.
      if (error.status === grpcStatus.permissionDenied && held !== null) {
        held = null;
        onUpdate(null);
      }
      if (!opened && !isWorthRetrying(error.status)) {
        clearTimeout(late);
        return fail(error);
      }
      retry = setTimeout(follow, backoffMillis(attempt++));
    };
    const follow = () => {
      const call = { endpoint, path: fetchPath, request: new Uint8Array(), onMessage, signal: closing.signal };
      runStreamingCall(call).catch((error: unknown) => onEnd(asWorkloadApiError(error)));
    };
    follow();
  });
}

/** A process without an identity, or a server that does not speak this, will not change its mind while one waits. */
function isWorthRetrying(status: number): boolean {
  return (
    status !== grpcStatus.permissionDenied &&
    status !== grpcStatus.invalidArgument &&
    status !== grpcStatus.unimplemented &&
    status !== grpcStatus.internal
  );
}

function asWorkloadApiError(error: unknown): WorkloadApiError {
  if (error instanceof WorkloadApiError) return error;
  return new WorkloadApiError(grpcStatus.internal, error instanceof Error ? error.message : String(error));
}

function endpointProblem(text: string | undefined): string {
  return text === undefined
    ? 'no Workload API is configured; set `SPIFFE_ENDPOINT_SOCKET`, or start this program with `writ run`'
    : `\`${text}\` is no Workload API endpoint; write \`unix:///absolute/path\` or \`tcp://<IP>:<port>\``;
}
