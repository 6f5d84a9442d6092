// What the plane knows of a task when an action is judged: how far its text may be trusted, and where argument values came from.
// A frozen snapshot behind one question; matching is trust/, keeping evidence is the gateway's. Rules §3.

import type { DenialCode } from '../denial.ts';
import type { JsonObject } from '../std/json.ts';
import type { Level } from '../token/chain.ts';
import type { TokenFacts } from '../token/facts.ts';
import type { Call } from './call.ts';
import type { Definition } from './policy.ts';
import { riskOfCall } from './trust/manifest.ts';
import type { TrustFacts } from './trust/trust-facts.ts';

/** A rule that wants a person's word, or says no. */
export interface Question {
  /** Id of the rule, `writ.trust.target` say. */
  readonly rule: string;
  readonly code: DenialCode;
  /** JSON pointer of the argument it is about; null for the call as a whole. */
  readonly argument: string | null;
}

export interface TrustAnswer {
  /** What policy may look at: levels, counts, yes and no. */
  readonly facts: TrustFacts;
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
  judge: (call, _, definition) => ({
    facts: factsOfNothing(call, definition),
    denials: [],
    questions: [],
    provenance: {},
    floor: { task: 1, residue: 1, used: 1 },
  }),
};

/** What can be said of a call when nobody knows its task: what the tool is, and that its caller may have read anything. */
export function factsOfNothing({ arguments: args }: Call, { trust, manifest }: Definition): TrustFacts {
  return {
    risk: riskOfCall(trust, args),
    baseRisk: trust.risk,
    effect: trust.effect,
    manifest,
    prompt: 'none',
    floor: 1,
    tainted: true,
    inTask: true,
    target: null,
    value: null,
    datesGiven: true,
    activeToken: null,
    secret: 'none',
  };
}
