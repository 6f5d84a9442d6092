// Where a chain begins: the root's link with every dimension written out (rules §2.1), its registry row, and its task. On record
// before anything can be made from it.

import type { Level, Link } from '@writ/core';
import type { AuthorizationServerDeps, TaskOrigin } from './ports.ts';
import type { Registry } from './registry.ts';

export interface RootAsk {
  readonly link: Omit<Link, 'row'>;
  /** Path of the task's own agent; null for a consent. */
  readonly agent: string | null;
  readonly clientId: string | null;
  /** Consent that keeps the task open. */
  readonly grantId: string | null;
  readonly prompt: string | null;
  readonly origin: TaskOrigin;
  readonly openedBy: string;
}

export interface Root {
  readonly task: string;
  readonly link: Link;
}

/** Opens the task. Of two that are opened for one consent at once, the first stays; ask the store which. */
export type OpenRoot = (ask: RootAsk) => Promise<Root>;

/** A person's text is trusted like the person. Rules §3.3. */
export const personCeiling: Level = 4;

/** Starting floors: what a task without prompt begins at (rules §1.2), and one with (§3.3). */
const floorWithoutPrompt = 1;
const floorWithPrompt = 3;

export function createOpenRoot(deps: AuthorizationServerDeps, registry: Registry): OpenRoot {
  return async (ask) => {
    const task = `tsk_${deps.newId()}`;
    const link: Link = { ...ask.link, row: deps.newId() };
    await deps.record({
      event: 'task.opened',
      id: deps.newId(),
      task,
      root: link.actor.sub,
      agent: ask.agent,
      client: ask.clientId,
      openedBy: ask.openedBy,
      origin: ask.origin,
      scopes: link.scopes,
      details: link.details ?? null,
      depth: link.depth,
      ceiling: link.ceiling,
      until: link.untilSeconds,
    });
    // The row first: whoever finds the task finds a root that tokens can be entered below.
    await registry.enter(rowOf(task, link, ask.grantId, deps.clock.nowSeconds()));
    await deps.store.db
      .insertInto('tasks')
      .values({
        id: task,
        root_iss: link.actor.iss,
        root_sub: link.actor.sub,
        agent: ask.agent,
        client_id: ask.clientId,
        grant_id: ask.grantId,
        prompt: ask.prompt,
        origin: ask.origin,
        opened_by: ask.openedBy,
        row: link.row,
        root_link: JSON.stringify(link),
        floor: ask.prompt === null ? floorWithoutPrompt : floorWithPrompt,
        created: deps.clock.nowSeconds(),
        until_seconds: link.untilSeconds,
        ended: null,
      })
      .onConflict((conflict) => conflict.column('grant_id').doNothing())
      .execute();
    return { task, link };
  };
}

function rowOf(task: string, link: Link, grantId: string | null, nowSeconds: number) {
  return {
    id: link.row,
    parent: null,
    kind: 'root',
    subject: link.actor,
    actor: null,
    clientId: null,
    audience: link.audience,
    scopes: link.scopes,
    task,
    grantId,
    holder: null,
    issuedSeconds: nowSeconds,
    untilSeconds: link.untilSeconds,
    expiresSeconds: link.untilSeconds,
    decision: null,
  } as const;
}
