// The two exchanges there are, and nothing else (rules §2.5): a *take* adds the client as a new actor; a *move* keeps the
// actor and narrows audience or scope. Pure: the authorization server hands in what it has verified and signs what comes out.

import { type Denial, denial, deny } from '../denial.ts';
import { agentPath, parseSpiffeId } from '../transport/spiffe-id.ts';
import { pass, type Verdict } from '../verdict.ts';
import {
  type Budget,
  type Chain,
  type Detail,
  type Level,
  type Link,
  leafOf,
  type Principal,
  samePrincipal,
} from './chain.ts';
import type { GenuineToken } from './judge-token.ts';
import { widening } from './narrower.ts';
import { anyScopeCovers, parseScope } from './scope.ts';
import type { Resource } from './token-world.ts';
import { chainFault } from './verify-chain.ts';

/** What the client asks for. */
export interface ExchangeAsk {
  /** Exactly one endpoint URL. */
  readonly audience: string;
  /** Explicit; an omitted scope is never the parent's. */
  readonly scopes: readonly string[];
  readonly details?: readonly Detail[];
  readonly budget?: readonly Budget[];
  readonly depth?: number;
  readonly untilSeconds?: number;
  readonly ceiling?: Level;
  readonly purpose?: string;
  /** How long the work should take; the token lives at most twice as long. */
  readonly estimatedSeconds?: number;
  readonly requestedSeconds?: number;
}

export interface ExchangeWorld {
  readonly resources: ReadonlyMap<string, Resource>;
  readonly edges: ReadonlyMap<string, ReadonlySet<string>>;
  /** Caller key → scopes it may use or delegate, `send` of its callees included. */
  readonly entitlements: ReadonlyMap<string, readonly string[]>;
  /** Most seconds a token may live. 300 by default (rules §2.7). */
  readonly lifeSecondsMax: number;
}

export interface Exchanged {
  readonly kind: 'take' | 'move';
  /** The new last link, without its registry row. */
  readonly link: Omit<Link, 'row'>;
  /** The row a move goes on with: what the hop has used up is counted there. Null for a take, whose row is written now. */
  readonly row: string | null;
  /** The links before it. */
  readonly before: readonly [Link, ...Link[]];
  readonly expiresSeconds: number;
}

/** The client of the exchange, authenticated. */
export interface Exchanger {
  readonly principal: Principal;
  /** Agent path, or `client:<id>`. */
  readonly key: string;
}

/** Client and subject token decide which exchange it is: the same actor moves, another one takes. */
export function judgeExchange(
  subject: GenuineToken,
  isContinuation: boolean,
  client: Exchanger,
  ask: ExchangeAsk,
  world: ExchangeWorld,
  nowSeconds: number,
): Verdict<Exchanged> {
  const leaf = leafOf(subject.chain);
  const same = !isContinuation && subject.chain.links.length > 1 && samePrincipal(leaf.actor, client.principal);
  return same
    ? judgeMove(subject, client, ask, world, nowSeconds)
    : judgeTake(subject, isContinuation, client, ask, world, nowSeconds);
}

/** Adds the client as the new actor. */
export function judgeTake(
  subject: GenuineToken,
  isContinuation: boolean,
  client: Exchanger,
  ask: ExchangeAsk,
  world: ExchangeWorld,
  nowSeconds: number,
): Verdict<Exchanged> {
  const parent = leafOf(subject.chain);
  const stranger = takerFault(subject, isContinuation, client, world);
  if (stranger) return { outcome: 'deny', denial: stranger };
  if (subject.chain.links.some((link) => samePrincipal(link.actor, client.principal))) {
    return deny('token.cycle', { actor: client.principal.sub });
  }
  if (parent.depth < 1) return deny('token.depth_exceeded', { actor: parent.actor.sub });
  const link = linkFrom(ask, parent, client.principal, parent.depth - 1);
  return judged('take', subject.chain.links, link, subject.chain.task, parent, 1, client, ask, world, nowSeconds);
}

/** Keeps the actor; audience or scope becomes narrower; no depth is used. */
export function judgeMove(
  subject: GenuineToken,
  client: Exchanger,
  ask: ExchangeAsk,
  world: ExchangeWorld,
  nowSeconds: number,
): Verdict<Exchanged> {
  const own = leafOf(subject.chain);
  if (subject.chain.links.length < 2 || !samePrincipal(own.actor, client.principal)) {
    return deny('token.bound_to_other_peer', { actor: own.actor.sub, client: client.principal.sub });
  }
  const before = subject.chain.links.slice(0, -1) as [Link, ...Link[]];
  const link = linkFrom(ask, own, client.principal, own.depth);
  return judged('move', before, link, subject.chain.task, own, 0, client, ask, world, nowSeconds);
}

/** Is this client the one the token was made for? Rules §2.5. */
function takerFault(
  subject: GenuineToken,
  isContinuation: boolean,
  client: Exchanger,
  world: ExchangeWorld,
): Denial | null {
  const parent = leafOf(subject.chain);
  const detail = { client: client.principal.sub, audience: parent.audience };
  if (isContinuation && subject.claims.holder !== client.principal.sub) {
    return denial('token.bound_to_other_peer', { ...detail, holder: String(subject.claims.holder ?? null) });
  }
  const owner = world.resources.get(parent.audience)?.owner;
  if (owner !== client.principal.sub) return denial('token.delegator_mismatch', { ...detail, owner: owner ?? null });
  const mayAct = subject.claims.may_act;
  if (mayAct !== undefined) {
    const named = mayAct as { iss?: unknown; sub?: unknown } | null;
    if (named?.sub !== client.principal.sub || named.iss !== client.principal.iss) {
      return denial('token.may_act_forbids', detail);
    }
  }
  // At the first take the edge is the task's own agent, which the root's audience named above.
  if (subject.chain.links.length === 1) return null;
  const callerId = parseSpiffeId(parent.actor.sub);
  const caller = callerId ? agentPath(callerId) : `client:${parent.actor.sub}`;
  if (caller === null || !world.edges.get(caller)?.has(client.key)) {
    return denial('transport.edge_not_allowed', { caller: parent.actor.sub, target: client.key });
  }
  return null;
}

function linkFrom(ask: ExchangeAsk, from: Link, actor: Principal, depthMax: number): Omit<Link, 'row'> {
  return {
    actor,
    audience: ask.audience,
    scopes: ask.scopes,
    ...(ask.details ? { details: ask.details } : {}),
    budget: ask.budget ?? [],
    depth: Math.min(ask.depth ?? depthMax, depthMax),
    untilSeconds: Math.min(ask.untilSeconds ?? from.untilSeconds, from.untilSeconds),
    ceiling: ask.ceiling ?? from.ceiling,
    ...(ask.purpose === undefined ? {} : { purpose: ask.purpose }),
  };
}

function judged(
  kind: 'take' | 'move',
  before: readonly [Link, ...Link[]],
  link: Omit<Link, 'row'>,
  task: string,
  from: Link,
  takes: 0 | 1,
  client: Exchanger,
  ask: ExchangeAsk,
  world: ExchangeWorld,
  nowSeconds: number,
): Verdict<Exchanged> {
  // A move that says nothing of arguments keeps the ones it had: the link is replaced, not added.
  const kept = kind === 'move' && !link.details && from.details ? { ...link, details: from.details } : link;
  const whole = kind === 'move' ? { ...kept, budget: budgetOf(kept, from) } : kept;
  const target = targetFault(client, ask, world);
  if (target) return { outcome: 'deny', denial: target };
  const wider = widening(whole, from, takes);
  if (wider) return { outcome: 'deny', denial: wider };
  const chain: Chain = { task, links: [...before, { ...whole, row: 'new' }] };
  const fault = chainFault(chain, world.resources);
  if (fault) return { outcome: 'deny', denial: fault };
  if (nowSeconds >= whole.untilSeconds) return deny('token.expired', { until: whole.untilSeconds });
  const row = kind === 'move' ? from.row : null;
  return pass({ kind, link: whole, row, before, expiresSeconds: expiry(ask, whole.untilSeconds, world, nowSeconds) });
}

/** Ceilings of the replaced link that the new one does not name go with it. */
function budgetOf({ budget }: Pick<Link, 'budget'>, from: Link): readonly Budget[] {
  return [...budget, ...from.budget.filter(({ unit }) => !budget.some((own) => own.unit === unit))];
}

/** One agent or server that an edge lets the actor call, with scopes that belong there. Rules §2.4. */
function targetFault(client: Exchanger, ask: ExchangeAsk, world: ExchangeWorld): Denial | null {
  const callee = world.resources.get(ask.audience);
  if (!callee || !world.edges.get(client.key)?.has(callee.key)) {
    return denial('transport.edge_not_allowed', { caller: client.key, target: callee?.key ?? ask.audience });
  }
  if (ask.scopes.length === 0)
    return denial('token.scope_insufficient', { target: callee.key, why: 'no scope was named' });
  const own = world.entitlements.get(client.key) ?? [];
  const foreign = ask.scopes.find((scope) => !anyScopeCovers(own, scope));
  if (foreign !== undefined)
    return denial('token.scope_widened', { scope: foreign, why: 'the client is not entitled to it' });
  const usable =
    callee.kind === 'agent'
      ? [...(world.entitlements.get(callee.key) ?? []), `${callee.key}:send`, `${callee.key}:skills/*`]
      : null;
  const misplaced = ask.scopes.find((scope) =>
    usable ? !anyScopeCovers(usable, scope) : parseScope(scope)?.name !== callee.key,
  );
  if (misplaced === undefined) return null;
  return denial('token.scope_widened', { scope: misplaced, why: `\`${callee.key}\` can neither use nor delegate it` });
}

/** Rules §2.7: min(leaf `until`, requested, 2 × estimate, cap). */
function expiry(ask: ExchangeAsk, untilSeconds: number, world: ExchangeWorld, nowSeconds: number): number {
  const life = [world.lifeSecondsMax];
  if (ask.requestedSeconds !== undefined) life.push(ask.requestedSeconds);
  if (ask.estimatedSeconds !== undefined) life.push(2 * ask.estimatedSeconds);
  return Math.min(untilSeconds, nowSeconds + Math.max(1, Math.floor(Math.min(...life))));
}
