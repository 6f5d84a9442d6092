// One question to another engine, as plain data: who, for whom, what, and the facts of the chain. Both dialects (OPA, AuthZEN)
// are made from it, and a verdict is bound to its digest.

import {
  agentPath,
  type JsonObject,
  type JsonValue,
  type PolicyRequest,
  parseSpiffeId,
  pointerCovers,
  pointersOf,
  valueAt,
} from '@writ/core';
import { digestOf } from '../digest.ts';

/** Whoever is asked about: the question is one about the call, and answers for root and actor alike. */
export type CallQuestion = Omit<PolicyRequest, 'asker'>;

/**
 * `sends`: JSON pointers (`*` for one key or index) of the arguments whose values may leave the plane; of all others only the
 * digest over the whole does.
 */
export function questionOf(asked: CallQuestion, sends: readonly string[]): JsonObject {
  const { context, target, operation } = asked;
  const { root, actor } = context;
  return {
    root: { iss: root.iss, sub: root.sub },
    actor: actorOf(actor),
    via: [...context.via],
    depth: context.depth,
    task: context.task,
    scopes: [...context.scopes],
    protocol: context.protocol,
    operation,
    target: { kind: target.kind, server: target.server, name: target.name },
    arguments: { digest: digestOf(asked.arguments), values: valuesOf(asked.arguments, sends) },
  };
}

/**
 * What a verdict is about. The clock is left out on purpose: the engine has its own, and a call that is judged again a second
 * later is the same call.
 */
export function aboutOf(asked: CallQuestion): string {
  return digestOf(questionOf(asked, []));
}

function actorOf(actor: string): JsonObject {
  const spiffeId = parseSpiffeId(actor);
  return spiffeId ? { kind: 'agent', id: actor, path: agentPath(spiffeId) } : { kind: 'client', id: actor, path: null };
}

/** Leaves by pointer: flat, so that a policy reads an argument the way `writ.yaml` names it. */
function valuesOf(args: JsonObject, sends: readonly string[]): JsonObject {
  const values = pointersOf(args)
    .filter((pointer) => sends.some((sent) => pointerCovers(sent, pointer)))
    .map((pointer) => [pointer, valueAt(args, pointer)] as const)
    .filter((entry): entry is readonly [string, JsonValue] => entry[1] !== undefined);
  return Object.fromEntries(values);
}
