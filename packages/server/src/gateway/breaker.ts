// A callee that does not answer is left alone for a while: its callers hear so at once instead of waiting, and it is not asked by
// everybody the moment it comes back. One call tries first.

import { UpstreamError } from './exchange.ts';

export interface BreakerOptions {
  readonly callee: string;
  monotonicMillis(): number;
  /** Silences in a row that open it. */
  readonly failuresMax?: number;
  /** First pause; doubled each time the try fails, up to a minute. */
  readonly pauseMillis?: number;
  /** A sentence when it opens and when it closes. */
  say(sentence: string): void;
}

export interface Breaker {
  /** Asks, unless the callee is left alone: then rejects with UpstreamError. `signal` is the caller's hang-up. */
  guard<Answer>(ask: () => Promise<Answer>, signal?: AbortSignal | null): Promise<Answer>;
  isOpen(): boolean;
}

const pauseMillisMax = 60_000;

export function createBreaker(options: BreakerOptions): Breaker {
  const { callee, monotonicMillis, failuresMax = 5, pauseMillis = 1_000, say } = options;
  let failures = 0;
  let pause = pauseMillis;
  let openUntil = 0;
  let trying = false;

  function answered(): void {
    if (openUntil > 0) say(`\`${callee}\` answers again`);
    failures = 0;
    openUntil = 0;
    pause = pauseMillis;
  }

  function fellSilent(isTry: boolean): void {
    // Calls that were under way when it opened say nothing new.
    if (openUntil > 0 && !isTry) return;
    failures++;
    if (failures < failuresMax) return;
    if (openUntil === 0) say(`\`${callee}\` did not answer ${failures} times in a row; it is left alone for a while`);
    else pause = Math.min(pause * 2, pauseMillisMax);
    openUntil = monotonicMillis() + pause;
  }

  return {
    isOpen: () => openUntil > 0,
    async guard(ask, signal) {
      const isTry = openUntil > 0;
      if (isTry && (trying || monotonicMillis() < openUntil)) {
        throw new UpstreamError(`\`${callee}\` did not answer lately and is left alone for a while`);
      }
      trying = isTry;
      try {
        const answer = await ask();
        answered();
        return answer;
      } catch (error) {
        // A caller that hung up says nothing about the callee, and an answer nobody can use is an answer.
        if (error instanceof UpstreamError && error.isSilence && !signal?.aborted) fellSilent(isTry);
        throw error;
      } finally {
        if (isTry) trying = false;
      }
    },
  };
}
