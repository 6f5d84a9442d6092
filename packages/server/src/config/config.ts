// What writ.yaml says, worked out: defaults filled in, paths absolute, durations in seconds. The one value that the rest
// of the program reads; made only by loadConfig, so holding one means that every check has passed.

import type { Budget, Constraint, JsonObject, Limit } from '@writ/core';

export interface Config {
  /** Absolute path of the file it came from. */
  readonly file: string;
  readonly trustDomain: string;
  readonly dataDir: string;
  readonly listen: {
    readonly mtls: Address;
    readonly oauth: Address;
    readonly admin: Address;
    /** Null: the issuer answers on the admin address. */
    readonly issuer: Address | null;
  };
  /** Public base URLs without a final slash; null where the listen address is the public one. */
  readonly external: { readonly mtls: string | null; readonly oauth: string | null; readonly issuer: string | null };
  /** `externalSocket`: the Workload API that identities come from; null: this plane's own authority. */
  readonly identity: { readonly ttlSeconds: number; readonly externalSocket: string | null };
  readonly federation: FederationConfig;
  readonly tasks: {
    readonly depth: number;
    readonly ttlSeconds: number;
    /** A task opened without scopes gets those its prompt asks for. */
    readonly scopeFromPrompt: boolean;
    /** And its targets are bound to what the prompt names; false leaves them to the rules about trust, which ask. */
    readonly bindArguments: boolean;
  };
  /** Null url: the embedded store in the data folder. */
  readonly store: { readonly url: string | null };
  /** Who is asked to cosign the log's checkpoints: a policy file (C2SP tlog-policy); null: nobody. */
  readonly audit: { readonly witnessesFile: string | null };
  /** By path of the SPIFFE ID. */
  readonly agents: ReadonlyMap<string, AgentConfig>;
  readonly servers: ReadonlyMap<string, ServerConfig>;
  /** Calls of one caller under way at once. */
  readonly flow: { readonly perCaller: number };
  /** Ceilings per task, root, agent and tool (rules §2.12). */
  readonly limits: readonly Limit[];
  /** `floor`: the plain rule instead of provenance (rules §3.14). */
  readonly trust: { readonly rule: 'provenance' | 'floor' };
  readonly approvals: {
    /** Questions to one person in an hour; what goes beyond is denied (rules §4.2). */
    readonly perHourMax: number;
    readonly lifeSeconds: number;
    /** Who hears that a question waits. */
    readonly webhook: {
      readonly url: string;
      /** Signs the messages. */
      readonly secret: SecretRef;
      readonly showArguments: boolean;
    } | null;
  };
  readonly users: ReadonlyMap<string, UserConfig>;
  /** By client_id. */
  readonly clients: ReadonlyMap<string, ClientConfig>;
  readonly mandates: ReadonlyMap<string, MandateConfig>;
  /** Folder of *.cedar files. */
  readonly policyDir: string | null;
  /** Decision points beside our own, by the name records call them by: each has to say yes too (design D7). */
  readonly pdp: ReadonlyMap<string, DecisionPoint>;
  /** In file order: line n compiles to `allow.<n>.agent` and `allow.<n>.user`, counted from 1. */
  readonly allow: readonly AllowLine[];
  readonly mode: Mode;
  readonly telemetry: TelemetryConfig;
}

export interface TelemetryConfig {
  /** `/metrics`: counted from the first scrape on, from the start, or not there. */
  readonly metrics: 'asked' | 'started' | 'off';
  /** Null: none are made. */
  readonly traces: {
    /** Where an OTLP collector takes traces over HTTP, path and all. */
    readonly url: string;
    readonly percent: number;
    readonly headers: ReadonlyMap<string, SecretRef>;
    readonly caFile: string | null;
  } | null;
}

export interface FederationConfig {
  /** Where partners fetch our bundle; null: nowhere. */
  readonly listen: Address | null;
  /** By trust domain. */
  readonly partners: ReadonlyMap<string, PartnerConfig>;
}

export interface PartnerConfig {
  readonly url: string;
  readonly profile: 'https_web' | 'https_spiffe';
  /** SPIFFE ID of its endpoint; null for `https_web`. */
  readonly endpoint: string | null;
  readonly bundleFile: string | null;
  readonly caFile: string | null;
}

export interface Address {
  readonly host: string;
  /** 0: the system chooses, and the choice is kept in the data folder. */
  readonly port: number;
}

/** Rules §7.3: observe and off reach check 3 only, and end. `until` null: at most 14 days after it was first seen. */
export interface Mode {
  readonly kind: 'enforce' | 'observe' | 'off';
  /** Last day, `2027-06-30`. */
  readonly until: string | null;
}

/** How a process is recognised. Rules §1.1; absent members are not looked at. */
export interface Attest {
  readonly uid?: number;
  readonly gid?: number;
  readonly path?: string;
  readonly sha256?: string;
  /** Key of the agent that its parent process is. */
  readonly parent?: string;
  /** systemd unit of the system. */
  readonly unit?: string;
  /** Control group, itself or one above. */
  readonly cgroup?: string;
  readonly pm2?: string;
  readonly launched?: boolean;
  readonly command?: readonly string[];
  readonly env?: readonly string[];
}

export interface AgentConfig {
  /** Null: this plane attests no process as it; it comes with a certificate or a key of its own. */
  readonly attest: Attest | null;
  readonly jwks: PublicKeys | null;
  /** Agents and servers it may reach. */
  readonly calls: readonly string[];
  readonly scopes: readonly string[];
  /** `gated`: all it reads passes Writ. Rules §3.3. */
  readonly inputs: 'gated' | 'open';
  /** Null: not stated, which counts as persistent and keeps it below risk 3. Rules §3.4. */
  readonly memory: 'task' | 'none' | 'persistent' | null;
  /** Where it takes messages: a URL, or `unix:<absolute path>`. */
  readonly a2a: string | null;
  /** The plane starts it. */
  readonly run: boolean;
  readonly registersPrompts: boolean;
  /** Life of its SVIDs; null: as everybody's. */
  readonly ttlSeconds: number | null;
  /** Callees whose enforcement point it is: it may ask for decisions about them (rules §7.5). */
  readonly pep: readonly string[];
}

export type PublicKeys =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'inline'; readonly keys: readonly JsonObject[] };

/** A tool server, or an HTTP upstream whose operations an OpenAPI document names. */
export type ServerConfig = ServedConfig &
  (
    | { readonly mcp: McpConfig; readonly http: null }
    | { readonly mcp: null; readonly http: { readonly url: string; readonly openapiFile: string } }
  );

interface ServedConfig {
  readonly manifest:
    | { readonly kind: 'builtin'; readonly name: string }
    | { readonly kind: 'file'; readonly path: string }
    | null;
  readonly credential: CredentialRef | null;
  readonly trustAnnotations: boolean;
  /** Tools whose text from outside is handed over as references only; `*` for all of them. */
  readonly quarantine: ReadonlySet<string>;
  /** Null: the mode of the file. */
  readonly mode: Mode | null;
}

export type McpConfig =
  | {
      readonly kind: 'command';
      readonly command: readonly string[];
      readonly env: ReadonlyMap<string, EnvironmentValue>;
      /** One process for everybody instead of one per root and task. Rules §7.6. */
      readonly shared: boolean;
    }
  | { readonly kind: 'url'; readonly url: string };

export type EnvironmentValue =
  | { readonly kind: 'text'; readonly value: string }
  /** A field of the server's own credential: `value`, or `username` and `password` of a database. */
  | { readonly kind: 'credential'; readonly field: string }
  | Exclude<SecretRef, { kind: 'command' }>;

/** Where a secret is, never what it is. */
export type SecretRef =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly command: readonly string[] }
  /** In `<data>/credentials`. A segment `{user}` is the root's name: one secret for each person. */
  | { readonly kind: 'stored'; readonly name: string };

/** Where a server's credential comes from: a secret, or somebody who gives out short-lived ones. */
export type CredentialRef = SecretRef | VaultRef | OauthRef;

/** Vault or OpenBao. Paths are without a slash at either end. */
export interface VaultRef {
  readonly kind: 'vault';
  readonly url: string;
  readonly namespace: string | null;
  /** What its certificate is checked against; null: what the system trusts. */
  readonly caFile: string | null;
  readonly auth:
    | { readonly kind: 'token'; readonly token: SecretRef }
    | { readonly kind: 'approle'; readonly mount: string; readonly roleId: string; readonly secretId: SecretRef };
  readonly read:
    | { readonly kind: 'kv'; readonly mount: string; readonly path: string; readonly field: string }
    | { readonly kind: 'database'; readonly mount: string; readonly role: string };
}

/** The plane as a client of another authorization server. */
export interface OauthRef {
  readonly kind: 'oauth';
  readonly issuer: string;
  /** A URL is a client id metadata document. */
  readonly clientId: string;
  readonly auth:
    | { readonly kind: 'secret'; readonly secret: SecretRef }
    /** A private key, PEM (PKCS 8) or JWK, for private_key_jwt. */
    | { readonly kind: 'key'; readonly path: string };
  readonly grant: 'client_credentials' | 'token_exchange';
  readonly scopes: readonly string[];
  /** What may be asked for besides, when the server says that a call needs it. */
  readonly stepUp: readonly string[];
  /** RFC 8707; null: the server's own URL. */
  readonly resource: string | null;
  readonly audience: string | null;
  /** Nothing is sent until the server has answered 401 and said where its tokens come from. */
  readonly challenged: boolean;
}

export type DecisionPoint =
  | {
      readonly kind: 'opa' | 'authzen';
      /** Whole address that questions are posted to. */
      readonly url: string;
      /** Pointers of arguments whose values may leave the plane; of all others only the digest does. */
      readonly sends: readonly string[];
      readonly timeoutMillis: number;
      /** Sent as a bearer token. */
      readonly credential: SecretRef | null;
      /** PEM; null: the system's anchors. */
      readonly caFile: string | null;
    }
  | {
      /** OPA bundle with `policy.wasm`, evaluated in this process. */
      readonly kind: 'bundle';
      readonly path: string;
      /** Entrypoint, such as `writ/allow`. */
      readonly rule: string;
    };

export interface UserConfig {
  readonly passwordFile: string | null;
  readonly roles: readonly ('admin' | 'approver')[];
  readonly email: string | null;
  /** Accounts, mailboxes and names besides: as trusted a target as what this person typed (rules §3.8). */
  readonly addresses: readonly string[];
}

export interface ClientConfig {
  readonly redirectUris: readonly string[];
  readonly calls: readonly string[];
  readonly scopes: readonly string[];
  /** Unbound tokens are accepted; above risk 1 by approval only. Rules §1.2. */
  readonly bearer: boolean;
  /** For `private_key_jwt`; null: a public client. */
  readonly jwks: PublicKeys | null;
}

export interface MandateConfig {
  readonly owner: string;
  readonly agent: string;
  readonly prompt: string;
  readonly scopes: readonly string[];
  readonly depth: number;
  readonly budget: readonly Budget[];
  /** Five cron fields, UTC. */
  readonly schedule: string;
  readonly windowSeconds: number;
  /** Last day. */
  readonly expires: string;
  /** Null: nobody reviewed it, and it opens nothing. */
  readonly reviewed: { readonly by: string; readonly digest: string } | null;
}

export interface AllowLine {
  /** Agent key or `client:<id>`. */
  readonly agent: string;
  readonly server: string;
  /** Tool name, or a wildcard as rules §2.10. */
  readonly tool: string;
  /** JSON pointer → constraint. */
  readonly where: ReadonlyMap<string, Constraint>;
  /** Null: every configured person. */
  readonly users: readonly string[] | null;
  /** The operator's own review of a tool without manifest. Rules §3.7. */
  readonly risk: number | null;
  readonly mode: Mode | null;
}
