// AuthZEN Authorization API 1.0, `POST /access/v1/evaluation`: the accountable person is the subject, the agent that acts and its
// chain are context, and the one yes is `decision: true` without an obligation that nobody here could meet.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import { type Dialect, type EngineOptions, openEngine } from './engine.ts';
import type { RemoteEngine } from './verdict.ts';

const authzenDialect: Dialect = {
  body: evaluationOf,
  read(answer) {
    const decision = isJsonObject(answer) ? answer.decision : undefined;
    if (typeof decision !== 'boolean') return { fault: 'no_boolean', cause: '`decision` is not a boolean' };
    // Obligations profile: who cannot comply with all of them treats the answer as a denial.
    if (decision && obliges(answer)) {
      return { fault: 'obligation', cause: 'it permits with obligations, and none can be met here' };
    }
    return decision;
  },
};

/** `url` is the evaluation endpoint, as the engine's `/.well-known/authzen-configuration` gives it. */
export function openAuthzen(options: EngineOptions): RemoteEngine {
  return openEngine(options, authzenDialect);
}

const resourceTypes: { readonly [kind: string]: string } = { server: 'tool', agent: 'agent', upstream: 'operation' };

/** AuthZEN 1.0 §5: null members are left out. */
function evaluationOf(question: JsonObject): JsonObject {
  const { root, actor, target, operation, arguments: args, ...chain } = question as QuestionMembers;
  const { kind, server, name } = target;
  return {
    subject: { type: 'user', id: root.sub, properties: { iss: root.iss } },
    action: { name: operation, properties: { arguments: args } },
    resource: {
      type: resourceTypes[kind]!,
      id: name === null || kind === 'agent' ? server : `${server}/${name}`,
      properties: { server },
    },
    context: {
      agent: actor.path === null ? { kind: actor.kind, id: actor.id } : { ...actor },
      actor_chain: chain.via,
      depth: chain.depth,
      task: chain.task,
      scopes: chain.scopes,
      protocol: chain.protocol,
    },
  };
}

/** What `questionOf` writes. */
type QuestionMembers = {
  readonly root: { readonly iss: string; readonly sub: string };
  readonly actor: { readonly kind: string; readonly id: string; readonly path: string | null };
  readonly target: { readonly kind: string; readonly server: string; readonly name: string | null };
  readonly operation: string;
  readonly arguments: JsonObject;
  readonly via: readonly string[];
  readonly depth: number;
  readonly task: string;
  readonly scopes: readonly string[];
  readonly protocol: string;
};

/** Anything but a missing or empty list obliges: a form that is not known here cannot be complied with. */
function obliges(answer: JsonValue): boolean {
  const context = isJsonObject(answer) ? answer.context : undefined;
  if (context === undefined || context === null) return false;
  if (!isJsonObject(context)) return true;
  const { obligations } = context;
  if (obligations === undefined || obligations === null) return false;
  return !Array.isArray(obligations) || obligations.length > 0;
}
