// What the broker gave out as a secret never leaves in an argument, to whomever and whatever else is known of the task (rules §3.11).
// Whoever wrote it there knows it: that is recorded, and the credential is listed for rotation.

import {
  argumentLeaves,
  BROKER_SECRET_RULE,
  type Definition,
  type JsonObject,
  type Principal,
  pointersOf,
  type Question,
  type TaskWorld,
  valueAt,
} from '@writ/core';
import { isPlaceholder } from '../action/broker/placeholders.ts';

export interface KnownSecrets {
  contains(text: string): boolean;
  seen(texts: readonly string[], on: { readonly server: string; readonly decision: string }): void;
}

/** Texts that stand for secrets. */
export interface StandIns {
  mayStand(text: string, use: { readonly server: string; readonly root: Principal; readonly task: string }): boolean;
}

export function refuseBrokerSecrets(tasks: TaskWorld, secrets: KnownSecrets, standIns: StandIns): TaskWorld {
  return {
    judge(call, token, definition) {
      const answer = tasks.judge(call, token, definition);
      const { root, chain } = token;
      const use = { server: call.target.server, root, task: chain.task };
      const denials = [...misplacedIn(call.arguments, definition, (text) => standIns.mayStand(text, use))];
      const found = secretIn(call.arguments, secrets) ?? secretIn(call.answers ?? {}, secrets);
      if (found !== null) {
        const texts = [...textsOf(call.arguments), ...textsOf(call.answers ?? {})];
        secrets.seen(texts, { server: call.target.server, decision: call.decisionId });
        denials.unshift(found);
      }
      return denials.length === 0 ? answer : { ...answer, denials: [...denials, ...answer.denials] };
    },
  };
}

/** Rules §5: a text that stands for a secret is a whole value in a payload, issued to this task and for this server, or refused. */
function misplacedIn(
  args: JsonObject,
  { trust }: Definition,
  mayStand: (text: string) => boolean,
): readonly Question[] {
  return argumentLeaves(args, trust.args).flatMap(({ pointer, value, role }) => {
    if (typeof value !== 'string' || !isPlaceholder(value)) return [];
    if (role === 'payload' && mayStand(value)) return [];
    return [{ rule: 'writ.placeholder', code: 'action.argument_invalid', argument: pointer }];
  });
}

function textsOf(args: JsonObject): readonly string[] {
  return pointersOf(args).flatMap((pointer) => [pointer, String(valueAt(args, pointer))]);
}

/** Names count as well as values: an argument may be called by what it carries. */
function secretIn(args: JsonObject, secrets: KnownSecrets): Question | null {
  const rule = BROKER_SECRET_RULE;
  const code = 'action.secret_in_arguments';
  for (const pointer of pointersOf(args)) {
    // The pointer would repeat the name.
    if (secrets.contains(pointer)) return { rule, code, argument: null };
    const value = valueAt(args, pointer);
    if (typeof value === 'string' && secrets.contains(value)) return { rule, code, argument: pointer };
  }
  return null;
}
