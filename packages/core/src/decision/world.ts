// The world a call is judged in: a frozen snapshot with version ids, so that any decision can be replayed from its record.

import type { ActionWorld } from '../action/judge-action.ts';
import type { TokenWorld } from '../token/token-world.ts';
import type { TrustWorld } from '../transport/trust.ts';

export interface World extends ActionWorld {
  readonly trust: TrustWorld;
  readonly tokens: TokenWorld;
  /** Version ids that go into the record. */
  readonly versions: { readonly [part: string]: string };
}
