// The one-time link of the first start (rules §7.1): whoever holds it becomes the first admin, once, within a quarter of an hour.
// Taking it and making the admin is one transaction, so a race has one winner and a failure leaves the link as it was.

import { toBase64Url } from '@writ/core';
import { hashed } from '../hashed.ts';
import type { PeopleDeps } from './ports.ts';
import type { Users } from './users.ts';

export interface FirstAdmin {
  /** The link, while no admin can sign in; else null. */
  issue(): Promise<string | null>;
  /** False: used, run out, or never ours. Rejects, and takes nothing, when `record` does. */
  take(once: string, admin: NewAdmin, record: () => Promise<void>): Promise<boolean>;
}

export interface NewAdmin {
  readonly name: string;
  /** Null: this session is all there is, and the next start prints another link. */
  readonly passwordHash: string | null;
}

const linkSeconds = 15 * 60;
const PURPOSE = 'first-admin';
const ONCE = /^[A-Za-z0-9_-]{43}$/;

export function createFirstAdmin(deps: PeopleDeps, users: Users): FirstAdmin {
  const { db } = deps.store;
  return {
    async issue() {
      if (await users.adminExists()) return null;
      const once = toBase64Url(deps.randomBytes(32));
      const expires = deps.clock.nowSeconds() + linkSeconds;
      await db
        .insertInto('one_time_links')
        .values({ hash: hashed(once), purpose: PURPOSE, expires, used: null })
        .execute();
      return `${deps.origins()[0]}/login?once=${once}`;
    },

    async take(once, admin, record) {
      if (!ONCE.test(once) || (await users.adminExists())) return false;
      const now = deps.clock.nowSeconds();
      return db.transaction().execute(async (inside) => {
        const taken = await inside
          .updateTable('one_time_links')
          .set({ used: now })
          .where('hash', '=', hashed(once))
          .where('purpose', '=', PURPOSE)
          .where('used', 'is', null)
          .where('expires', '>', now)
          .executeTakeFirst();
        if (taken.numUpdatedRows !== 1n) return false;
        // Other links of other starts end with this one.
        await inside
          .updateTable('one_time_links')
          .set({ used: now })
          .where('purpose', '=', PURPOSE)
          .where('used', 'is', null)
          .execute();
        const { name, passwordHash } = admin;
        const roles = JSON.stringify(['approver', 'admin']);
        await inside
          .insertInto('users')
          .values({ name, password_hash: passwordHash, roles, created: now })
          .onConflict((conflict) =>
            conflict
              .column('name')
              .doUpdateSet({ roles, ...(passwordHash === null ? {} : { password_hash: passwordHash }) }),
          )
          .execute();
        await record();
        return true;
      });
    },
  };
}
