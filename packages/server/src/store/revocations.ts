// The numbered list of what has been withdrawn (rules §2.15). What a number means to a verifier is the token room's business.

import type { Kysely, Transaction } from 'kysely';
import type { RevocationKind, Schema } from './schema.ts';
import type { StoreTime } from './time.ts';

export interface Revocation {
  readonly kind: RevocationKind;
  readonly value: string;
  /** When the last thing it speaks of ends anyway; null = it stands for good. */
  readonly untilSeconds: number | null;
}

export interface NumberedRevocation extends Revocation {
  readonly sequence: number;
}

export interface RevocationLog {
  /** Everything after `sequence` that can still matter, and the newest number; 0 asks for everything. */
  since(sequence: number): Promise<{ readonly sequence: number; readonly entries: readonly NumberedRevocation[] }>;
  /** Stored and on disk when it resolves; the newest number then. */
  add(revocations: readonly Revocation[]): Promise<number>;
  /** The same inside a transaction of the caller, who calls `settled` after committing. */
  addWithin(transaction: Transaction<Schema>, revocations: readonly Revocation[], nowSeconds: number): Promise<number>;
  settled(): void;
}

const COUNTER = 'revocations';

export function createRevocationLog(db: Kysely<Schema>, time: StoreTime, flush: () => void): RevocationLog {
  const newest = async (): Promise<number> => {
    const row = await db.selectFrom('counters').select('value').where('name', '=', COUNTER).executeTakeFirst();
    return row?.value ?? 0;
  };

  const addWithin: RevocationLog['addWithin'] = async (transaction, revocations, nowSeconds) => {
    let sequence = 0;
    for (const { kind, value, untilSeconds } of revocations) {
      sequence = await next(transaction);
      const entry = { sequence, kind, value, at: nowSeconds, until_seconds: untilSeconds };
      await transaction.insertInto('revocations').values(entry).execute();
    }
    return sequence;
  };

  return {
    async since(sequence) {
      // The number is read first: an entry added in between is read as well and will simply be read again.
      const upTo = await newest();
      if (upTo === sequence) return { sequence, entries: [] };
      const nowSeconds = await time.nowSeconds();
      const rows = await db
        .selectFrom('revocations')
        .select(['sequence', 'kind', 'value', 'until_seconds'])
        .where('sequence', '>', sequence)
        .where((where) => where.or([where('until_seconds', 'is', null), where('until_seconds', '>', nowSeconds)]))
        .orderBy('sequence')
        .execute();
      const entries = rows.map(({ until_seconds, ...entry }) => ({ ...entry, untilSeconds: until_seconds }));
      return { sequence: upTo, entries };
    },

    async add(revocations) {
      if (revocations.length === 0) return newest();
      const nowSeconds = await time.nowSeconds();
      const sequence = await db.transaction().execute((inside) => addWithin(inside, revocations, nowSeconds));
      flush();
      return sequence;
    },

    addWithin,
    settled: flush,
  };
}

/**
 * The next number. The row stays locked until the transaction ends, so numbers become visible in their own order:
 * a database sequence would let 6 appear before 5, and a reader that had seen 6 would never ask for 5.
 */
async function next(transaction: Transaction<Schema>): Promise<number> {
  const row = await transaction
    .insertInto('counters')
    .values({ name: COUNTER, value: 1 })
    .onConflict((conflict) => conflict.column('name').doUpdateSet((set) => ({ value: set('counters.value', '+', 1) })))
    .returning('value')
    .executeTakeFirstOrThrow();
  return row.value;
}
