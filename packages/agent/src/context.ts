// Which call is being served right now. An outbound call made while serving an inbound one continues that one's chain, and
// AsyncLocalStorage carries the fact through every await, so that two calls served at once never lend each other authority.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Denial } from '@writ/core';
import type { ContextFacts } from './verify.ts';

export interface CallContext {
  /** Authority to go on; null: this work has none, and nothing else stands in for it. */
  readonly continuation: string | null;
  readonly task: string | null;
  /** W3C trace context of the work, or null. */
  readonly traceparent: string | null;
  /** Facts about the inbound call; null for work that no call started. */
  readonly caller: ContextFacts | null;
  /** Why an inbound call came without usable context, or null. */
  readonly denial: Denial | null;
}

const storage = new AsyncLocalStorage<CallContext>();

/** Runs `work`, and everything it starts, as part of this call. */
export function withContext<T>(context: CallContext, work: () => T): T {
  return storage.run(context, work);
}

/** The call being served, or null outside any. */
export function currentContext(): CallContext | null {
  return storage.getStore() ?? null;
}
