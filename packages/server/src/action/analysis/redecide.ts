// `writ policy replay`: a recorded decision under another policy. A record holds the chain, the target and the time, and of the
// arguments only a digest; so policy is weighed with the arguments unknown, and what depends on them is said to.

import { isJsonObject, type JsonObject, type JsonValue, type Principal } from '@writ/core';
import type { Caller, PlaneView } from './plane-view.ts';
import { type Known, type Weighed, weigh, weightOf } from './weigh.ts';

export type Now =
  | {
      readonly outcome: 'allow' | 'deny' | 'approval';
      readonly code: string | null;
      readonly policies: readonly string[];
    }
  /** Policy reads arguments, which the record does not hold. */
  | { readonly outcome: 'open'; readonly code: null; readonly policies: readonly string[] };

export interface Redecided {
  readonly decisionId: string;
  readonly time: string;
  readonly call: string;
  readonly actor: string;
  readonly was: string;
  readonly wasCode: string | null;
  readonly now: Now;
  readonly changed: 'no' | 'wider' | 'narrower' | 'unknown';
}

/** Null for a decision that policy had no part in: an earlier check said no, or nothing was to be judged. */
export function redecide(plane: PlaneView, record: JsonObject): Redecided | null {
  const asked = askedIn(record);
  if (!asked) return null;
  const now = nowOf(plane, asked);
  const was = String(record.outcome);
  return {
    decisionId: String(record.decisionId),
    time: String(record.time),
    call: asked.action,
    actor: asked.actors.at(-1)!.sub,
    was,
    wasCode: typeof record.code === 'string' ? record.code : null,
    now,
    changed: changeBetween(was, now.outcome),
  };
}

const freedom: { readonly [outcome: string]: number } = { deny: 0, approval: 1, allow: 2 };

function changeBetween(was: string, now: Now['outcome']): Redecided['changed'] {
  if (now === 'open') return 'unknown';
  const difference = freedom[now]! - (freedom[was] ?? 0);
  return difference === 0 ? 'no' : difference > 0 ? 'wider' : 'narrower';
}

interface Asked {
  readonly root: Principal;
  readonly actors: readonly Principal[];
  readonly action: string;
  readonly known: Known;
}

/** Codes of the action check that say what policy said. */
const POLICY_SAID = [
  'action.policy_forbids',
  'action.user_not_permitted',
  'action.policy_error',
  'action.approval_required',
];

function askedIn(record: JsonObject): Asked | null {
  const checks = object(record.checks);
  const target = object(record.target);
  const judged = object(checks.action).verdict;
  const aboutPolicy =
    judged === 'pass' || judged === 'approval' || (judged === 'deny' && POLICY_SAID.includes(String(record.code)));
  if (!aboutPolicy || typeof target.server !== 'string' || typeof target.name !== 'string') return null;
  const links = (Array.isArray(record.chain) ? record.chain : []).filter(isJsonObject);
  const [root, ...actors] = links.map(({ iss, actor }) => ({ iss: String(iss), sub: String(actor) }));
  if (!root || actors.length === 0) return null;
  const scope = `${target.server}:${target.name}`;
  return {
    root,
    actors,
    action: `${target.server}/${target.name}`,
    known: {
      actor: actors.at(-1)!.sub,
      via: actors.map(({ sub }) => sub),
      depth: actors.length,
      task: String(record.task),
      scopes: [scope],
      protocol: String(record.protocol),
      operation: String(record.operation),
      now: String(record.time),
    },
  };
}

/** Rules §3.13, with what is unknown left open. */
function nowOf(plane: PlaneView, { root, actors, action, known }: Asked): Now {
  const operation = plane.operations.find((one) => one.action === action);
  if (!operation) return { outcome: 'deny', code: 'action.unknown', policies: [] };
  if (!operation.definition.reviewed) return { outcome: 'deny', code: 'action.manifest_changed', policies: [] };
  const between = actors.slice(0, -1).map((actor) => weigh(plane, askerOf(actor), operation, known, root));
  const asActor = weigh(plane, askerOf(actors.at(-1)!), operation, known, root);
  const asRoot = weigh(plane, { kind: 'user', principal: root }, operation, known);
  const policies = [...new Set([...takenAway(plane, between), ...asActor.policies, ...asRoot.policies])].sort();
  const never = between.some(isForbidden) || weightOf(asActor) === 'never';
  if (never) return { outcome: 'deny', code: 'action.policy_forbids', policies };
  if (weightOf(asRoot) === 'never') return { outcome: 'deny', code: 'action.user_not_permitted', policies };
  const all = [...between.map((one) => ({ ...one, permits: 'yes' as const })), asActor, asRoot];
  if (all.some(isOpen)) return { outcome: 'open', code: null, policies };
  const asks = all.some(({ asks }) => asks === 'yes');
  return { outcome: asks ? 'approval' : 'allow', code: asks ? 'action.approval_required' : null, policies };
}

/** Of those in between, what permits them is of no account. */
function takenAway(plane: PlaneView, between: readonly Weighed[]): readonly string[] {
  const permits = new Set(plane.policies.filter(({ effect }) => effect === 'permit').map(({ id }) => id));
  return between.flatMap(({ policies }) => policies.filter((id) => !permits.has(id)));
}

function isForbidden({ forbids, fails }: Weighed): boolean {
  return forbids === 'yes' || fails === 'yes';
}

/** It may still be refused, or a person may be asked. */
function isOpen({ permits, forbids, asks, fails }: Weighed): boolean {
  return permits !== 'yes' || forbids === 'may' || fails === 'may' || asks === 'may';
}

function askerOf({ iss, sub }: Principal): Caller['asker'] {
  return sub.startsWith('spiffe://') && iss.startsWith('spiffe://')
    ? { kind: 'agent', spiffeId: sub }
    : { kind: 'client', clientId: sub };
}

function object(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
