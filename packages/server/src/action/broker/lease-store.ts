// Leases in the database, so that they are given back after a crash too. Rows hold no secret.

import type { Store } from '../../store/store.ts';
import type { LeaseStore } from './leases.ts';

/** `replica`: whose they are; another one's are not ours to give back. */
export function leaseStore({ db, time }: Pick<Store, 'db' | 'time'>, replica: string): LeaseStore {
  return {
    async opened(row) {
      const opened = await time.nowSeconds();
      // A lease that is taken anew keeps its row.
      await db
        .insertInto('leases')
        .values({ ...row, replica, opened })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
    },
    async taken(id, handle) {
      await db.updateTable('leases').set({ handle }).where('id', '=', id).execute();
    },
    async closed(id) {
      await db.deleteFrom('leases').where('id', '=', id).execute();
    },
    open: () =>
      db
        .selectFrom('leases')
        .select(['id', 'server', 'task', 'decision', 'handle'])
        .where('replica', '=', replica)
        .orderBy('opened')
        .orderBy('id')
        .execute(),
  };
}
