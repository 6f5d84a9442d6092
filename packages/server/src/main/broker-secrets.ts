// What the broker gave out as a secret never leaves in an argument, to whomever and whatever else is known of the task (rules §3.11).

import { type JsonObject, pointersOf, type Question, type TaskWorld, valueAt } from '@writ/core';

export interface KnownSecrets {
  contains(text: string): boolean;
}

export function refuseBrokerSecrets(tasks: TaskWorld, secrets: KnownSecrets): TaskWorld {
  return {
    judge(call, token) {
      const answer = tasks.judge(call, token);
      const found = secretIn(call.arguments, secrets);
      return found === null ? answer : { ...answer, denials: [found, ...answer.denials] };
    },
  };
}

/** Names count as well as values: an argument may be called by what it carries. */
function secretIn(args: JsonObject, secrets: KnownSecrets): Question | null {
  const rule = 'writ.secret.broker';
  const code = 'action.secret_in_arguments';
  for (const pointer of pointersOf(args)) {
    // The pointer would repeat the name.
    if (secrets.contains(pointer)) return { rule, code, argument: null };
    const value = valueAt(args, pointer);
    if (typeof value === 'string' && secrets.contains(value)) return { rule, code, argument: pointer };
  }
  return null;
}
