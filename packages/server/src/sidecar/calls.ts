// Calls that the agent is serving, and which of them an outbound request goes on with (contract §2). Other than in the SDK no async
// context tells: the program may be in any language, so it says so by a handle or a trace id, or there is only one it can be.

import { randomBytes } from 'node:crypto';
import type { CallContext } from '@writ/agent';

export interface InboundCall {
  /** Unguessable; what the program repeats in `Writ-Call`. */
  readonly handle: string;
  /** W3C trace context for the program. */
  readonly traceparent: string;
  /** The call was answered. Its handle goes on to work, for a program that answered with a task and works on. */
  end(): void;
}

/** Whose authority stands behind an outbound request. */
export type Behind =
  | { readonly kind: 'call'; readonly context: CallContext }
  /** No call is being served: the task that the program was started with. */
  | { readonly kind: 'own' }
  | { readonly kind: 'none'; readonly code: 'token.missing' | 'token.ambiguous' };

export interface InboundCalls {
  begin(context: CallContext): InboundCall;
  /** `handles` and `traceparents`: the values of those headers, however often they were sent. */
  behind(request: { readonly handles: readonly string[]; readonly traceparents: readonly string[] }): Behind;
}

interface Held {
  readonly context: CallContext;
  readonly traceId: string;
  open: boolean;
}

const heldMax = 10_000;

export function openInboundCalls(): InboundCalls {
  // In order of arrival; past the bound the oldest that were answered are forgotten first.
  const byHandle = new Map<string, Held>();

  function forget(): void {
    for (const [handle, { open }] of byHandle) {
      if (byHandle.size <= heldMax) return;
      if (!open) byHandle.delete(handle);
    }
  }

  return {
    begin(context) {
      const handle = randomBytes(16).toString('base64url');
      const traceparent = readable(context.traceparent) ? context.traceparent! : newTraceparent();
      const held = { context: { ...context, traceparent }, traceId: traceIdOf(traceparent)!, open: true };
      byHandle.set(handle, held);
      forget();
      return {
        handle,
        traceparent,
        end() {
          held.open = false;
        },
      };
    },
    behind({ handles, traceparents }) {
      const open = [...byHandle.values()].filter((held) => held.open);
      const traceIds = new Set(traceparents.map(traceIdOf));
      const traced = open.filter(({ traceId }) => traceIds.has(traceId));
      if (handles.length > 1) return none('token.ambiguous');
      if (handles.length === 1) {
        const named = byHandle.get(handles[0]!);
        // What it names is over or was never there; another authority does not stand in for it (rules §2.6).
        if (named === undefined) return none('token.missing');
        return traced.length > 0 && !traced.includes(named) ? none('token.ambiguous') : going(named);
      }
      const candidates = traced.length > 0 ? traced : open;
      if (candidates.length > 1) return none('token.ambiguous');
      return candidates.length === 1 ? going(candidates[0]!) : { kind: 'own' };
    },
  };
}

/** Work that serves a call without usable context has no authority at all. Rules §2.6. */
function going({ context }: Held): Behind {
  return context.continuation === null ? none('token.missing') : { kind: 'call', context };
}

function none(code: 'token.missing' | 'token.ambiguous'): Behind {
  return { kind: 'none', code };
}

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

function traceIdOf(traceparent: string): string | null {
  return TRACEPARENT.exec(traceparent)?.[1] ?? null;
}

function readable(traceparent: string | null): boolean {
  return traceparent !== null && traceIdOf(traceparent) !== null;
}

function newTraceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}
