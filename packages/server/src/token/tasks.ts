// Tasks belong to the principal (rules §3.1): opened on a person's own request, and ended with everything that was made from
// them. Mandates open theirs in the same way; the tasks of OAuth clients are in consents.ts.

import {
  anyScopeCovers,
  authorityFromPrompt,
  type Budget,
  type Deny,
  deny,
  type Link,
  noPrompt,
  type Principal,
  parseScope,
  pass,
  plannedAuthority,
  type Revocations,
  type TaskAuthority,
  userKey,
  type Verdict,
  withTurn,
} from '@writ/core';
import type { Continuations } from './continuation.ts';
import type { Authority, AuthorizationServerDeps, TaskOrigin } from './ports.ts';
import type { RevocationLease } from './revocation-lease.ts';
import type { Revoke } from './revoke.ts';
import { type OpenRoot, personCeiling } from './roots.ts';

export interface TaskAsk {
  readonly root: Principal;
  readonly openedBy: Opener;
  /** Path of the agent the task is for, `claude/orchestrator`. */
  readonly agentPath: string;
  readonly prompt: string | null;
  readonly origin: TaskOrigin;
  /** Absent: what the prompt asks for (`tasks.scopeFromPrompt`), else all that the agent may use or delegate. */
  readonly scopes?: readonly string[];
  /** What a planner thinks the task needs: may only narrow. */
  readonly planned?: Partial<TaskAuthority>;
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

export interface TaskContinuation {
  readonly task: string;
  /** A continuation: useless to anyone but the task's agent. */
  readonly subjectToken: string;
  /** Seconds since 1970. */
  readonly expires: number;
}

/** With what the task may ask at all. */
export interface OpenedTask extends TaskContinuation, TaskAuthority {}

export interface Tasks {
  open(ask: TaskAsk): Promise<Verdict<OpenedTask>>;
  /** Kills its tokens, leases and continuations. False: there was no such open task. */
  end(task: string, by: string): Promise<boolean>;
  /** A fresh continuation for the agent of an open task. */
  continuationOf(task: string, holder: string): Promise<Verdict<TaskContinuation>>;
}

/** The chain holds at most 16 links, the root among them. */
const depthMax = 15;

const taskSecondsMax = 86_400;
const promptCharsMax = 32_768;

export interface TaskRooms {
  readonly openRoot: OpenRoot;
  readonly continuations: Continuations;
  readonly revoke: Revoke;
  readonly revocations: RevocationLease;
}

export function createTasks(deps: AuthorizationServerDeps, rooms: TaskRooms): Tasks {
  const { openRoot, continuations, revoke, revocations } = rooms;
  const { store, clock } = deps;

  async function continuation(task: string, root: Link, holder: string): Promise<Verdict<TaskContinuation>> {
    const chain = { task, links: [root] as const };
    const minted = await continuations.mint({ chain, parentRow: root.row, holder });
    if (minted.outcome === 'deny') return minted;
    return pass({ task, subjectToken: minted.facts.token, expires: root.untilSeconds });
  }

  /** What was asked, else what the prompt asks for, else what the agent has; a planner takes away from that (rules §3.12, §3.16). */
  function authorityOf(ask: TaskAsk, authority: Authority): Verdict<TaskAuthority> {
    const held = authority.entitlements.get(ask.agentPath) ?? [];
    const origin = originOf(ask);
    // Without a prompt there are no words to go by, and the rule about the task's scope does not apply (rules §3.10).
    const isFree = !authority.tasks.scopeFromPrompt || ask.prompt === null || origin === 'none';
    const given = isFree
      ? { scopes: ask.scopes ?? held }
      : authorityFromPrompt({
          held,
          asked: ask.scopes ?? null,
          prompt: withTurn(noPrompt, { origin, text: ask.prompt, opensTask: true }, 3).prompt,
          servers: deps.scopedServers(),
          bindArguments: authority.tasks.bindArguments,
          rootAddresses: ask.root.iss === deps.issuer ? (authority.addresses.get(ask.root.sub) ?? []) : [],
        });
    return ask.planned === undefined ? pass(given) : plannedAuthority(ask.planned, given);
  }

  return {
    async open(ask) {
      const authority = deps.authority();
      const agent = authority.agents.get(ask.agentPath);
      if (!agent) return deny('action.unknown', { agent: ask.agentPath });
      await revocations.ensure();
      const refused = openingFault(ask, authority) ?? withdrawnFault(ask.root, agent.spiffeId, revocations.view());
      if (refused) return refused;
      const given = authorityOf(ask, authority);
      if (given.outcome === 'deny') return given;
      const { task, link } = await openRoot({
        link: rootLink(ask, given.facts, authority, `${deps.mtlsBase}/a2a/${ask.agentPath}`, clock.nowSeconds()),
        agent: ask.agentPath,
        clientId: null,
        grantId: null,
        prompt: ask.prompt,
        origin: originOf(ask),
        openedBy: openerOf(ask.openedBy),
      });
      const continued = await continuation(task, link, agent.spiffeId);
      return continued.outcome === 'deny' ? continued : pass({ ...continued.facts, ...given.facts });
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
      const root = JSON.parse(row.root_link) as Link;
      return withdrawnFault(root.actor, holder, revocations.view()) ?? continuation(task, root, holder);
    },
  };
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

function openerOf(opener: Opener): string {
  return opener.kind === 'person' ? opener.user : `${opener.kind}:${opener.id}`;
}

/** Every dimension explicit: what is absent at a root would be the least (rules §2.1). */
function rootLink(
  ask: TaskAsk,
  given: TaskAuthority,
  authority: Authority,
  audience: string,
  nowSeconds: number,
): Omit<Link, 'row'> {
  return {
    actor: ask.root,
    audience,
    ...given,
    budget: ask.budget ?? [],
    depth: ask.depth ?? authority.tasks.depth,
    untilSeconds: nowSeconds + (ask.ttlSeconds ?? authority.tasks.ttlSeconds),
    ceiling: personCeiling,
  };
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}
