// On whose authority an outbound call is made: of the inbound call being served, else of the agent's own task. Work that serves a
// call without usable context has no authority at all; the agent's own task never stands in for it (rules §2.6).

import { currentContext } from './context.ts';
import { refusedHere } from './denied.ts';
import type { Continuation } from './token.ts';

export interface OwnTasks {
  open(continuation: Continuation): void;
  close(task: string): void;
  readonly all: ReadonlyMap<string, Continuation>;
}

/** Tasks that were opened for this agent and that it works on now. */
export function openOwnTasks(): OwnTasks {
  const tasks = new Map<string, Continuation>();
  return {
    open: (continuation) => void tasks.set(continuation.task, continuation),
    close: (task) => void tasks.delete(task),
    all: tasks,
  };
}

/** The continuation to take from. Throws a DeniedError: `token.missing` without any, `token.ambiguous` with several. */
export function authority(tasks: OwnTasks): string {
  const context = currentContext();
  if (context !== null) {
    if (context.continuation === null) throw refusedHere('token.missing');
    return context.continuation;
  }
  const [only, ...others] = tasks.all.values();
  if (only === undefined) throw refusedHere('token.missing');
  if (others.length > 0) throw refusedHere('token.ambiguous');
  return only.token;
}
