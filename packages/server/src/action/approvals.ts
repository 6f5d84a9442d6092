// Asking a person (rules §4): one open question for each exact action, whoever repeats it; a cap on how often somebody is asked; and
// the yeses that wait to be used. Giving the verdict is the console's, using it up the store's.

import {
  type ApprovalAsk,
  approvalDigestOf,
  type Call,
  canonicalJson,
  type Decision,
  type DenialCode,
  type Effect,
  type GrantedApproval,
  type JsonObject,
  type OpenedApproval,
  type Principal,
  sentenceOf,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import type { Selectable } from 'kysely';
import type { ApprovalsTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { WaitingQuestion } from './approvals/webhook.ts';
import { whatHappens } from './approvals/what-happens.ts';
import { digestOf } from './digest.ts';

export interface ApprovalsDeps {
  readonly store: Pick<Store, 'db' | 'time'>;
  newId(): string;
  /** Where the person answers. */
  url(id: string): string;
  /** What a tool does, from its reviewed manifest; null for a message to an agent. */
  effectOf(target: Call['target']): Effect | null;
  /** A question has been asked. */
  onOpened?(question: WaitingQuestion): void;
  /** Questions to one person in an hour; what goes beyond is denied. */
  readonly perHourMax?: number;
  /** How long a question stands. */
  readonly lifeSeconds?: number;
}

export interface Approvals {
  /** `resumes`: only a yes to this question. */
  granted(requestKey: string, resumes?: string | null): Promise<readonly GrantedApproval[]>;
  /** `resumes`: the question that the caller comes back to; another one is not asked in its place. */
  open(
    decision: Decision,
    call: Call,
    resumes?: string | null,
  ): Promise<OpenedApproval | { readonly refused: DenialCode }>;
  /** How a question stands; null for none. */
  question(id: string): Promise<AskedQuestion | null>;
}

/** For whoever asked it. */
export interface AskedQuestion extends Pick<Shown, 'server' | 'arguments' | 'task' | 'root' | 'actors'> {
  readonly id: string;
  readonly url: string;
  readonly state: 'open' | 'approved' | 'denied' | 'used' | 'expired';
}

const hourSeconds = 3600;

export function createApprovals(deps: ApprovalsDeps): Approvals {
  const { perHourMax = 20, lifeSeconds = 900 } = deps;
  const { db, time } = deps.store;
  const current = async (requestKey: string) =>
    db
      .selectFrom('approvals')
      .selectAll()
      .where('request_key', '=', requestKey)
      .where('expires', '>', await time.nowSeconds())
      .orderBy('created', 'desc')
      .execute();

  const turns = new Map<string, Promise<void>>();

  async function opening(
    decision: Decision,
    call: Call,
    rootKey: string,
    resumes: string | null,
  ): Promise<OpenedApproval | { readonly refused: DenialCode }> {
    const ask = decision.ask!;
    const rows = await current(ask.requestKey);
    // A yes of an older rule set does not count, but neither is the person asked twice while one question is open.
    const open = rows.find(
      (row) => row.state === 'open' && sameRules(row, ask) && (resumes === null || row.id === resumes),
    );
    if (open) return { id: open.id, url: deps.url(open.id) };
    // It was answered, used up, ran out, or is about something else by now: who comes back to it is told, nobody is asked anew.
    if (resumes !== null) return { refused: 'action.approval_invalid' };
    if (rows.some(({ state }) => state === 'denied')) return { refused: 'action.approval_invalid' };
    const nowSeconds = await time.nowSeconds();
    const asked = await db
      .selectFrom('approvals')
      .select(({ fn }) => fn.countAll<number>().as('times'))
      .where('root', '=', rootKey)
      .where('created', '>', nowSeconds - hourSeconds)
      .executeTakeFirstOrThrow();
    if (Number(asked.times) >= perHourMax) return { refused: 'action.limit_exceeded' };
    const id = `apr_${deps.newId()}`;
    const url = deps.url(id);
    const terms = { rules: ask.rules, nonce: deps.newId(), notAfterSeconds: nowSeconds + lifeSeconds };
    const hash = approvalDigestOf(ask.subject, terms, nodeEngine);
    const shown = payloadOf(decision, ask, call, deps.effectOf(call.target));
    await db
      .insertInto('approvals')
      .values({
        id,
        request_key: ask.requestKey,
        digest: hash,
        state: 'open',
        root: rootKey,
        payload: JSON.stringify(shown),
        created: nowSeconds,
        expires: terms.notAfterSeconds,
        decided_by: null,
        decided_at: null,
      })
      .execute();
    const { will, arguments: args, provenance: _, ...about } = shown;
    deps.onOpened?.({
      ...{ id, url, hash, expiresSeconds: terms.notAfterSeconds },
      about: about as unknown as JsonObject,
      values: { will, arguments: args },
    });
    return { id, url };
  }

  return {
    async granted(requestKey, resumes = null) {
      const rows = (await current(requestKey)).filter(({ state }) => state === 'approved');
      return rows.filter(({ id }) => resumes === null || id === resumes).map(grantedOf);
    },

    open(decision, call, resumes = null) {
      // One after the other for each person: two calls at once ask one question, and the cap counts both.
      const rootKey = rootOf(decision.ask!);
      const before = turns.get(rootKey) ?? Promise.resolve();
      const turn = before.then(() => opening(decision, call, rootKey, resumes));
      const over = turn.then(
        () => {},
        () => {},
      );
      turns.set(rootKey, over);
      void over.then(() => turns.get(rootKey) === over && turns.delete(rootKey));
      return turn;
    },

    async question(id) {
      const row = await db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst();
      if (!row) return null;
      const { server, arguments: args, task, root, actors } = JSON.parse(row.payload) as Shown;
      const isOver = Number(row.expires) <= (await time.nowSeconds());
      const waits = row.state === 'open' || row.state === 'approved';
      const state = isOver && waits ? 'expired' : (row.state as AskedQuestion['state']);
      return { id, url: deps.url(id), state, server, arguments: args, task, root, actors };
    },
  };
}

function rootOf({ subject: { root } }: ApprovalAsk): string {
  return `${root.iss} ${root.sub}`;
}

function sameRules(row: Selectable<ApprovalsTable>, ask: ApprovalAsk): boolean {
  const { rules } = JSON.parse(row.payload) as { rules: readonly string[] };
  return canonicalJson(rules) === canonicalJson(ask.rules);
}

function grantedOf(row: Selectable<ApprovalsTable>): GrantedApproval {
  const { rules } = JSON.parse(row.payload) as { rules: readonly string[] };
  const { id, digest, request_key: requestKey, expires: notAfterSeconds } = row;
  return { id, digest, requestKey, rules, notAfterSeconds };
}

interface Shown {
  readonly sentence: string;
  /** What a yes does. */
  readonly will: string;
  readonly server: string;
  readonly tool: string;
  readonly kind: Call['target']['kind'];
  readonly arguments: JsonObject;
  readonly argumentsDigest: string;
  readonly provenance: JsonObject;
  readonly task: string;
  readonly root: Principal;
  readonly actors: readonly string[];
  readonly risk: number;
  readonly mandate: boolean;
  readonly rules: readonly string[];
  readonly decision: string;
}

/** What the approver is shown: the exact action, where its values come from, and who asks through whom. */
function payloadOf(
  decision: Decision,
  { subject, rules, risk }: ApprovalAsk,
  call: Call,
  effect: Effect | null,
): Shown {
  const provenance = decision.action.facts?.trust?.provenance ?? {};
  return {
    sentence: sentenceOf(call, decision),
    will: whatHappens(subject, effect, provenance),
    server: subject.server,
    tool: subject.tool,
    kind: call.target.kind,
    arguments: subject.arguments,
    argumentsDigest: digestOf(subject.arguments),
    provenance,
    task: subject.task,
    root: { iss: subject.root.iss, sub: subject.root.sub },
    actors: subject.actors.map(({ sub }) => sub),
    risk,
    mandate: subject.root.sub.startsWith('mandate:'),
    rules,
    decision: decision.id,
  };
}
