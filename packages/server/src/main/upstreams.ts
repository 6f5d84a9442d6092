// The tool servers of the configuration, each with its way there and its credential from the broker; and what they list, for pins.

import { dirname } from 'node:path';
import type { ServerListing } from '../action/pins.ts';
import type { Config } from '../config/config.ts';
import { type Breaker, createBreaker } from '../gateway/breaker.ts';
import { UpstreamError } from '../gateway/exchange.ts';
import { listServer } from '../gateway/mcp/lists.ts';
import type { CredentialFor, Upstream } from '../gateway/mcp/upstream.ts';
import { createHttpUpstream } from '../gateway/mcp/upstream-http.ts';
import { createStdioUpstream } from '../gateway/mcp/upstream-stdio.ts';
import type { BrokerRoom } from './broker.ts';
import { type HttpUpstreams, openHttpUpstreams } from './http-upstreams.ts';

export interface Upstreams {
  readonly byServer: ReadonlyMap<string, Upstream>;
  readonly http: HttpUpstreams;
  /** All that a server says of itself now. Rejects with UpstreamError. */
  list(server: string): Promise<ServerListing>;
  endTask(task: string): void;
  /** By callee: open while it is left alone. */
  circuits(): ReadonlyMap<string, 'closed' | 'open'>;
  close(): Promise<void>;
}

export interface UpstreamDeps {
  readonly config: Config;
  readonly room: Pick<BrokerRoom, 'broker' | 'exposures'>;
  say(sentence: string): void;
  /** Trace headers of the call under way. */
  traceHeaders(): { readonly [name: string]: string };
}

export function openUpstreams({ config, room, say, traceHeaders }: UpstreamDeps): Upstreams {
  const { broker, exposures } = room;
  const credentialFor: CredentialFor = async (server, behalf) => {
    const found = await broker.credentialFor(server, behalf);
    if (found.outcome === 'pass') return found.facts;
    const cause = String(found.denial.detail.cause);
    throw new UpstreamError(`\`${server}\` has no credential: ${cause}`, { code: 'action.credential_missing' });
  };
  // A server may write its own credential on its error output; the operator's log is kept by others.
  const withoutSecret = (says: string) =>
    exposures.contains(says) ? 'wrote a line that holds a secret of the broker; it is not repeated here' : says;
  const byServer = new Map<string, Upstream>();
  const breakers = new Map<string, Breaker>();
  const breakerFor = (callee: string): Breaker => {
    const breaker = createBreaker({ callee, monotonicMillis: () => performance.now(), say });
    breakers.set(callee, breaker);
    return breaker;
  };
  const http = openHttpUpstreams({
    ...{ config, say, traceHeaders, breakerFor },
    credentialFor: async (server, use) => credentialFor(server, { key: '', ...use }),
  });
  for (const [server, { mcp }] of config.servers) {
    if (mcp === null) continue;
    const upstream =
      mcp.kind === 'url'
        ? createHttpUpstream({ server, url: mcp.url, credentialFor, challenged: broker.challenged })
        : createStdioUpstream({
            server,
            command: mcp.command as [string, ...string[]],
            cwd: dirname(config.file),
            shared: mcp.shared,
            credentialFor,
            log: ({ server: name, says }) => say(`${name}: ${withoutSecret(says)}`),
          });
    byServer.set(server, reached(upstream, breakerFor(server), traceHeaders));
  }
  return {
    byServer,
    http,
    circuits: () => new Map([...breakers].map(([callee, breaker]) => [callee, breaker.isOpen() ? 'open' : 'closed'])),
    list: (server) => http.list(server) ?? listServer(byServer.get(server)!),
    endTask(task) {
      for (const upstream of byServer.values()) upstream.endTask(task);
    },
    async close() {
      await Promise.all([http, ...byServer.values()].map((upstream) => upstream.close()));
    },
  };
}

/** The server as the gateway asks it: left alone while it is silent, and told which trace its call belongs to. */
function reached(upstream: Upstream, { guard }: Breaker, traceHeaders: UpstreamDeps['traceHeaders']): Upstream {
  return {
    describe: (behalf) => guard(() => upstream.describe(behalf)),
    send: (request, behalf, signal) =>
      guard(() => {
        const headers = { ...request.headers, ...traceHeaders() };
        return upstream.send({ ...request, headers }, behalf, signal);
      }, signal),
    endTask: (task) => upstream.endTask(task),
    close: () => upstream.close(),
  };
}
