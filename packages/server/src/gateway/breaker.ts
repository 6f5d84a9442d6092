// A tool server that does not answer is left alone for a while: its callers hear so at once instead of waiting, and it is not asked
// by everybody the moment it comes back. One call tries first.

import { UpstreamError } from './exchange.ts';
import type { Upstream } from './mcp/upstream.ts';

export interface BreakerOptions {
  readonly server: string;
  monotonicMillis(): number;
  /** Failures in a row that open it. */
  readonly failuresMax?: number;
  /** First pause; doubled each time the try fails, up to a minute. */
  readonly pauseMillis?: number;
  /** A sentence when it opens and when it closes. */
  say(sentence: string): void;
  /** The same for who counts. */
  changed?(isOpen: boolean): void;
}

const pauseMillisMax = 60_000;

export function withBreaker(upstream: Upstream, options: BreakerOptions): Upstream {
  const { server, monotonicMillis, failuresMax = 5, pauseMillis = 1_000, say, changed } = options;
  let failures = 0;
  let pause = pauseMillis;
  let openUntil = 0;
  let trying = false;

  function answered(): void {
    if (openUntil > 0) say(`\`${server}\` answers again`);
    if (openUntil > 0) changed?.(false);
    failures = 0;
    openUntil = 0;
    pause = pauseMillis;
  }

  function failed(error: unknown): void {
    // A missing credential and a withheld secret are answers of ours, not silence of the server's.
    if (error instanceof UpstreamError && error.code !== 'gateway.upstream_unreachable') return;
    failures++;
    if (failures < failuresMax) return;
    if (openUntil === 0) say(`\`${server}\` did not answer ${failures} times in a row; it is left alone for a while`);
    else pause = Math.min(pause * 2, pauseMillisMax);
    if (openUntil === 0) changed?.(true);
    openUntil = monotonicMillis() + pause;
  }

  return {
    ...upstream,
    describe: (behalf) => upstream.describe(behalf),
    endTask: (task) => upstream.endTask(task),
    close: () => upstream.close(),
    async send(request, behalf, signal) {
      const isOpen = openUntil > 0;
      if (isOpen && (trying || monotonicMillis() < openUntil)) {
        throw new UpstreamError(`\`${server}\` did not answer lately and is left alone for a while`);
      }
      trying = isOpen;
      try {
        const reply = await upstream.send(request, behalf, signal);
        answered();
        return reply;
      } catch (error) {
        // A caller that hung up says nothing about the server.
        if (!signal?.aborted) failed(error);
        throw error;
      } finally {
        if (isOpen) trying = false;
      }
    },
  };
}
