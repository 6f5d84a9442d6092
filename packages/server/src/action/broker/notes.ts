// What is known of each credential by its reference: since when it has its value, when it was last used, and where it was seen and
// should not have been, so that it is listed for rotation (rules §3.11). A value is known by a keyed fingerprint alone.

import { createHmac } from 'node:crypto';
import type { Store } from '../../store/store.ts';

export interface CredentialNote {
  readonly name: string;
  /** When this value was first used. */
  readonly sinceSeconds: number;
  readonly lastUsedSeconds: number;
  /** Of this value: a new one begins at 0. */
  readonly exposures: number;
  readonly exposedSeconds: number | null;
  /** Server whose call or answer it stood in. */
  readonly exposedBy: string | null;
}

export interface Notes {
  /** Never rejects: a call does not wait for the book-keeping. */
  used(name: string, value: string): void;
  exposed(name: string, server: string): void;
  list(): Promise<readonly CredentialNote[]>;
  /** Resolves when everything said so far is stored. */
  settled(): Promise<void>;
}

/** The same value is noted once in so long. */
const everySeconds = 60;

export function credentialNotes(options: {
  readonly store: Pick<Store, 'db'>;
  /** Key of the fingerprints. */
  readonly key: Uint8Array;
  readonly clock: { nowSeconds(): number };
  report(what: string, error: unknown): void;
}): Notes {
  const { store, key, clock, report } = options;
  const noted = new Map<string, { readonly value: string; readonly atSeconds: number }>();
  let writing: Promise<unknown> = Promise.resolve();
  // One at a time and in order: an exposure is of the value that was used before it.
  const later = (what: () => Promise<unknown>): void => {
    writing = writing.then(what).catch((error: unknown) => report('credential notes', error));
  };

  const used = (name: string, fingerprint: string, nowSeconds: number) =>
    store.db
      .insertInto('credentials')
      .values({
        ...{ name, fingerprint, since: nowSeconds, last_used: nowSeconds },
        ...{ exposures: 0, exposed_at: null, exposed_by: null },
      })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .executeTakeFirst()
      .then(async ({ numInsertedOrUpdatedRows }) => {
        if (numInsertedOrUpdatedRows === 1n) return;
        const one = store.db.updateTable('credentials').where('name', '=', name);
        await one
          .set({ fingerprint, since: nowSeconds, exposures: 0, exposed_at: null, exposed_by: null })
          .where('fingerprint', '!=', fingerprint)
          .execute();
        await one.set({ last_used: nowSeconds }).execute();
      });

  return {
    used(name, value) {
      const nowSeconds = clock.nowSeconds();
      const last = noted.get(name);
      if (last?.value === value && nowSeconds < last.atSeconds + everySeconds) return;
      const fingerprint = createHmac('sha256', key).update(value).digest('base64url');
      noted.set(name, { value, atSeconds: nowSeconds });
      later(() => used(name, fingerprint, nowSeconds));
    },
    exposed(name, server) {
      const nowSeconds = clock.nowSeconds();
      later(() =>
        store.db
          .updateTable('credentials')
          .set((set) => ({ exposures: set('exposures', '+', 1), exposed_at: nowSeconds, exposed_by: server }))
          .where('name', '=', name)
          .execute(),
      );
    },
    list: () => listNotes(store),
    settled: async () => {
      await writing;
    },
  };
}

/** Also for a command that reads the store of a plane. */
export async function listNotes({ db }: Pick<Store, 'db'>): Promise<readonly CredentialNote[]> {
  const rows = await db.selectFrom('credentials').selectAll().orderBy('name').execute();
  return rows.map((row) => ({
    name: row.name,
    sinceSeconds: Number(row.since),
    lastUsedSeconds: Number(row.last_used),
    exposures: Number(row.exposures),
    exposedSeconds: row.exposed_at === null ? null : Number(row.exposed_at),
    exposedBy: row.exposed_by,
  }));
}
