// Whose task is it? Ids are made by the agent and learnt from its answers; a task is seen by the caller that started it, for
// the person it was started for, and by nobody else. A foreign task and a missing one look the same. A2A 1.0, authorization.

import { isJsonObject, type JsonObject, type TokenFacts, userKey } from '@writ/core';

export interface Ownership {
  owns(agent: string, taskId: string, token: TokenFacts): boolean;
  /** Reads task ids out of one result of the agent. */
  learn(agent: string, result: JsonObject, token: TokenFacts): void;
}

// The oldest is forgotten: a caller then sees "not found", never somebody else's task.
const tasksMax = 100_000;

export function createOwnership(): Ownership {
  const owners = new Map<string, string>();
  const keyOf = (agent: string, taskId: string) => `${agent} ${taskId}`;
  const ownerOf = (token: TokenFacts) => `${token.actorKey} ${userKey(token.root)} ${token.chain.task}`;
  return {
    owns: (agent, taskId, token) => owners.get(keyOf(agent, taskId)) === ownerOf(token),
    learn(agent, result, token) {
      const taskId = taskIdIn(result);
      if (taskId === null || owners.has(keyOf(agent, taskId))) return;
      if (owners.size >= tasksMax) owners.delete(owners.keys().next().value!);
      owners.set(keyOf(agent, taskId), ownerOf(token));
    },
  };
}

/** A result is a task, or holds one, or an event or message that names one. */
function taskIdIn(result: JsonObject): string | null {
  const { task, message, statusUpdate, artifactUpdate } = result;
  for (const holder of [message, statusUpdate, artifactUpdate]) {
    if (isJsonObject(holder) && typeof holder.taskId === 'string') return holder.taskId;
  }
  const found = isJsonObject(task) ? task.id : result.id;
  return typeof found === 'string' ? found : null;
}
