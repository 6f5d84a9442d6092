// What a call uses up, taken before its record is written (rules §6): all of it or nothing, by conditional statements only.
// A use may be lost, never doubled: taking the same one-time key again is a loss even for the same decision.

import type { Claim } from '@writ/core';
import type { ControlledTransaction, Kysely } from 'kysely';
import type { Schema } from './schema.ts';
import type { StoreTime } from './time.ts';

export interface TakenClaim {
  readonly decision: string;
  readonly takenSeconds: number;
}

export interface Claims {
  /** Takes every claim for this decision, or none: then the first one that was gone. */
  take(claims: readonly Claim[], decisionId: string): Promise<'taken' | { readonly lost: Claim }>;
  /** Decisions that took something since, store time: start-up compares them with the log (rules §6). */
  takenSince(seconds: number): Promise<readonly TakenClaim[]>;
}

export function createClaims(db: Kysely<Schema>, time: StoreTime): Claims {
  return {
    async take(claims, decisionId) {
      if (claims.length === 0) return 'taken';
      const nowSeconds = await time.nowSeconds();
      const transaction = await db.startTransaction().execute();
      try {
        for (const claim of inOneOrder(claims)) {
          if (await takeOne(transaction, claim, decisionId, nowSeconds)) continue;
          await transaction.rollback().execute();
          return { lost: claim };
        }
        await transaction.commit().execute();
        return 'taken';
      } catch (outage) {
        if (!transaction.isCommitted && !transaction.isRolledBack) await transaction.rollback().execute();
        throw outage;
      }
    },

    async takenSince(seconds) {
      const once = db.selectFrom('once_claims').select(['decision', 'taken']).where('taken', '>=', seconds);
      const debits = db.selectFrom('budget_debits').select(['decision', 'taken']).where('taken', '>=', seconds);
      const rows = await once.union(debits).orderBy('taken').execute();
      return rows.map((row) => ({ decision: row.decision, takenSeconds: row.taken }));
    },
  };
}

/** Two calls that take the same claims take them in the same order, so that neither waits for the other in a circle. */
function inOneOrder(claims: readonly Claim[]): Claim[] {
  return [...claims].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

function nameOf(claim: Claim): string {
  if (claim.kind === 'once' || claim.kind === 'state') return `once ${onceKeyOf(claim)}`;
  if (claim.kind === 'limit') return `limit ${rowOf(claim)} ${claim.unit}`;
  return claim.kind === 'approval' ? `approval ${claim.id}` : `budget ${claim.row} ${claim.unit}`;
}

function onceKeyOf(claim: Extract<Claim, { kind: 'once' | 'state' }>): string {
  return claim.kind === 'once' ? claim.key : `state:${claim.id}`;
}

type Transaction = ControlledTransaction<Schema>;

async function takeOne(db: Transaction, claim: Claim, decision: string, nowSeconds: number): Promise<boolean> {
  if (claim.kind === 'budget') return debit(db, claim, decision, nowSeconds);
  if (claim.kind === 'approval') return useApproval(db, claim, nowSeconds);
  if (claim.kind === 'limit') return debit(db, { ...claim, row: rowOf(claim) }, decision, nowSeconds);
  const taken = await db
    .insertInto('once_claims')
    .values({ key: onceKeyOf(claim), decision, taken: nowSeconds, until_seconds: claim.untilSeconds })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .executeTakeFirst();
  return taken.numInsertedOrUpdatedRows === 1n;
}

/** Begins with its end, in one width, so that a sweep finds the windows that are over. */
function rowOf({ key, untilSeconds }: Extract<Claim, { kind: 'limit' }>): string {
  return `limit:${String(untilSeconds).padStart(12, '0')}:${key}`;
}

/** A yes is used once: the state is the claim. */
async function useApproval(
  db: Transaction,
  { id, digest }: Extract<Claim, { kind: 'approval' }>,
  nowSeconds: number,
): Promise<boolean> {
  const used = await db
    .updateTable('approvals')
    .set({ state: 'used' })
    .where('id', '=', id)
    .where('digest', '=', digest)
    .where('state', '=', 'approved')
    .where('expires', '>', nowSeconds)
    .executeTakeFirst();
  return used.numUpdatedRows === 1n;
}

async function debit(
  db: Transaction,
  claim: Pick<Extract<Claim, { kind: 'budget' }>, 'row' | 'unit' | 'amount' | 'max'>,
  decision: string,
  nowSeconds: number,
): Promise<boolean> {
  const { row, unit, amount, max } = claim;
  if (!Number.isSafeInteger(amount) || amount < 0 || amount > max) return false;
  const spent = await db
    .insertInto('budgets')
    .values({ row, unit, spent: amount })
    .onConflict((conflict) =>
      conflict
        .columns(['row', 'unit'])
        .doUpdateSet((set) => ({ spent: set('budgets.spent', '+', amount) }))
        .where('budgets.spent', '<=', max - amount),
    )
    .executeTakeFirst();
  if (spent.numInsertedOrUpdatedRows !== 1n) return false;
  await db
    .insertInto('budget_debits')
    .values({ decision, row, unit, amount, taken: nowSeconds })
    .onConflict((conflict) =>
      conflict
        .columns(['decision', 'row', 'unit'])
        .doUpdateSet((set) => ({ amount: set('budget_debits.amount', '+', amount) })),
    )
    .execute();
  return true;
}
