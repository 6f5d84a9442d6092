// Whose task is it, and whose conversation? Their ids are made by the agent and learnt from its answers; they are good for the
// caller that began them, for the person and the task it was done for, and for nobody else (rules §3.5). A foreign one and a
// missing one look the same. A2A 1.0, authorization.

import { isJsonObject, type JsonObject, type JsonValue, type TokenFacts } from '@writ/core';

/** What a request goes on with; null for what it begins. */
export interface Handles {
  readonly taskId: string | null;
  readonly contextId: string | null;
}

export interface Ownership {
  /** Is everything that is named the caller's own? A conversation that no answer has named yet is nobody's, so nobody can go on with it. */
  owns(agent: string, named: Handles, token: TokenFacts): boolean;
  /** Reads the ids out of one result of the agent. */
  learn(agent: string, result: JsonObject, token: TokenFacts): void;
}

// The oldest is forgotten: a caller then sees "not found", never somebody else's.
const handlesMax = 200_000;
// An agent's ids are short; a longer one is not kept, so nobody can go on with it.
const idCharsMax = 256;

export function createOwnership(): Ownership {
  const owners = new Map<string, string>();
  const keyOf = (agent: string, kind: keyof Handles, id: string) => `${agent} ${kind} ${id}`;
  const ownerOf = ({ actorKey, root, chain }: TokenFacts) => JSON.stringify([actorKey, root.iss, root.sub, chain.task]);

  function keep(agent: string, kind: keyof Handles, id: string | null, owner: string): void {
    if (id === null || id.length > idCharsMax || owners.has(keyOf(agent, kind, id))) return;
    if (owners.size >= handlesMax) owners.delete(owners.keys().next().value!);
    owners.set(keyOf(agent, kind, id), owner);
  }

  return {
    owns(agent, { taskId, contextId }, token) {
      const owner = ownerOf(token);
      const own = (kind: keyof Handles, id: string | null) =>
        id === null || owners.get(keyOf(agent, kind, id)) === owner;
      return own('taskId', taskId) && own('contextId', contextId);
    },
    learn(agent, result, token) {
      const owner = ownerOf(token);
      const { taskId, contextId } = handlesIn(result);
      keep(agent, 'taskId', taskId, owner);
      keep(agent, 'contextId', contextId, owner);
    },
  };
}

/** A result is a task, or holds one, or an event or message that names one. */
function handlesIn(result: JsonObject): Handles {
  const { task, message, statusUpdate, artifactUpdate } = result;
  for (const holder of [message, statusUpdate, artifactUpdate]) {
    if (isJsonObject(holder)) return { taskId: text(holder.taskId), contextId: text(holder.contextId) };
  }
  const found = isJsonObject(task) ? task : result;
  return { taskId: text(found.id), contextId: text(found.contextId) };
}

function text(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
