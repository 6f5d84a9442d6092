// What the gateway tells and asks about tasks (rules §3); the desk of the action room answers.

import type { Call, JsonValue, Level, OutputRule, TokenFacts } from '@writ/core';

/** The spine's part. */
export interface TasksPort {
  /**
   * Null when everything about the task is at hand. Else resolves once it is: true when the call has to be judged again.
   * Rejects when the store cannot be asked.
   */
  fetch(token: TokenFacts): Promise<boolean> | null;
  /** An allowed action is about to leave. Resolves when what it carries would be remembered after a crash, too. */
  leaving(call: Call, token: TokenFacts): Promise<void>;
}

/** A piece of an answer and the rules that label it; without any it is text from outside. */
export interface OutputPart {
  readonly value: JsonValue;
  readonly rules: readonly OutputRule[];
}

/** The protocols' part. */
export interface OutputsPort {
  /** Before the first byte goes out. Rejects when the floor cannot be stored: then nothing may be released. */
  released(output: {
    readonly token: TokenFacts;
    readonly decision: string;
    readonly server: string;
    readonly parts: readonly OutputPart[];
  }): Promise<void>;
  /**
   * A text that was kept back is about to be judged as an argument: from here on its task can tell where it comes from, and is no less
   * clean for it. False: it does not fit, so nobody could tell.
   */
  recalls(held: {
    readonly token: TokenFacts;
    readonly decision: string;
    readonly server: string;
    readonly text: string;
    readonly level: Level;
    readonly secret: boolean;
  }): boolean;
  /** Levels of what a tool says, from its reviewed manifest; empty without one. */
  rulesOf(server: string, name: string | null): readonly OutputRule[];
}

/** Agents of the plane say what they have read. */
export interface AgentTextPort extends Pick<OutputsPort, 'released'> {
  /** A message of the caller reaches the agent, which may remember it. */
  reaches(agent: string, token: TokenFacts): Promise<void>;
  /** Highest level that text written by this actor in this task may have. */
  floorOf(task: string, actorKey: string): Level;
}
