// The world a call is judged in: a frozen snapshot with version ids, so that any decision can be replayed from its record.

import type { GrantedApproval } from '../action/approval.ts';
import type { Target } from '../action/call.ts';
import type { Limit } from '../action/limits.ts';
import type { Mode } from '../action/observe.ts';
import type { Policy } from '../action/policy.ts';
import type { TaskWorld } from '../action/task-world.ts';
import type { Engine } from '../std/engine.ts';
import type { TokenWorld } from '../token/token-world.ts';
import type { TrustWorld } from '../transport/trust.ts';

export interface World {
  readonly trust: TrustWorld;
  readonly tokens: TokenWorld;
  readonly policy: Policy;
  readonly tasks: TaskWorld;
  /** Unused approvals for this very call; empty until a first judgement asks. */
  readonly approvals: readonly GrantedApproval[];
  /** Whether text outlives a task in this caller; null where nobody said. */
  memoryOf(actorKey: string): 'task' | 'none' | 'persistent' | null;
  /** Rules §7.3. */
  modeOf(target: Target, actorKey: string): Mode;
  /** Ceilings of the operator's own. Rules §2.12. */
  readonly limits: readonly Limit[];
  readonly engine: Engine;
  /** Version ids that go into the record. */
  readonly versions: { readonly [part: string]: string };
}
