// What telemetry is told and what it asks for. Other rooms' shapes as far as they are needed here; wired in main/telemetry.ts.

import type { Call, Decision } from '@writ/core';

/** The part of an exchange with the spine that shows how a call goes. */
export interface Watched<Reply> {
  readonly call: Call;
  forward(decision: Decision): Promise<Reply>;
  refuse(decision: Decision): Promise<void>;
  release(reply: Reply, decision: Decision): Promise<{ readonly state: string }>;
}

/** A record that was handed to the log. */
export interface Handed {
  readonly durable: Promise<void>;
}

/** A durable record, as far as it is counted. */
export interface Counted {
  readonly kind?: unknown;
  readonly event?: unknown;
  readonly operation?: unknown;
  readonly protocol?: unknown;
  readonly code?: unknown;
  readonly verdict?: unknown;
}

/** Asked at each scrape. One that rejects is left out of that scrape, and counted. */
export interface Readings {
  /** Records of the log: given out, safe on disk, under a checkpoint; and whether it has stopped. */
  log(): { readonly size: number; readonly durable: number; readonly published: number; readonly failed: boolean };
  callsUnderWay(): number;
  answersOpen(): number;
  /** Age of what is known of revocations; `fresh` is whether calls are judged with it. */
  revocations(): { readonly ageMillis: number; readonly fresh: boolean };
  /** Questions to a person that nobody has answered yet. */
  approvalsWaiting(): Promise<number>;
  /** What tasks have read (UTF-16 units) and values that went out to tools, as held in memory. */
  memory(): { readonly evidenceChars: number; readonly tasks: number; readonly echoes: number };
  /** Answers of the policy that Cedar's own evaluator was asked again; null where none is. */
  shadow(): {
    readonly compared: number;
    readonly differed: number;
    readonly dropped: number;
    readonly waiting: number;
  } | null;
  /** By server. */
  circuits(): ReadonlyMap<string, 'closed' | 'open'>;
}

/** Where a call was at which moment, epoch milliseconds with a fraction; null: it did not come that far. */
export interface Moments {
  readonly begun: number;
  readonly judged: number | null;
  readonly recorded: number | null;
  readonly forwarded: number | null;
  readonly answered: number | null;
  readonly ended: number;
}

/** How a call went, once it is over. */
export interface Course extends Moments {
  readonly call: Call;
  /** Null when the caller was gone before it could be told. */
  readonly decision: Decision | null;
  /** State of the answer; null when none was released. */
  readonly answer: string | null;
}

/** One call's trace while it is under way. */
export interface CallTrace {
  /** The callee is being asked: everything in `send` belongs to this part of the trace. */
  forwarding<Reply>(send: () => Promise<Reply>, atMillis: number): Promise<Reply>;
  ended(course: Course): void;
}
