// The connection to an HTTP upstream: bounded, abortable, never redirected, with the broker's credential and nothing of the caller's.

import type { Principal } from '@writ/core';
import { Pool } from 'undici';
import { UpstreamError } from '../exchange.ts';
import type { Api } from './api.ts';
import type { Outgoing } from './rebuild.ts';

/** For whom a credential is looked up (rules §7.6). */
export interface Behalf {
  readonly root: Principal | null;
  readonly task: string | null;
}

export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly value: string }
  | { readonly kind: 'env'; readonly values: { readonly [name: string]: string } };

/** An answer's head, and its body still to come. */
export interface Arrived {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly body: AsyncIterable<Uint8Array>;
  /** Reads and forgets what is left. */
  drop(): Promise<void>;
}

export interface HttpUpstream {
  /** Null until its document could be read. */
  api(): Api | null;
  /** Rejects with UpstreamError. */
  send(request: Outgoing, behalf: Behalf, signal: AbortSignal): Promise<Arrived>;
  close(): Promise<void>;
}

export interface HttpUpstreamOptions {
  readonly server: string;
  /** Base of every path, without a final slash. */
  readonly url: string;
  readonly api: () => Api | null;
  /** Rejects with an UpstreamError `action.credential_missing` when a credential is needed and nobody has it. */
  readonly credentialFor: (server: string, behalf: Behalf) => Promise<Credential>;
  /** Trace headers of the call under way. */
  traceHeaders?(): { readonly [name: string]: string };
  readonly connectionsMax?: number;
  readonly connectMillisMax?: number;
  /** How long it may be silent before and within an answer. */
  readonly answerMillisMax?: number;
}

export function createHttpUpstream(options: HttpUpstreamOptions): HttpUpstream {
  const { connectionsMax = 64, connectMillisMax = 10_000, answerMillisMax = 300_000 } = options;
  const base = new URL(options.url);
  const pool = new Pool(base.origin, {
    connections: connectionsMax,
    pipelining: 1,
    headersTimeout: answerMillisMax,
    bodyTimeout: answerMillisMax,
    connect: { timeout: connectMillisMax },
  });
  const prefix = base.pathname.replace(/\/+$/, '');
  return {
    api: options.api,
    async send({ method, path, headers, body }, behalf, signal) {
      const credential = await options.credentialFor(options.server, behalf);
      const authorization = credential.kind === 'bearer' ? { authorization: `Bearer ${credential.value}` } : {};
      try {
        const answer = await pool.request({
          method: method as 'GET',
          path: `${prefix}${path}`,
          headers: { ...headers, ...options.traceHeaders?.(), ...authorization },
          body,
          signal,
        });
        answer.body.on('error', () => {}); // an aborted body is reported by whoever reads it
        return {
          status: answer.statusCode,
          headers: answer.headers,
          body: arriving(answer.body),
          drop: () => answer.body.dump({ limit: 64 * 1024, signal: AbortSignal.timeout(2000) }).catch(() => {}),
        };
      } catch (error) {
        throw new UpstreamError(`the upstream cannot be reached: ${causeOf(error)}`, { silence: true });
      }
    },
    close: () => pool.destroy(),
  };
}

/** Half a body is the upstream's fault, as silence is. */
async function* arriving(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* body;
  } catch (error) {
    throw new UpstreamError(`the upstream broke off: ${causeOf(error)}`);
  }
}

function causeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ? `${code} ${message}` : String(message ?? error);
}
