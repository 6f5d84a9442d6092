// What the database holds. Times are seconds since 1970 unless the name says otherwise; lists and objects are JSON text,
// because the same schema runs on SQLite and PostgreSQL. The migration that makes it is migrations/.

import type { Generated } from 'kysely';

export interface Schema {
  counters: CountersTable;
  oidc_payloads: OidcPayloadsTable;
  replays: ReplaysTable;
  tokens: TokensTable;
  tasks: TasksTable;
  revocations: RevocationsTable;
  once_claims: OnceClaimsTable;
  budgets: BudgetsTable;
  budget_debits: BudgetDebitsTable;
  users: UsersTable;
  sessions: SessionsTable;
  one_time_links: OneTimeLinksTable;
  approvals: ApprovalsTable;
  pins: PinsTable;
  leases: LeasesTable;
  credentials: CredentialsTable;
  echoes: EchoesTable;
  residues: ResiduesTable;
  endorsements: EndorsementsTable;
}

/** Numbers handed out in commit order. */
export interface CountersTable {
  name: string;
  value: number;
}

/** What the OAuth library keeps between requests: codes, device codes, refresh tokens, grants, sessions, interactions. */
export interface OidcPayloadsTable {
  model: string;
  /** SHA-256 of the id, base64url: the database holds no code or refresh token that could be used. */
  id_hash: string;
  payload: string;
  grant_id: string | null;
  user_code_hash: string | null;
  uid: string | null;
  expires: number | null;
  consumed: number | null;
}

/** Ids that were seen (client assertions, DPoP proofs). Insert only. */
export interface ReplaysTable {
  id_hash: string;
  expires: number;
}

/** One row per token that left, and one per task root. The proof of a hop (contract §7). */
export interface TokensTable {
  id: string;
  parent: string | null;
  kind: 'root' | 'access' | 'continuation' | 'client';
  subject_iss: string;
  subject_sub: string;
  actor_iss: string | null;
  actor_sub: string | null;
  /** The authenticated client that asked for it; null for what the plane made by itself. */
  client_id: string | null;
  audience: string;
  scopes: string;
  task: string | null;
  grant_id: string | null;
  /** SPIFFE ID of the only one who may use a continuation. */
  holder: string | null;
  issued: number;
  /** End of the grant of its leaf: rows live until then, because a token may be renewed past its `exp`. */
  until_seconds: number;
  exp: number;
  /** Decision that caused it, where a call did. */
  decision: string | null;
  revoked: number | null;
}

export interface TasksTable {
  id: string;
  root_iss: string;
  root_sub: string;
  /** Path of the task's own agent; null when an OAuth client's consent opened it. */
  agent: string | null;
  client_id: string | null;
  /** Consent that keeps it open. */
  grant_id: string | null;
  prompt: string | null;
  origin: 'direct' | 'relayed' | 'mandate' | 'none';
  opened_by: string;
  /** Registry row of the root. */
  row: string;
  /** The root link as in `wc`, JSON. */
  root_link: string;
  floor: number;
  /** 1: something marked secret was read in it. */
  secrets_read: Generated<number>;
  created: number;
  until_seconds: number;
  ended: number | null;
}

export type RevocationKind = 'row' | 'task' | 'user' | 'agent';

export interface RevocationsTable {
  sequence: number;
  kind: RevocationKind;
  value: string;
  at: number;
  /** After this nothing can be alive that it speaks of; null = for good. */
  until_seconds: number | null;
}

export interface OnceClaimsTable {
  key: string;
  decision: string;
  taken: number;
  until_seconds: number;
}

export interface BudgetsTable {
  row: string;
  unit: string;
  spent: number;
}

export interface BudgetDebitsTable {
  decision: string;
  row: string;
  unit: string;
  amount: number;
  taken: number;
}

export interface UsersTable {
  name: string;
  password_hash: string | null;
  /** JSON array. */
  roles: string;
  created: number;
}

export interface SessionsTable {
  id_hash: string;
  user: string;
  roles: string;
  created: number;
  expires: number;
  authenticated_at: number;
  csrf: string;
}

export interface OneTimeLinksTable {
  hash: string;
  purpose: string;
  expires: number;
  used: number | null;
}

export interface ApprovalsTable {
  id: string;
  request_key: string;
  digest: string;
  state: string;
  /** `iss sub` of whose action it is. */
  root: Generated<string>;
  payload: string;
  created: number;
  expires: number;
  decided_by: string | null;
  decided_at: number | null;
}

export interface PinsTable {
  server: string;
  tool: string;
  digest: string;
  reviewed_by: string | null;
  reviewed_at: number | null;
  definition: string;
}

/** What left to a server as an argument, by keyed digest (rules §3.9). */
export interface EchoesTable {
  server: string;
  name: string;
  /** The lowest level at which it left. */
  level: number;
  seen: number;
}

/** The lowest level of text that an agent may still remember from any task (rules §3.4). */
export interface ResiduesTable {
  /** Agent path, or `client:<id>`. */
  actor: string;
  level: number;
  since: number;
}

/** What a person vouched for in a task (rules §4.3), by keyed digest: no value is in it. */
export interface EndorsementsTable {
  task: string;
  name: string;
  /** The question in whose answer they did. */
  approval: string;
  at: number;
}

/** What the broker took out at another store of secrets and has not given back. No secret is in it. */
export interface LeasesTable {
  id: string;
  replica: string;
  server: string;
  task: string | null;
  /** Decision that opened it. */
  decision: string | null;
  /** How its store calls it, once there is one. */
  handle: string | null;
  opened: number;
}

/** A credential by its reference: since when this value, last used, and where it was seen and should not have been. */
export interface CredentialsTable {
  name: string;
  /** Keyed, so that nobody can try guesses against it. */
  fingerprint: string;
  since: number;
  last_used: number;
  /** Of this value; a new one begins at 0. */
  exposures: number;
  exposed_at: number | null;
  exposed_by: string | null;
}
