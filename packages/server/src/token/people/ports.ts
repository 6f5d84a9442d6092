// What this room needs from elsewhere, and the values it speaks of. Wired in main.ts.

import type { Store } from '../../store/store.ts';

/** Every person may look; the others are given. */
export type Role = 'viewer' | 'approver' | 'admin';

export interface ConfiguredUser {
  /** Holds one line that `hashPassword` made. Null: this person cannot sign in by password yet. */
  readonly passwordFile: string | null;
  readonly roles: readonly ('approver' | 'admin')[];
}

export interface PeopleDeps {
  readonly store: Pick<Store, 'db'>;
  readonly clock: { nowSeconds(): number };
  randomBytes(count: number): Uint8Array;
  /** At least 128 random bits. */
  newId(): string;
  /** Where this plane's pages are reached, the public one first: `http://127.0.0.1:8420`. */
  origins(): readonly string[];
  /** The configuration in force, by name. */
  configured(): ReadonlyMap<string, ConfiguredUser>;
  /** Whose endpoint an audience is, for the consent page; null: none of ours. */
  calleeOf(resource: string): { readonly kind: 'agent' | 'server' | 'upstream'; readonly key: string } | null;
  /** How long a consent lasts. */
  readonly consentSeconds: number;
  /** May sign in without a password: only where `npm start` runs the demo (rules §7.3). */
  readonly demoUser: string | null;
  /** Resolves when the event is durable; a rejection refuses what it was about. */
  record(event: PersonEvent): Promise<void>;
  /** A failure of ours, for the operator's log. */
  report(what: string, error: unknown): void;
}

/** How a person proved who they are. RFC 8176 where it has a word. */
export type Method = 'pwd' | 'link' | 'demo';

export type PersonEvent = { readonly id: string } & (
  | { readonly event: 'person.signed_in'; readonly user: string; readonly method: Method; readonly source: string }
  /** `user` only where there is one of that name: what was typed there may have been a password. */
  | { readonly event: 'person.sign_in_refused'; readonly user: string | null; readonly source: string }
  | { readonly event: 'person.signed_out'; readonly user: string }
  | { readonly event: 'person.first_admin'; readonly user: string; readonly source: string }
);

/** Somebody who is signed in. */
export interface Person {
  readonly user: string;
  readonly roles: readonly Role[];
  readonly authenticatedAtSeconds: number;
  readonly expiresSeconds: number;
  /** Names the session and opens nothing. */
  readonly sessionId: string;
  /** Stands in every form of this session, and in `x-writ-csrf`. */
  readonly csrf: string;
}

export type SignedIn =
  | { readonly ok: true; readonly secret: string; readonly person: Person }
  | { readonly ok: false; readonly status: 400 | 403 | 429; readonly says: string; readonly retrySeconds?: number };
