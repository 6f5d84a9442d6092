// One row for every token, written before the token leaves: who asked for it, what it came from, how long its grant lasts.
// A token is withdrawn together with everything that was made from it, by rows that verifiers compare (rules §2.15).

import { type Denial, denial, type Principal, userKey } from '@writ/core';
import { CompiledQuery, type Kysely, type Selectable, type Transaction } from 'kysely';
import type { Revocation } from '../store/revocations.ts';
import type { Schema, TokensTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { hashed } from './hashed.ts';

export interface Row {
  /** `jti` of the token; for a root, the row its link names. */
  readonly id: string;
  readonly parent: string | null;
  readonly kind: TokensTable['kind'];
  readonly subject: Principal;
  readonly actor: Principal | null;
  /** The authenticated client; null for what the plane made by itself. */
  readonly clientId: string | null;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly task: string | null;
  readonly grantId: string | null;
  readonly holder: string | null;
  readonly issuedSeconds: number;
  readonly untilSeconds: number;
  readonly expiresSeconds: number;
  readonly decision: string | null;
}

export interface EnteredRow extends Row {
  readonly revokedSeconds: number | null;
}

/** What to withdraw. */
export type Withdrawal =
  | { readonly token: string }
  | { readonly task: string }
  | { readonly user: Principal }
  /** SPIFFE ID. */
  | { readonly agent: string }
  /** Grant id: a person's consent, with its task and refresh tokens. */
  | { readonly consent: string };

export interface Withdrawn {
  /** The store's sequence: a verifier that has read it refuses what was withdrawn. */
  readonly sequence: number;
  readonly rows: number;
}

export interface Registry {
  /** Writes the row, unless the one it came from is gone or withdrawn: then why. Nothing may leave before this resolves to null. */
  enter(row: Row): Promise<Denial | null>;
  find(id: string): Promise<EnteredRow | null>;
  /** Stored when it resolves. */
  withdraw(what: Withdrawal): Promise<Withdrawn>;
}

export function createRegistry(store: Store): Registry {
  const enterBelow = prepareEnterBelow(store);
  return {
    async enter(row) {
      const values = toColumns(row);
      if (row.parent === null) {
        await store.db.insertInto('tokens').values(values).execute();
        return null;
      }
      const entered = await enterBelow(values, row.parent);
      return entered
        ? null
        : denial('token.revoked', { row: row.parent, why: 'withdrawn, or no longer in the registry' });
    },

    async find(id) {
      const row = await store.db.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? fromColumns(row) : null;
    },

    async withdraw(what) {
      const nowSeconds = await store.time.nowSeconds();
      const done = await store.db.transaction().execute(async (inside) => {
        const { rows, revocations } = await withdrawWithin(inside, what, nowSeconds);
        return { rows, sequence: await store.revocations.addWithin(inside, revocations, nowSeconds) };
      });
      store.revocations.settled();
      // Nothing was left to withdraw: what counts is the newest number there is.
      return done.sequence > 0 ? done : { rows: 0, sequence: await store.revocations.add([]) };
    },
  };
}

type Columns = Selectable<TokensTable>;

const COLUMNS = [
  'id',
  'parent',
  'kind',
  'subject_iss',
  'subject_sub',
  'actor_iss',
  'actor_sub',
  'client_id',
  'audience',
  'scopes',
  'task',
  'grant_id',
  'holder',
  'issued',
  'until_seconds',
  'exp',
  'decision',
  'revoked',
] as const satisfies readonly (keyof Columns)[];

/**
 * One statement, so that a withdrawal of the parent either is seen here or sees the new row. The parent's row is locked while
 * the child is written: `withdraw` then waits, and looks for children only afterwards. On the path of every token, so the text is
 * made once.
 */
function prepareEnterBelow(store: Store): (values: Columns, parent: string) => Promise<boolean> {
  const { sql } = store.db
    .insertInto('tokens')
    .columns(COLUMNS)
    .expression((from) => {
      const living = from
        .selectFrom('tokens as parent')
        .select(COLUMNS.map((name) => from.val('').as(name)))
        .where('parent.id', '=', '')
        .where('parent.revoked', 'is', null);
      return store.kind === 'postgres' ? living.forShare() : living;
    })
    .compile();
  return async (values, parent) => {
    const parameters = [...COLUMNS.map((name) => values[name]), parent];
    const { numAffectedRows } = await store.db.executeQuery(CompiledQuery.raw(sql, parameters));
    return numAffectedRows === 1n;
  };
}

interface Found {
  readonly rows: number;
  readonly revocations: readonly Revocation[];
}

async function withdrawWithin(db: Transaction<Schema>, what: Withdrawal, nowSeconds: number): Promise<Found> {
  if ('user' in what)
    return { rows: 0, revocations: [{ kind: 'user', value: userKey(what.user), untilSeconds: null }] };
  if ('agent' in what) return { rows: 0, revocations: [{ kind: 'agent', value: what.agent, untilSeconds: null }] };
  if ('task' in what) return withdrawTask(db, what.task, nowSeconds);
  if ('token' in what) return withdrawRows(db, [what.token], nowSeconds);
  await db.deleteFrom('oidc_payloads').where('grant_id', '=', what.consent).execute();
  await db
    .deleteFrom('oidc_payloads')
    .where('model', '=', 'Grant')
    .where('id_hash', '=', hashed(what.consent))
    .execute();
  const task = await db.selectFrom('tasks').select('id').where('grant_id', '=', what.consent).executeTakeFirst();
  const ended = task ? await withdrawTask(db, task.id, nowSeconds) : { rows: 0, revocations: [] };
  const own = await db.selectFrom('tokens').select('id').where('grant_id', '=', what.consent).execute();
  const rows = await withdrawRows(
    db,
    own.map((row) => row.id),
    nowSeconds,
  );
  return { rows: ended.rows + rows.rows, revocations: [...ended.revocations, ...rows.revocations] };
}

/** Every token of a task names it, so the task's own entry is enough for verifiers. */
async function withdrawTask(db: Transaction<Schema>, id: string, nowSeconds: number): Promise<Found> {
  const task = await db
    .updateTable('tasks')
    .set({ ended: nowSeconds })
    .where('id', '=', id)
    .where('ended', 'is', null)
    .returning('until_seconds')
    .executeTakeFirst();
  if (!task) return { rows: 0, revocations: [] };
  const rows = await db
    .updateTable('tokens')
    .set({ revoked: nowSeconds })
    .where('task', '=', id)
    .where('revoked', 'is', null)
    .executeTakeFirst();
  return {
    rows: Number(rows.numUpdatedRows),
    revocations: [{ kind: 'task', value: id, untilSeconds: task.until_seconds }],
  };
}

/** Level by level, each in a statement of its own: a child that was entered meanwhile is found by the next one. */
async function withdrawRows(db: Transaction<Schema>, ids: readonly string[], nowSeconds: number): Promise<Found> {
  const revocations: Revocation[] = [];
  for (let level = ids; level.length > 0; level = await childrenOf(db, level)) {
    const rows = await db
      .updateTable('tokens')
      .set({ revoked: nowSeconds })
      .where('id', 'in', level)
      .where('revoked', 'is', null)
      .returning(['id', 'until_seconds'])
      .execute();
    for (const row of rows) revocations.push({ kind: 'row', value: row.id, untilSeconds: row.until_seconds });
  }
  return { rows: revocations.length, revocations };
}

async function childrenOf(db: Kysely<Schema>, parents: readonly string[]): Promise<string[]> {
  const rows = await db
    .selectFrom('tokens')
    .select('id')
    .where('parent', 'in', parents)
    .where('revoked', 'is', null)
    .execute();
  return rows.map((row) => row.id);
}

function toColumns(row: Row): Columns {
  return {
    id: row.id,
    parent: row.parent,
    kind: row.kind,
    subject_iss: row.subject.iss,
    subject_sub: row.subject.sub,
    actor_iss: row.actor?.iss ?? null,
    actor_sub: row.actor?.sub ?? null,
    client_id: row.clientId,
    audience: row.audience,
    scopes: JSON.stringify(row.scopes),
    task: row.task,
    grant_id: row.grantId,
    holder: row.holder,
    issued: row.issuedSeconds,
    until_seconds: row.untilSeconds,
    exp: row.expiresSeconds,
    decision: row.decision,
    revoked: null,
  };
}

function fromColumns(row: Columns): EnteredRow {
  return {
    id: row.id,
    parent: row.parent,
    kind: row.kind,
    subject: { iss: row.subject_iss, sub: row.subject_sub },
    actor: row.actor_sub === null ? null : { iss: row.actor_iss!, sub: row.actor_sub },
    clientId: row.client_id,
    audience: row.audience,
    scopes: JSON.parse(row.scopes) as string[],
    task: row.task,
    grantId: row.grant_id,
    holder: row.holder,
    issuedSeconds: row.issued,
    untilSeconds: row.until_seconds,
    expiresSeconds: row.exp,
    decision: row.decision,
    revokedSeconds: row.revoked,
  };
}
