// What the plane knows of a task when an action is judged: how far its text may be trusted, and where argument values came from.
// A frozen snapshot behind one question; matching is trust/, keeping evidence is the gateway's. Rules §3.

import type { DenialCode } from '../denial.ts';
import type { JsonObject } from '../std/json.ts';
import type { Level } from '../token/chain.ts';
import type { TokenFacts } from '../token/facts.ts';
import type { Call } from './call.ts';
import type { Definition } from './policy.ts';

/** A rule that wants a person's word, or says no. */
export interface Question {
  /** Id of the rule, `writ.trust.target` say. */
  readonly rule: string;
  readonly code: DenialCode;
  /** JSON pointer of the argument it is about; null for the call as a whole. */
  readonly argument: string | null;
}

export interface TrustAnswer {
  /** Rules that deny, whatever anybody approves. */
  readonly denials: readonly Question[];
  /** Rules that ask. */
  readonly questions: readonly Question[];
  /** Argument pointer → role, level and where it came from; goes into the record. Never a value. */
  readonly provenance: JsonObject;
  readonly floor: { readonly task: Level; readonly residue: Level; readonly used: Level };
}

export interface TaskWorld {
  judge(call: Call, token: TokenFacts, definition: Definition): TrustAnswer;
}

/** A plane that does not track tasks: nothing is asked, and what is not known counts as external. */
export const untrackedTasks: TaskWorld = {
  judge: () => ({ denials: [], questions: [], provenance: {}, floor: { task: 1, residue: 1, used: 1 } }),
};
