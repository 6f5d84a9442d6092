// Tasks belong to the principal (rules §3.1): opened on a person's own request or by a consent, with every dimension of the root
// written out, and ended with everything that was made from it. Mandates open theirs in the same way.

import {
  anyScopeCovers,
  type Budget,
  type Deny,
  deny,
  type Level,
  type Link,
  type Principal,
  parseScope,
  pass,
  type Revocations,
  userKey,
  type Verdict,
} from '@writ/core';
import type { Store } from '../store/store.ts';
import type { Continuations } from './continuation.ts';
import type { Authority, AuthorizationServerDeps, TaskOrigin } from './ports.ts';
import type { Registry } from './registry.ts';
import type { RevocationLease } from './revocation-lease.ts';
import type { Revoke } from './revoke.ts';

export interface TaskAsk {
  readonly root: Principal;
  readonly openedBy: Opener;
  /** Path of the agent the task is for, `claude/orchestrator`. */
  readonly agentPath: string;
  readonly prompt: string | null;
  readonly origin: TaskOrigin;
  /** Absent: all that the agent may use or delegate. */
  readonly scopes?: readonly string[];
  /** How many takes; absent: `tasks.depth`. */
  readonly depth?: number;
  readonly budget?: readonly Budget[];
  readonly ttlSeconds?: number;
}

export type Opener =
  /** A session of this user of the plane. */
  | { readonly kind: 'person'; readonly user: string }
  | { readonly kind: 'mandate'; readonly id: string }
  /** A token with an actor: it may not (contract §2). */
  | { readonly kind: 'agent'; readonly id: string };

export interface OpenedTask {
  readonly task: string;
  /** A continuation: useless to anyone but the task's agent. */
  readonly subjectToken: string;
  /** Seconds since 1970. */
  readonly expires: number;
}

export interface Tasks {
  open(ask: TaskAsk): Promise<Verdict<OpenedTask>>;
  /** Kills its tokens, leases and continuations. False: there was no such open task. */
  end(task: string, by: string): Promise<boolean>;
  /** A fresh continuation for the agent of an open task. */
  continuationOf(task: string, holder: string): Promise<Verdict<OpenedTask>>;
  /** The root link of the task that a consent keeps open, opened at its first token. Null: it was ended. */
  ofConsent(consent: Consent): Promise<{ readonly task: string; readonly root: Link } | null>;
}

export interface Consent {
  readonly grantId: string;
  readonly root: Principal;
  readonly clientId: string;
  /** All scopes the person agreed to so far. */
  readonly scopes: readonly string[];
  readonly untilSeconds: number;
}

/** A person's text is trusted like the person. Rules §3.3. */
const personCeiling: Level = 4;

/** Starting floors: what a task without prompt begins at (rules §1.2), and one with (§3.3). */
const floorWithoutPrompt = 1;
const floorWithPrompt = 3;

/** The chain holds at most 16 links, the root among them. */
const depthMax = 15;

export const taskSecondsMax = 86_400;
const promptCharsMax = 32_768;

export interface TaskRooms {
  readonly registry: Registry;
  readonly continuations: Continuations;
  readonly revoke: Revoke;
  readonly revocations: RevocationLease;
}

export function createTasks(deps: AuthorizationServerDeps, rooms: TaskRooms): Tasks {
  const { registry, continuations, revoke, revocations } = rooms;
  const { store, clock, issuer } = deps;

  async function enterRoot(id: string, task: string, root: Omit<Link, 'row'>, grantId: string | null): Promise<Link> {
    const link = { ...root, row: id };
    await registry.enter({
      id,
      parent: null,
      kind: 'root',
      subject: root.actor,
      actor: null,
      clientId: null,
      audience: root.audience,
      scopes: root.scopes,
      task,
      grantId,
      holder: null,
      issuedSeconds: clock.nowSeconds(),
      untilSeconds: root.untilSeconds,
      expiresSeconds: root.untilSeconds,
      decision: null,
    });
    return link;
  }

  async function continuation(task: string, root: Link, holder: string): Promise<Verdict<OpenedTask>> {
    const chain = { task, links: [root] as const };
    const minted = await continuations.mint({ chain, parentRow: root.row, holder });
    if (minted.outcome === 'deny') return minted;
    return pass({ task, subjectToken: minted.facts.token, expires: root.untilSeconds });
  }

  return {
    async open(ask) {
      const authority = deps.authority();
      const agent = authority.agents.get(ask.agentPath);
      if (!agent) return deny('action.unknown', { agent: ask.agentPath });
      await revocations.ensure();
      const refused = openingFault(ask, authority) ?? withdrawnFault(ask.root, agent.spiffeId, revocations.view());
      if (refused) return refused;
      const task = `tsk_${deps.newId()}`;
      const root = rootLink(ask, authority, `${deps.mtlsBase}/a2a/${ask.agentPath}`, clock.nowSeconds());
      const origin = originOf(ask);
      const openedBy = ask.openedBy.kind === 'person' ? ask.openedBy.user : `${ask.openedBy.kind}:${ask.openedBy.id}`;
      await deps.record({
        event: 'task.opened',
        id: deps.newId(),
        task,
        root: root.actor.sub,
        agent: ask.agentPath,
        client: null,
        openedBy,
        origin,
        scopes: root.scopes,
        depth: root.depth,
        ceiling: root.ceiling,
        until: root.untilSeconds,
      });
      const link = await enterRoot(deps.newId(), task, root, null);
      await store.db
        .insertInto('tasks')
        .values({
          id: task,
          root_iss: root.actor.iss,
          root_sub: root.actor.sub,
          agent: ask.agentPath,
          client_id: null,
          grant_id: null,
          prompt: ask.prompt,
          origin,
          opened_by: openedBy,
          row: link.row,
          root_link: JSON.stringify(link),
          floor: ask.prompt === null ? floorWithoutPrompt : floorWithPrompt,
          created: clock.nowSeconds(),
          until_seconds: root.untilSeconds,
          ended: null,
        })
        .execute();
      return continuation(task, link, agent.spiffeId);
    },

    async end(task, by) {
      const row = await store.db.selectFrom('tasks').select('ended').where('id', '=', task).executeTakeFirst();
      if (!row || row.ended !== null) return false;
      await revoke({ task }, by);
      return true;
    },

    async continuationOf(task, holder) {
      const row = await store.db.selectFrom('tasks').selectAll().where('id', '=', task).executeTakeFirst();
      const agent = row?.agent == null ? undefined : deps.authority().agents.get(row.agent);
      // One answer for a task that is not there and one that is somebody else's.
      if (!row || agent?.spiffeId !== holder) return deny('token.bound_to_other_peer', { task, peer: holder });
      if (row.ended !== null) return deny('token.revoked', { task });
      if (clock.nowSeconds() >= row.until_seconds) return deny('token.expired', { task, until: row.until_seconds });
      return continuation(task, JSON.parse(row.root_link) as Link, holder);
    },

    async ofConsent(consent) {
      const known = await consentTask(store, consent.grantId);
      if (!known) await openForConsent(consent);
      // Of two requests that were first at once, the task of one was kept.
      const task = known ?? (await consentTask(store, consent.grantId));
      return task && task.ended === null ? { task: task.id, root: rootOfConsent(consent, task.row) } : null;
    },
  };

  async function openForConsent(consent: Consent): Promise<void> {
    const task = `tsk_${deps.newId()}`;
    const root = rootOfConsent(consent, deps.newId());
    const openedBy = consent.root.sub;
    await deps.record({
      event: 'task.opened',
      id: deps.newId(),
      task,
      root: root.actor.sub,
      agent: null,
      client: consent.clientId,
      openedBy,
      origin: 'none',
      scopes: root.scopes,
      depth: root.depth,
      ceiling: root.ceiling,
      until: root.untilSeconds,
    });
    await enterRoot(root.row, task, root, consent.grantId);
    await store.db
      .insertInto('tasks')
      .values({
        id: task,
        root_iss: root.actor.iss,
        root_sub: root.actor.sub,
        agent: null,
        client_id: consent.clientId,
        grant_id: consent.grantId,
        prompt: null,
        origin: 'none',
        opened_by: openedBy,
        row: root.row,
        root_link: JSON.stringify(root),
        floor: floorWithoutPrompt,
        created: clock.nowSeconds(),
        until_seconds: root.untilSeconds,
        ended: null,
      })
      .onConflict((conflict) => conflict.column('grant_id').doNothing())
      .execute();
  }

  function rootOfConsent(consent: Consent, row: string): Link {
    return {
      actor: consent.root,
      // A client has no endpoint: its link is made here, by the person's consent (rules §1.2).
      audience: issuer,
      scopes: consent.scopes,
      budget: [],
      depth: deps.authority().tasks.depth,
      untilSeconds: consent.untilSeconds,
      ceiling: personCeiling,
      row,
    };
  }
}

async function consentTask(store: Store, grantId: string) {
  return store.db.selectFrom('tasks').select(['id', 'row', 'ended']).where('grant_id', '=', grantId).executeTakeFirst();
}

/** Rules §3.1–3.2: who may open it, and with what. */
function openingFault(ask: TaskAsk, authority: Authority): Deny | null {
  if (ask.openedBy.kind === 'agent') return deny('action.prompt_not_from_principal', { opener: ask.openedBy.id });
  const own = authority.entitlements.get(ask.agentPath) ?? [];
  for (const scope of ask.scopes ?? []) {
    if (parseScope(scope) === null) return deny('token.malformed', { scope });
    if (!anyScopeCovers(own, scope)) return deny('token.scope_widened', { scope, agent: ask.agentPath });
  }
  if (ask.depth !== undefined && !isWhole(ask.depth, 0, depthMax)) {
    return deny('token.depth_exceeded', { depth: ask.depth, most: depthMax });
  }
  if (ask.ttlSeconds !== undefined && !isWhole(ask.ttlSeconds, 1, taskSecondsMax)) {
    return deny('token.expiry_widened', { ttlSeconds: ask.ttlSeconds, most: taskSecondsMax });
  }
  if (ask.budget?.some(({ max }) => !isWhole(max, 0, Number.MAX_SAFE_INTEGER))) return deny('token.malformed', {});
  if (ask.prompt !== null && ask.prompt.length > promptCharsMax) return deny('gateway.too_large', {});
  return null;
}

function withdrawnFault(root: Principal, agent: string, view: Revocations): Deny | null {
  if (!view.fresh) return deny('gateway.store_unreachable', { sequence: view.sequence });
  if (view.users.has(userKey(root))) return deny('token.revoked', { user: root.sub });
  return view.agents.has(agent) ? deny('transport.identity_revoked', { peer: agent }) : null;
}

/** Words that came through somebody else are not the root's own: an admin who opens a task for another relays (rules §3.2). */
function originOf(ask: TaskAsk): TaskOrigin {
  if (ask.prompt === null) return 'none';
  if (ask.openedBy.kind === 'person' && ask.openedBy.user !== ask.root.sub && ask.origin === 'direct') return 'relayed';
  return ask.origin;
}

/** Every dimension explicit: what is absent at a root would be the least (rules §2.1). */
function rootLink(ask: TaskAsk, authority: Authority, audience: string, nowSeconds: number): Omit<Link, 'row'> {
  return {
    actor: ask.root,
    audience,
    scopes: ask.scopes ?? authority.entitlements.get(ask.agentPath) ?? [],
    budget: ask.budget ?? [],
    depth: ask.depth ?? authority.tasks.depth,
    untilSeconds: nowSeconds + (ask.ttlSeconds ?? authority.tasks.ttlSeconds),
    ceiling: personCeiling,
  };
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}
