// What waits for a person, and their one verdict on it. The verdict is to the digest that was seen (rules §4.1), is taken by one
// conditional statement, and is on record before it counts.

import { isJsonObject, type JsonObject, type Principal } from '@writ/core';
import type { Selectable } from 'kysely';
import type { ApprovalsTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Role } from './ports.ts';

/** What the room that asks writes into `approvals.payload`, as JSON. Text for people is plain text. */
export interface ApprovalPayload {
  readonly sentence: string;
  /** What a yes does; absent in questions of an older version. */
  readonly will?: string;
  readonly server: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  /** Where each argument came from, by pointer, as the record has it. */
  readonly provenance?: JsonObject;
  readonly kind?: 'server' | 'agent' | 'upstream';
  /** `sha256:<hex>` of the canonical arguments. */
  readonly argumentsDigest: string;
  readonly task: string | null;
  readonly root: Principal;
  /** Behind the root, outermost last. */
  readonly actors: readonly string[];
  readonly risk: number;
  /** The root is a mandate. */
  readonly mandate: boolean;
  /** Rules that asked. */
  readonly rules: readonly string[];
}

export type ApprovalState = 'open' | 'approved' | 'denied' | 'used';

export interface Approval extends ApprovalPayload {
  readonly id: string;
  /** Full digest of what is asked; a verdict names it. */
  readonly hash: string;
  readonly state: ApprovalState;
  readonly expiresSeconds: number;
}

export interface VerdictOnApproval {
  readonly id: string;
  readonly verdict: 'approve' | 'deny';
  readonly hash: string;
  readonly by: string;
}

export interface Approvals {
  /** Open and not run out, oldest first. */
  waiting(): Promise<readonly Approval[]>;
  find(id: string): Promise<Approval | null>;
  /** `record` runs when this verdict has won; its rejection takes the verdict back. */
  decide(verdict: VerdictOnApproval, record: () => Promise<void>): Promise<'decided' | 'other_hash' | 'too_late'>;
}

const waitingMax = 500;

export function createApprovals({ db, time }: Pick<Store, 'db' | 'time'>): Approvals {
  return {
    async waiting() {
      const rows = await db
        .selectFrom('approvals')
        .selectAll()
        .where('state', '=', 'open')
        .where('expires', '>', await time.nowSeconds())
        .orderBy('created')
        .limit(waitingMax)
        .execute();
      return rows.map(approvalOf);
    },

    async find(id) {
      const row = await db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? approvalOf(row) : null;
    },

    async decide({ id, verdict, hash, by }, record) {
      const now = await time.nowSeconds();
      const won = await db.transaction().execute(async (inside) => {
        const taken = await inside
          .updateTable('approvals')
          .set({ state: verdict === 'approve' ? 'approved' : 'denied', decided_by: by, decided_at: now })
          .where('id', '=', id)
          .where('digest', '=', hash)
          .where('state', '=', 'open')
          .where('expires', '>', now)
          .executeTakeFirst();
        if (taken.numUpdatedRows !== 1n) return false;
        await record();
        return true;
      });
      if (won) return 'decided';
      const row = await db.selectFrom('approvals').select('digest').where('id', '=', id).executeTakeFirst();
      return row?.digest === hash ? 'too_late' : 'other_hash';
    },
  };
}

/** Rules §4.2: the root for its own task up to risk 4; the role for all others, for risk 5 and for mandates. */
export function mayDecide(
  { root, risk, mandate }: Pick<Approval, 'root' | 'risk' | 'mandate'>,
  person: { readonly user: string; readonly roles: readonly Role[] },
  issuer: string,
): boolean {
  if (person.roles.includes('approver')) return true;
  return !mandate && risk <= 4 && root.iss === issuer && root.sub === person.user;
}

function approvalOf(row: Selectable<ApprovalsTable>): Approval {
  const payload: unknown = JSON.parse(row.payload);
  if (!isJsonObject(payload)) throw new Error(`the approval \`${row.id}\` holds no description of what it is for`);
  const { id, digest: hash, expires: expiresSeconds } = row;
  return { ...(payload as unknown as ApprovalPayload), id, hash, expiresSeconds, state: row.state as ApprovalState };
}
