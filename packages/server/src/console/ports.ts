// What the console needs from other rooms. Wired in main.ts.

import type { IncomingMessage } from 'node:http';
import type { Budget, JsonObject, JsonValue, Principal, TaskAuthority, Verdict } from '@writ/core';
import type { Store } from '../store/store.ts';

export interface ConsoleDeps {
  readonly clock: { nowSeconds(): number };
  readonly store: Pick<Store, 'db' | 'time'>;
  readonly issuer: string;
  readonly trustDomain: string;
  /** Where the admin address is reached, the public one first. */
  origins(): readonly string[];
  /** What `<data>/viewer.token` holds. */
  readonly viewerToken: string;
  readonly people: PeoplePort;
  /** A token of one of the plane's own clients; a denial for every other one. */
  readApiToken(token: string): Promise<Verdict<ApiCaller>>;
  status(): JsonObject | Promise<JsonObject>;
  /** Who that process is to the plane. */
  whoami(pid: number): Promise<object>;
  readonly keys: KeysPort;
  readonly decisions: DecisionIndex;
  readonly log: DecisionLog;
  readonly tasks: TasksPort;
  readonly trust: TrustPort;
  revoke(what: Withdrawal, by: string): Promise<{ readonly sequence: number; readonly rows: number }>;
  readonly reviews: ReviewsPort;
  readonly reload: ReloadPort;
  /** The policy in force. */
  policy(): { readonly version: string; readonly text: string };
  /** Resolves when the event is durable; a rejection refuses what it was about. */
  record(event: ConsoleEvent): Promise<void>;
  report(what: string, error: unknown): void;
  /** At least 128 random bits. */
  newId(): string;
  /** How often a live stream sees whether its reader is still signed in. 15 s by default. */
  readonly liveCheckMillis?: number;
}

export type ConsoleEvent = { readonly id: string; readonly by: string } & (
  | {
      readonly event: 'keys.rotated';
      readonly kind: 'root' | 'jwt';
      readonly atOnce: boolean;
      readonly revoke: boolean;
    }
  | { readonly event: 'api.refused'; readonly method: string; readonly path: string; readonly error: string }
  | {
      readonly event: 'approval.decided';
      readonly approval: string;
      readonly verdict: 'approve' | 'deny';
      readonly digest: string;
      /** Pointers of what the person vouches for besides. */
      readonly endorsed?: readonly string[];
    }
  | { readonly event: 'agent.forgotten'; readonly agent: string; readonly reason: string }
  | {
      readonly event: 'policy.reviewed';
      readonly server: string;
      readonly digest: string;
      /** What was pinned anew, and what is pinned no more. */
      readonly changed: readonly { readonly name: string; readonly state: string; readonly digest: string }[];
    }
);

export type Role = 'viewer' | 'approver' | 'admin';

export interface Person {
  readonly user: string;
  readonly roles: readonly Role[];
  readonly authenticatedAtSeconds: number;
  readonly expiresSeconds: number;
  readonly sessionId: string;
  readonly csrf: string;
}

export interface PeoplePort {
  personOf(secret: string): Promise<Person | null>;
  secretOf(req: Pick<IncomingMessage, 'headers'>): string | null;
  find(user: string): Promise<{ readonly name: string; readonly roles: readonly Role[] } | null>;
  readonly signIn: {
    byPassword(attempt: { user: string; password: string; source: string }): Promise<SignedIn>;
    byLink(use: { link: string; source: string; chosen?: { user: string; password: string } }): Promise<SignedIn>;
  };
  readonly sessions: { end(sessionId: string): Promise<void>; endAllOf(user: string): Promise<void> };
}

export type SignedIn =
  | { readonly ok: true; readonly secret: string; readonly person: Person }
  | { readonly ok: false; readonly status: 400 | 403 | 429; readonly says: string; readonly retrySeconds?: number };

export interface ApiCaller {
  readonly user: Principal;
  readonly tokenId: string;
  /** Null: nobody knows when the person signed in, so it is not recent. */
  readonly authenticatedAtSeconds: number | null;
  readonly untilSeconds: number;
}

/** Keys of the authority. */
export interface KeysPort {
  show(): object;
  rotate(kind: 'root' | 'jwt', how: { readonly atOnce: boolean; readonly revoke: boolean }): Promise<void>;
}

/** Taking on what the files say now. */
export interface ReloadPort {
  /** Rejects with a sentence for the operator where they are not in order. */
  look(): Promise<object>;
  apply(digest: string, by: string): Promise<'applied' | 'stale'>;
}

export interface DecisionSummary {
  readonly sequence: number;
  readonly decisionId: string;
  readonly time: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly principal: string | null;
  readonly actor: string | null;
  readonly task: string | null;
  readonly server: string | null;
  readonly name: string | null;
}

export interface DecisionIndex {
  decision(decisionId: string): DecisionSummary | null;
  /** With `since`: those after that sequence, oldest first. Without: the newest, newest first. */
  decisions(ask: { readonly since?: number; readonly limit: number }): readonly DecisionSummary[];
  outcomeOf(decisionId: string): { readonly sequence: number; readonly state: string } | null;
  /** What happened beside decisions, by the id of its record. */
  event(id: string): { readonly sequence: number; readonly event: string } | null;
}

export interface DecisionLog {
  /** C2SP verifier key; its name is the log's origin. */
  readonly vkey: string;
  read(sequence: number): Promise<{ readonly record: JsonObject; readonly bytes: Uint8Array } | null>;
  /** A `.tlog-proof` file. */
  prove(sequence: number): Promise<Uint8Array>;
  /** Calls back after every durable record; answers how to stop. */
  onRecord(listener: () => void): () => void;
}

export interface OpenedTask extends TaskAuthority {
  readonly task: string;
  readonly subjectToken: string;
  readonly expires: number;
}

export interface TasksPort {
  open(ask: {
    readonly root: Principal;
    readonly openedBy: { readonly kind: 'person'; readonly user: string };
    readonly agentPath: string;
    readonly prompt: string | null;
    readonly origin: 'direct' | 'relayed' | 'none';
    readonly scopes?: readonly string[];
    readonly planned?: Partial<TaskAuthority>;
    readonly depth?: number;
    readonly budget?: readonly Budget[];
    readonly ttlSeconds?: number;
  }): Promise<Verdict<OpenedTask>>;
  /** False: there was no such open task. */
  end(task: string, by: string): Promise<boolean>;
}

export interface TrustPort {
  /** A person vouches for the values at these pointers, in the task and at the server of the question (rules §4.3). */
  endorse(asked: {
    readonly approval: string;
    readonly task: string;
    readonly server: string;
    readonly tool: string;
    readonly arguments: JsonObject;
    readonly pointers: readonly string[];
  }): Promise<void>;
  /** The key of an agent or client that somebody named by path, SPIFFE ID or key; null for none. */
  actorKeyOf(name: string): string | null;
  /** An admin has wiped its memory (rules §3.4). */
  forget(actorKey: string): Promise<void>;
}

export type Withdrawal =
  | { readonly token: string }
  | { readonly task: string }
  | { readonly user: Principal }
  /** SPIFFE ID. */
  | { readonly agent: string }
  | { readonly consent: string };

export interface ReviewsPort {
  /** Null: no such server, or it has not been listed yet. */
  review(server: string): Promise<Review | null>;
  /** Pins what was shown, unless the server lists something else by now. */
  accept(server: string, digest: string, by: string): Promise<'pinned' | 'stale'>;
}

export interface Review {
  readonly server: string;
  /** Over everything shown. */
  readonly digest: string;
  readonly entries: readonly {
    readonly name: string;
    readonly state: 'reviewed' | 'changed' | 'new' | 'gone';
    readonly digest: string;
    readonly document: { readonly definition: JsonObject; readonly instructions: string | null };
    readonly changes: readonly {
      readonly pointer: string;
      readonly was: JsonValue | null;
      readonly is: JsonValue | null;
    }[];
  }[];
  readonly refused: readonly { readonly name: string; readonly says: string }[];
}
