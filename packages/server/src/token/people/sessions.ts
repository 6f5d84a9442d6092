// Sessions: a secret for the browser or the terminal, its hash for the store. A new one at every sign-in, so that a secret somebody
// planted beforehand never becomes a signed-in one.

import { toBase64Url } from '@writ/core';
import { hashed } from '../hashed.ts';
import type { PeopleDeps, Person } from './ports.ts';
import type { Users } from './users.ts';

export interface Sessions {
  /** Call only for somebody who has just proved who they are. */
  open(user: string): Promise<{ readonly secret: string; readonly person: Person }>;
  /** Null: no such session, it ran out, or its person is gone. */
  find(secret: string): Promise<Person | null>;
  end(sessionId: string): Promise<void>;
  endAllOf(user: string): Promise<void>;
}

/** A working day; admin acts want a fresher sign-in anyway. */
export const sessionSeconds = 8 * 3_600;

/** Tells a session from a token and from the viewer's text at first sight. */
const SECRET = /^wrs_[A-Za-z0-9_-]{43}$/;

export function createSessions(deps: Pick<PeopleDeps, 'store' | 'clock' | 'randomBytes'>, users: Users): Sessions {
  const { db } = deps.store;
  const random = () => toBase64Url(deps.randomBytes(32));
  return {
    async open(name) {
      const user = await users.find(name);
      if (!user) throw new Error(`a session for \`${name}\`, who does not exist`);
      const secret = `wrs_${random()}`;
      const now = deps.clock.nowSeconds();
      const row = {
        id_hash: hashed(secret),
        user: name,
        // For whoever reads the table; what counts is what the person may at the moment of use.
        roles: JSON.stringify(user.roles),
        created: now,
        expires: now + sessionSeconds,
        authenticated_at: now,
        csrf: random(),
      };
      await db.insertInto('sessions').values(row).execute();
      return { secret, person: personOf(row, user.roles) };
    },

    async find(secret) {
      if (!SECRET.test(secret)) return null;
      const row = await db.selectFrom('sessions').selectAll().where('id_hash', '=', hashed(secret)).executeTakeFirst();
      if (!row || deps.clock.nowSeconds() >= row.expires) return null;
      const user = await users.find(row.user);
      return user && personOf(row, user.roles);
    },

    async end(sessionId) {
      await db.deleteFrom('sessions').where('id_hash', '=', sessionId).execute();
    },

    async endAllOf(user) {
      await db.deleteFrom('sessions').where('user', '=', user).execute();
    },
  };
}

interface Row {
  readonly id_hash: string;
  readonly user: string;
  readonly expires: number;
  readonly authenticated_at: number;
  readonly csrf: string;
}

function personOf(row: Row, roles: Person['roles']): Person {
  const { user, csrf, expires, authenticated_at, id_hash } = row;
  return { user, roles, csrf, expiresSeconds: expires, authenticatedAtSeconds: authenticated_at, sessionId: id_hash };
}
