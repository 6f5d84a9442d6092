// Who the people are: those of the configuration, and those who were made by the one-time link. One person may be both; then the
// configuration's password counts, and roles of both.

import { readFile } from 'node:fs/promises';
import type { Kysely } from 'kysely';
import type { Schema } from '../../store/schema.ts';
import type { PeopleDeps, Role } from './ports.ts';

export interface User {
  readonly name: string;
  readonly roles: readonly Role[];
}

export interface Users {
  find(name: string): Promise<User | null>;
  /** As `hashPassword` made it; null: this person has none. Rejects when the configured file cannot be read. */
  passwordOf(name: string): Promise<string | null>;
  /** Is there an admin who can sign in again? Without one, a start prints a one-time link. */
  adminExists(): Promise<boolean>;
}

/** As in `writ.yaml`. */
export const userName = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;

const ROLES: readonly Role[] = ['viewer', 'approver', 'admin'];

export function createUsers({ store, configured }: Pick<PeopleDeps, 'store' | 'configured'>): Users {
  const { db } = store;
  return {
    async find(name) {
      const own = configured().get(name);
      const made = await madeUser(db, name);
      if (!own && !made) return null;
      const given = new Set<string>(['viewer', ...(own?.roles ?? []), ...rolesIn(made?.roles)]);
      return { name, roles: ROLES.filter((role) => given.has(role)) };
    },

    async passwordOf(name) {
      const file = configured().get(name)?.passwordFile ?? null;
      if (file !== null) return (await readFile(file, 'utf8')).trim();
      return (await madeUser(db, name))?.password_hash ?? null;
    },

    async adminExists() {
      for (const [name, { passwordFile, roles }] of configured()) {
        if (roles.includes('admin') && (passwordFile ?? (await madeUser(db, name))?.password_hash)) return true;
      }
      const made = await db.selectFrom('users').select('roles').where('password_hash', 'is not', null).execute();
      return made.some(({ roles }) => rolesIn(roles).includes('admin'));
    },
  };
}

async function madeUser(db: Kysely<Schema>, name: string) {
  return db.selectFrom('users').select(['password_hash', 'roles']).where('name', '=', name).executeTakeFirst();
}

function rolesIn(stored: string | undefined): Role[] {
  const roles: unknown = JSON.parse(stored ?? '[]');
  return ROLES.filter((role) => Array.isArray(roles) && roles.includes(role));
}
