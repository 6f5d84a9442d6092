// What this room needs from elsewhere, and the values it speaks of. Wired in main.ts.

import type {
  AuthorizationDetail,
  DenialCode,
  Detail,
  Engine,
  JsonObject,
  Level,
  Resource,
  ScopedServers,
} from '@writ/core';
import type { Store } from '../store/store.ts';
import type { Keys } from './keys.ts';
import type { People } from './people-port.ts';

export interface Clock {
  /** Seconds since 1970, rounded down. */
  nowSeconds(): number;
  nowMillis(): number;
}

export interface AuthorizationServerDeps {
  /** Issuer identifier: a URL without a final slash. */
  readonly issuer: string;
  /** External base URL of the `mtls` listener, without a final slash. */
  readonly mtlsBase: string;
  readonly trustDomain: string;
  readonly store: Store;
  readonly clock: Clock;
  /** Milliseconds that never go back. */
  readonly monotonicMillis: () => number;
  readonly keys: Keys;
  readonly engine: Engine;
  /** The configuration in force, frozen; asked anew for every request. */
  readonly authority: () => Authority;
  readonly people: People;
  /** What reviewed definitions and manifests say of the tools; asked anew for every task. */
  readonly scopedServers: () => ScopedServers;
  /** Resolves when the event is durable; a rejection refuses what it was about. */
  record(event: TokenEvent): Promise<void>;
  /** A failure of ours, for the operator's log. */
  report(what: string, error: unknown): void;
  /** A fresh id for an event, a token or a task; at least 128 random bits. */
  newId(): string;
}

/** Who may have what, as configured. */
export interface Authority {
  /** Endpoint URL → callee, every listener's URL of it. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Caller key (agent path, or `client:<id>`) → callee keys. */
  readonly edges: ReadonlyMap<string, ReadonlySet<string>>;
  /** Caller key → scopes it may use or delegate. */
  readonly entitlements: ReadonlyMap<string, readonly string[]>;
  /** By path of the SPIFFE ID. */
  readonly agents: ReadonlyMap<string, AgentEntry>;
  /** By client_id. */
  readonly clients: ReadonlyMap<string, ClientEntry>;
  readonly tasks: {
    readonly depth: number;
    readonly ttlSeconds: number;
    /** Scopes come from the prompt (rules §3.12), and with `bindArguments` what targets may be. */
    readonly scopeFromPrompt: boolean;
    readonly bindArguments: boolean;
  };
  /** User → registered addresses, which count as said by that user (rules §3.8). */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** Most seconds a sub-agent's token may live. 300 by default (rules §2.7). */
  readonly lifeSecondsMax: number;
}

export interface AgentEntry {
  readonly spiffeId: string;
  /** Keys for `private_key_jwt` beside its certificate; empty: certificate only. */
  readonly jwks: readonly JsonObject[];
}

export interface ClientEntry {
  readonly redirectUris: readonly string[];
  /** Unbound tokens are accepted; otherwise DPoP is required (rules §1.2). */
  readonly bearer: boolean;
  /** Keys for `private_key_jwt`; empty: a public client. */
  readonly jwks: readonly JsonObject[];
  /** For a client that looks into its tokens and cannot verify EdDSA. */
  readonly tokenAlg?: 'ES256';
}

/** What happened at the authorization server. Never holds a token. */
export type TokenEvent =
  | {
      readonly event: 'token.issued';
      readonly id: string;
      readonly client: string | null;
      readonly kind: 'access' | 'continuation' | 'client';
      readonly grant: string;
      /** Registry row of the token, and of the one it came from. */
      readonly row: string;
      readonly parent: string | null;
      readonly task: string | null;
      readonly subject: string;
      readonly actor: string | null;
      readonly holder: string | null;
      readonly audience: string;
      readonly scopes: readonly string[];
      readonly expires: number;
      readonly until: number;
      /** The decision that caused it, where a call did. */
      readonly decision: string | null;
    }
  | {
      readonly event: 'token.refused';
      readonly id: string;
      /** Null: no client was authenticated, whatever name was given; the log counts such refusals by source (rules §1.7). */
      readonly client: string | null;
      readonly source: string;
      readonly grant: string | null;
      /** OAuth error, RFC 6749 §5.2. */
      readonly error: string;
      readonly code: DenialCode | null;
      readonly detail: Detail;
    }
  | {
      readonly event: 'token.revoked';
      readonly id: string;
      readonly what: 'token' | 'task' | 'user' | 'agent' | 'consent';
      readonly value: string;
      readonly by: string;
      readonly sequence: number;
      readonly rows: number;
    }
  | {
      readonly event: 'task.opened';
      readonly id: string;
      readonly task: string;
      readonly root: string;
      readonly agent: string | null;
      readonly client: string | null;
      readonly openedBy: string;
      readonly origin: TaskOrigin;
      readonly scopes: readonly string[];
      /** Null: arguments are free. */
      readonly details: readonly AuthorizationDetail[] | null;
      readonly depth: number;
      readonly ceiling: Level;
      readonly until: number;
    };

export type TaskOrigin = 'direct' | 'relayed' | 'mandate' | 'none';

/** How long a consent lasts, and the refresh tokens that hang on it. */
export const consentSeconds = 14 * 86_400;

/** First-party API, where only the plane's own clients get tokens (rules §1.2). */
export function apiOf(issuer: string): string {
  return `${issuer}/api/v1`;
}

export const GRANT = {
  code: 'authorization_code',
  refresh: 'refresh_token',
  clientCredentials: 'client_credentials',
  device: 'urn:ietf:params:oauth:grant-type:device_code',
  tokenExchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
} as const;

export const TOKEN_TYPE = {
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
  continuation: 'urn:writ:params:oauth:token-type:continuation',
} as const;
