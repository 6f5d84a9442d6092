// The context of an incoming call, verified and used once. Absent, invalid or replayed means level 0 and no continuation
// (contract §7): the call may still be served, but nothing can be done with its caller's authority.

import {
  contextsIn,
  type Denial,
  denial,
  type Engine,
  type JsonValue,
  type Message,
  parseJws,
  type SpiffeId,
  type Verdict,
} from '@writ/core';
import type { CallContext } from './context.ts';
import type { ContextKeys } from './context-keys.ts';
import { type ContextFacts, verifyContext } from './verify.ts';

export interface Incoming extends Message {
  readonly peer: SpiffeId | null;
  /** `Writ-Context` header; an array when it was sent more than once. */
  readonly header: string | readonly string[] | null;
  readonly traceparent: string | null;
}

export interface ContextGuard {
  /** Never throws for what a caller sent; throws when the issuer's keys cannot be had. */
  accept(incoming: Incoming): Promise<CallContext>;
}

export interface ContextGuardOptions {
  readonly expect: SpiffeId;
  readonly gatewayIds: ReadonlySet<string>;
  readonly keys: ContextKeys;
  readonly engine: Engine;
  readonly clock: { nowSeconds(): number };
  /** Contexts remembered at once; each for a minute at most. Past it nothing is believed. */
  readonly entriesMax?: number;
  /**
   * Believe the gateway's signature where no connection proves who delivered it: plain HTTP on loopback or a Unix socket. A context
   * that leaks could then be presented by whoever has it, once and within its minute (rules §2.6).
   */
  readonly allowUnprovenPeer?: boolean;
}

export function openContextGuard(options: ContextGuardOptions): ContextGuard {
  const { expect, gatewayIds, keys, engine, clock, allowUnprovenPeer = false } = options;
  const uses = openUses(clock, options.entriesMax ?? 100_000);

  async function judge(incoming: Incoming): Promise<Verdict<ContextFacts>> {
    const found = contextOf(incoming);
    if (typeof found === 'object' && found !== null) return { outcome: 'deny', denial: found };
    const kid = found === null ? undefined : parseJws(found)?.header.kid;
    const known = kid === undefined ? new Map() : await keys.forKey(kid);
    const peer = incoming.peer ?? (allowUnprovenPeer ? 'any' : null);
    const nowSeconds = clock.nowSeconds();
    const verdict = verifyContext({
      context: found,
      peer,
      keys: known,
      expect,
      gatewayIds,
      message: incoming,
      nowSeconds,
      engine,
    });
    if (verdict.outcome === 'deny') return verdict;
    const lost = uses.take(verdict.facts);
    return lost === null ? verdict : { outcome: 'deny', denial: lost };
  }

  return {
    async accept(incoming) {
      const verdict = await judge(incoming);
      const { traceparent } = incoming;
      if (verdict.outcome === 'deny') {
        return { continuation: null, task: null, traceparent, caller: null, denial: verdict.denial };
      }
      const { facts } = verdict;
      return { continuation: facts.continuation, task: facts.task, traceparent, caller: facts, denial: null };
    },
  };
}

/** The one context of a call, null without any, or a denial when there are several or it is not text. */
function contextOf({ header, body }: Incoming): string | null | Denial {
  const headers = header === null ? [] : [header].flat();
  const found: readonly JsonValue[] = [...headers, ...contextsIn(body)];
  if (found.length > 1) return denial('token.ambiguous', { seen: found.length });
  const [only] = found;
  if (only === undefined) return null;
  return typeof only === 'string' ? only : denial('token.malformed');
}

/** Ids in use, each until its context ends by itself. */
function openUses(clock: { nowSeconds(): number }, entriesMax: number) {
  const used = new Map<string, number>();
  let sweepAtSeconds = 0;

  function sweep(nowSeconds: number): void {
    if (nowSeconds < sweepAtSeconds && used.size < entriesMax) return;
    for (const [id, untilSeconds] of used) if (untilSeconds <= nowSeconds) used.delete(id);
    sweepAtSeconds = nowSeconds + 10;
  }

  return {
    take({ id, untilSeconds }: ContextFacts): Denial | null {
      sweep(clock.nowSeconds());
      if (used.has(id)) return denial('token.replayed', { id });
      // Forgetting an id early would let it in twice; believing nothing more is the safe way to be full.
      if (used.size >= entriesMax) return denial('gateway.overloaded', { held: used.size });
      used.set(id, untilSeconds);
      return null;
    },
  };
}
