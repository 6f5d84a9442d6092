// The one migration set, for both databases. A migration that has shipped is never edited; the next one is a new entry.

import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';

/** Brings the schema up to date, or throws with the name of the migration that failed. */
export async function migrate<Tables>(db: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? 'the set';
  throw new Error(`the database could not be brought up to date: migration \`${failed}\` failed`, { cause: error });
}

const MIGRATIONS: Record<string, Migration> = {
  '0001_initial': {
    async up(db) {
      await oauth(db);
      await registry(db);
      await claims(db);
      await people(db);
    },
  },
  // Whose questions they are: the cap on questions counts by root and hour (rules §4.2).
  '0002_approvals_root': {
    async up(db) {
      await db.schema
        .alterTable('approvals')
        .addColumn('root', 'text', (column) => column.notNull().defaultTo(''))
        .execute();
      await db.schema.createIndex('approvals_root').on('approvals').columns(['root', 'created']).execute();
    },
  },
  // What the gate knows of tasks, agents and servers beyond one process's life (rules §3.4, §3.5, §3.9).
  '0004_trust': {
    async up(db) {
      await db.schema
        .alterTable('tasks')
        .addColumn('secrets_read', 'bigint', (column) => column.notNull().defaultTo(0))
        .execute();
      await db.schema
        .createTable('echoes')
        .addColumn('server', 'text', (column) => column.notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('level', 'bigint', (column) => column.notNull())
        .addColumn('seen', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('echoes_pk', ['server', 'name'])
        .execute();
      await db.schema.createIndex('echoes_seen').on('echoes').column('seen').execute();
      await db.schema
        .createTable('residues')
        .addColumn('actor', 'text', (column) => column.primaryKey())
        .addColumn('level', 'bigint', (column) => column.notNull())
        .addColumn('since', 'bigint', (column) => column.notNull())
        .execute();
    },
  },
  // What the broker took out in somebody's name, so that a crash leaves nothing behind, and what it knows of its secrets.
  '0005_broker': {
    async up(db) {
      await db.schema
        .createTable('leases')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('replica', 'text', (column) => column.notNull())
        .addColumn('server', 'text', (column) => column.notNull())
        .addColumn('task', 'text')
        .addColumn('decision', 'text')
        .addColumn('handle', 'text')
        .addColumn('opened', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('credentials')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('fingerprint', 'text', (column) => column.notNull())
        .addColumn('since', 'bigint', (column) => column.notNull())
        .addColumn('last_used', 'bigint', (column) => column.notNull())
        .addColumn('exposures', 'bigint', (column) => column.notNull())
        .addColumn('exposed_at', 'bigint')
        .addColumn('exposed_by', 'text')
        .execute();
    },
  },
  // A person's word for one value in one task (rules §4.3).
  '0006_endorsements': {
    async up(db) {
      await db.schema
        .createTable('endorsements')
        .addColumn('task', 'text', (column) => column.notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('approval', 'text', (column) => column.notNull())
        .addColumn('at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('endorsements_pk', ['task', 'name'])
        .execute();
      await db.schema.createIndex('endorsements_at').on('endorsements').column('at').execute();
    },
  },
};

async function oauth(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('oidc_payloads')
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('id_hash', 'text', (column) => column.notNull())
    .addColumn('payload', 'text', (column) => column.notNull())
    .addColumn('grant_id', 'text')
    .addColumn('user_code_hash', 'text')
    .addColumn('uid', 'text')
    .addColumn('expires', 'bigint')
    .addColumn('consumed', 'bigint')
    .addPrimaryKeyConstraint('oidc_payloads_pk', ['model', 'id_hash'])
    .execute();
  for (const column of ['grant_id', 'user_code_hash', 'uid', 'expires']) {
    await db.schema.createIndex(`oidc_payloads_${column}`).on('oidc_payloads').column(column).execute();
  }
  await db.schema
    .createTable('replays')
    .addColumn('id_hash', 'text', (column) => column.primaryKey())
    .addColumn('expires', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('replays_expires').on('replays').column('expires').execute();
}

async function registry(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('parent', 'text')
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('subject_iss', 'text', (column) => column.notNull())
    .addColumn('subject_sub', 'text', (column) => column.notNull())
    .addColumn('actor_iss', 'text')
    .addColumn('actor_sub', 'text')
    .addColumn('client_id', 'text')
    .addColumn('audience', 'text', (column) => column.notNull())
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('task', 'text')
    .addColumn('grant_id', 'text')
    .addColumn('holder', 'text')
    .addColumn('issued', 'bigint', (column) => column.notNull())
    .addColumn('until_seconds', 'bigint', (column) => column.notNull())
    .addColumn('exp', 'bigint', (column) => column.notNull())
    .addColumn('decision', 'text')
    .addColumn('revoked', 'bigint')
    .execute();
  for (const column of ['parent', 'task', 'until_seconds']) {
    await db.schema.createIndex(`tokens_${column}`).on('tokens').column(column).execute();
  }
  // Only tokens of a consent have one; the others do not pay for it.
  const ofConsents = db.schema.createIndex('tokens_grant_id').on('tokens').column('grant_id');
  await ofConsents.where(sql.ref('grant_id'), 'is not', null).execute();
  await db.schema
    .createTable('tasks')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('root_iss', 'text', (column) => column.notNull())
    .addColumn('root_sub', 'text', (column) => column.notNull())
    .addColumn('agent', 'text')
    .addColumn('client_id', 'text')
    .addColumn('grant_id', 'text', (column) => column.unique())
    .addColumn('prompt', 'text')
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('opened_by', 'text', (column) => column.notNull())
    .addColumn('row', 'text', (column) => column.notNull())
    .addColumn('root_link', 'text', (column) => column.notNull())
    .addColumn('floor', 'bigint', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addColumn('until_seconds', 'bigint', (column) => column.notNull())
    .addColumn('ended', 'bigint')
    .execute();
  await db.schema
    .createTable('counters')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('revocations')
    .addColumn('sequence', 'bigint', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('until_seconds', 'bigint')
    .execute();
}

async function claims(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('once_claims')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('decision', 'text', (column) => column.notNull())
    .addColumn('taken', 'bigint', (column) => column.notNull())
    .addColumn('until_seconds', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('once_claims_until').on('once_claims').column('until_seconds').execute();
  await db.schema.createIndex('once_claims_taken').on('once_claims').column('taken').execute();
  await db.schema
    .createTable('budgets')
    .addColumn('row', 'text', (column) => column.notNull())
    .addColumn('unit', 'text', (column) => column.notNull())
    .addColumn('spent', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('budgets_pk', ['row', 'unit'])
    .execute();
  await db.schema
    .createTable('budget_debits')
    .addColumn('decision', 'text', (column) => column.notNull())
    .addColumn('row', 'text', (column) => column.notNull())
    .addColumn('unit', 'text', (column) => column.notNull())
    .addColumn('amount', 'bigint', (column) => column.notNull())
    .addColumn('taken', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('budget_debits_pk', ['decision', 'row', 'unit'])
    .execute();
  await db.schema.createIndex('budget_debits_row').on('budget_debits').column('row').execute();
  await db.schema.createIndex('budget_debits_taken').on('budget_debits').column('taken').execute();
}

async function people(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('password_hash', 'text')
    .addColumn('roles', 'text', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('sessions')
    .addColumn('id_hash', 'text', (column) => column.primaryKey())
    .addColumn('user', 'text', (column) => column.notNull())
    .addColumn('roles', 'text', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addColumn('expires', 'bigint', (column) => column.notNull())
    .addColumn('authenticated_at', 'bigint', (column) => column.notNull())
    .addColumn('csrf', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('sessions_user').on('sessions').column('user').execute();
  await db.schema
    .createTable('one_time_links')
    .addColumn('hash', 'text', (column) => column.primaryKey())
    .addColumn('purpose', 'text', (column) => column.notNull())
    .addColumn('expires', 'bigint', (column) => column.notNull())
    .addColumn('used', 'bigint')
    .execute();
  await db.schema
    .createTable('approvals')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('request_key', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('payload', 'text', (column) => column.notNull())
    .addColumn('created', 'bigint', (column) => column.notNull())
    .addColumn('expires', 'bigint', (column) => column.notNull())
    .addColumn('decided_by', 'text')
    .addColumn('decided_at', 'bigint')
    .execute();
  await db.schema.createIndex('approvals_request_key').on('approvals').column('request_key').execute();
  await db.schema
    .createTable('pins')
    .addColumn('server', 'text', (column) => column.notNull())
    .addColumn('tool', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('reviewed_by', 'text')
    .addColumn('reviewed_at', 'bigint')
    .addColumn('definition', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('pins_pk', ['server', 'tool', 'digest'])
    .execute();
}
