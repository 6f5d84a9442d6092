// For tests: a Workload API with an authority of its own and a clock that the test moves, and two clients of it.

import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { openX509Source, type X509Svid } from '../../../../agent/src/node/workload-api.ts';
import type { AttestEntry } from '../attest-entries.ts';
import { type Authority, openAuthority } from '../ca.ts';
import { entryOf, openSmallPlane, type SmallPlane } from '../launch-fixtures.ts';
import { SpiffeWorkloadAPI } from './gen/workload_pb.ts';
import { createWorkloadApi, type WorkloadApi, type WorkloadApiOptions } from './server.ts';
import type { WorkloadApiEvent } from './streams.ts';

export const startSeconds = 1_800_000_000;
export const resident = entryOf('demo/resident', {});

export interface Bench {
  readonly plane: SmallPlane;
  readonly authority: Authority;
  readonly events: WorkloadApiEvent[];
  readonly options: WorkloadApiOptions;
  api: WorkloadApi;
  /** The one clock of issuer, server and client. */
  now: number;
}

export async function openBench(
  t: TestContext,
  entries: readonly AttestEntry[],
  change: Partial<WorkloadApiOptions> = {},
): Promise<Bench> {
  const plane = await openSmallPlane(t, entries);
  const events: WorkloadApiEvent[] = [];
  const bench = { plane, events, now: startSeconds } as { -readonly [K in keyof Bench]: Bench[K] };
  const clock = { nowSeconds: () => bench.now };
  bench.authority = await openAuthority({
    dir: join(plane.folder, 'ca'),
    trustDomain: 'zylos.local',
    clock,
    ttlSeconds: 100,
  });
  bench.options = {
    socketPath: join(plane.folder, 'workload.sock'),
    kernel: plane.kernel,
    identityOf: plane.attestor.ofPeer,
    mint: bench.authority.mint,
    bundle: bench.authority.bundle,
    mintJwt: bench.authority.mintJwt,
    jwtKeys: () => new Map([['zylos.local', bench.authority.jwtKeys()]]),
    isRevoked: () => false,
    clock,
    random: () => 0.5,
    lookMillis: 5,
    onEvent: (event) => events.push(event),
    ...change,
  };
  bench.api = await createWorkloadApi(bench.options);
  t.after(() => bench.api.close());
  return bench;
}

export function openSource(t: TestContext, bench: Bench) {
  const updates: (X509Svid | null)[] = [];
  const opened = openX509Source({
    endpoint: bench.api.endpoint,
    clock: bench.options.clock,
    backoffMillis: () => 5,
    onUpdate: (svid) => updates.push(svid),
  });
  t.after(async () => (await opened.catch(() => null))?.close());
  return { opened, updates };
}

/** The second, foreign client: connect-node, with metadata of the test's choice. */
export function foreignClient(t: TestContext, bench: Bench, metadata: Record<string, string>) {
  const sockets = new Set<{ destroy(): void }>();
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const transport = createGrpcTransport({
    baseUrl: 'http://localhost',
    nodeOptions: {
      createConnection: () => {
        const socket = connectSocket(bench.options.socketPath);
        sockets.add(socket);
        return socket;
      },
    },
    interceptors: [
      (next) => (request) => {
        for (const [name, value] of Object.entries(metadata)) request.header.set(name, value);
        return next(request);
      },
    ],
  });
  return createClient(SpiffeWorkloadAPI, transport);
}

export const metadata = { 'workload.spiffe.io': 'true' };

export async function codeOf(call: Promise<unknown> | AsyncIterable<unknown>): Promise<Code | undefined> {
  try {
    if (call instanceof Promise) await call;
    else for await (const _ of call) break;
    return undefined;
  } catch (error) {
    return ConnectError.from(error).code;
  }
}
