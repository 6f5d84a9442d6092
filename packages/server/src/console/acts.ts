// What people do through the API and the pages: open and end tasks, answer approvals, withdraw, review. Each takes somebody who was
// found to be signed in, and settles by itself what else it needs: a role, a recent sign-in, being the person behind it.

import {
  type Budget,
  denial,
  detailsFrom,
  isoSeconds,
  type JsonObject,
  type JsonValue,
  parseSpiffeId,
} from '@writ/core';
import { type Answer, ok, REFUSALS, type Refusal, refusal, refusalOf } from './answers.ts';
import { type Approval, type Approvals, mayDecide } from './approvals.ts';
import { argumentsInWords } from './argument-words.ts';
import { isRecent, type PersonCaller } from './caller.ts';
import type { ConsoleDeps, Review, Role, Withdrawal } from './ports.ts';

export interface TaskAsk {
  readonly user?: string | undefined;
  readonly agent: string;
  readonly prompt?: string | null | undefined;
  readonly scope?: readonly string[] | undefined;
  /** What a planner thinks the task needs; `constraints` as `authorization_details` has them. */
  readonly planned?: Planned | undefined;
  readonly depth?: number | undefined;
  readonly budget?: readonly Budget[] | undefined;
  readonly ttlSeconds?: number | undefined;
}

interface Planned {
  readonly scopes?: readonly string[] | undefined;
  readonly constraints?: readonly JsonValue[] | undefined;
}

/** Ids as people write them: an agent by path or SPIFFE ID, a user by name. */
export type RevocationAsk =
  | { readonly agent: string }
  | { readonly token: string }
  | { readonly user: string }
  | { readonly consent: string }
  | { readonly task: string };

export interface KeysAsk {
  readonly kind: 'root' | 'jwt';
  readonly atOnce?: boolean | undefined;
  readonly revoke?: boolean | undefined;
}

export type ReviewYes = { readonly by?: string | undefined } & (
  | { readonly digest: string }
  | { readonly digests: { readonly [name: string]: string } }
);

export interface VerdictAsk {
  readonly verdict: 'approve' | 'deny';
  readonly hash: string;
  /** The person vouches for all values below level 3, or for those at the pointers (rules §4.3). */
  readonly endorse?: true | readonly string[] | undefined;
}

export interface Acts {
  openTask(person: PersonCaller, ask: TaskAsk): Promise<Answer>;
  endTask(person: PersonCaller, task: string): Promise<Answer>;
  decideApproval(person: PersonCaller, id: string, yes: VerdictAsk): Promise<Answer>;
  revoke(person: PersonCaller, ask: RevocationAsk): Promise<Answer>;
  /** Rules §3.4: what the agent had read counts no more, because an admin has wiped its memory and says so. */
  forgetAgent(person: PersonCaller, ask: { readonly agent: string; readonly reason: string }): Promise<Answer>;
  rotateKeys(person: PersonCaller, ask: KeysAsk): Promise<Answer>;
  showDraft(): Promise<Answer>;
  reloadPolicy(person: PersonCaller, digest: string): Promise<Answer>;
  showReview(server: string): Promise<Answer>;
  acceptReview(person: PersonCaller, server: string, yes: ReviewYes): Promise<Answer>;
}

export function createActs(deps: ConsoleDeps, approvals: Approvals): Acts {
  const { clock, issuer, store, people, reviews } = deps;

  /** Null: go on. */
  function mustHave(person: PersonCaller, role: Role): Refusal | null {
    if (!person.roles.includes(role)) return REFUSALS.role(role);
    return isRecent(person, clock.nowSeconds()) ? null : REFUSALS.reauthenticate;
  }

  return {
    async openTask(person, { user = person.user, agent, prompt = null, scope, planned, depth, budget, ttlSeconds }) {
      const own = user === person.user;
      if (!own) {
        // Somebody else's prompt: only an admin may relay it (rules §3.2), and nobody learns here who exists.
        if (!person.roles.includes('admin')) return REFUSALS.agent;
        const stale = mustHave(person, 'admin');
        if (stale) return stale;
        if (!(await people.find(user))) return REFUSALS.notFound('user');
      }
      const plan = planned === undefined ? undefined : planOf(planned);
      if (plan === null) return refusalOf(denial('token.restriction_unknown', { parameter: 'planned.constraints' }));
      const opened = await deps.tasks.open({
        root: { iss: issuer, sub: user },
        openedBy: { kind: 'person', user: person.user },
        agentPath: agent,
        prompt,
        origin: prompt === null ? 'none' : own ? 'direct' : 'relayed',
        ...(scope === undefined ? {} : { scopes: scope }),
        ...(plan === undefined ? {} : { planned: plan }),
        ...(depth === undefined ? {} : { depth }),
        ...(budget === undefined ? {} : { budget }),
        ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
      });
      if (opened.outcome === 'deny') return refusalOf(opened.denial);
      const { task, subjectToken, expires, scopes, details = null } = opened.facts;
      return {
        status: 201,
        body: {
          task,
          subjectToken,
          expires: isoSeconds(expires),
          scope: scopes,
          constraints: details as unknown as JsonValue,
        },
      };
    },

    async endTask(person, task) {
      const row = await store.db
        .selectFrom('tasks')
        .select(['root_iss', 'root_sub'])
        .where('id', '=', task)
        .executeTakeFirst();
      const own = row?.root_iss === issuer && row.root_sub === person.user;
      if (!own && !person.roles.includes('admin')) return REFUSALS.notFound('open task');
      const stale = own ? null : mustHave(person, 'admin');
      if (stale) return stale;
      const ended = await deps.tasks.end(task, person.user);
      return ended ? ok({ task, ended: true }) : REFUSALS.notFound('open task');
    },

    async decideApproval(person, id, { verdict, hash, endorse }) {
      const asked = await approvals.find(id);
      if (!asked || !mayDecide(asked, person, issuer)) return REFUSALS.notFound('approval that you may answer');
      if (!isRecent(person, clock.nowSeconds())) return REFUSALS.reauthenticate;
      const endorsed = endorse === undefined ? [] : endorsedBy(asked, endorse);
      if (endorsed === null) return REFUSALS.malformed('`endorse` names an argument that nobody can vouch for');
      const event = {
        event: 'approval.decided',
        id: deps.newId(),
        by: person.user,
        approval: id,
        verdict,
        digest: hash,
        ...(endorsed.length === 0 ? {} : { endorsed }),
      } as const;
      const result = await approvals.decide({ id, verdict, hash, by: person.user }, () => deps.record(event));
      if (result === 'decided') {
        const { task, server, tool, arguments: args } = asked;
        if (endorsed.length > 0 && task !== null)
          await deps.trust.endorse({ approval: id, task, server, tool, arguments: args, pointers: endorsed });
        return ok({ id, verdict, hash, by: person.user, ...(endorsed.length === 0 ? {} : { endorsed }) });
      }
      const description =
        result === 'other_hash'
          ? 'This is not the action you saw. Look at it again: `writ approvals` or the console.'
          : 'This was answered before, or it ran out.';
      return refusal(409, 'conflict', description, 'action.approval_invalid');
    },

    async revoke(person, ask) {
      const refused = mustHave(person, 'admin');
      if (refused) return refused;
      const what = withdrawalOf(ask);
      if (what === null)
        return REFUSALS.malformed('`agent` is neither a path such as `claude/orchestrator` nor a SPIFFE ID');
      const { sequence, rows } = await deps.revoke(what, person.user);
      if ('user' in ask) await people.sessions.endAllOf(ask.user);
      return ok({ ...ask, sequence, rows });
    },

    async forgetAgent(person, { agent: name, reason }) {
      const refused = mustHave(person, 'admin');
      if (refused) return refused;
      const agent = deps.trust.actorKeyOf(name);
      if (agent === null) return REFUSALS.notFound('agent');
      await deps.record({ event: 'agent.forgotten', id: deps.newId(), by: person.user, agent, reason });
      await deps.trust.forget(agent);
      return ok({ agent, reason, by: person.user });
    },

    async rotateKeys(person, { kind, atOnce = false, revoke = false }) {
      const refused = mustHave(person, 'admin');
      if (refused) return refused;
      await deps.record({ event: 'keys.rotated', id: deps.newId(), by: person.user, kind, atOnce, revoke });
      await deps.keys.rotate(kind, { atOnce, revoke });
      return ok(deps.keys.show() as JsonObject);
    },

    async showDraft() {
      try {
        return ok((await deps.reload.look()) as JsonObject);
      } catch (fault) {
        return notInOrder(fault);
      }
    },

    async reloadPolicy(person, digest) {
      const refused = mustHave(person, 'admin');
      if (refused) return refused;
      try {
        const applied = await deps.reload.apply(digest, person.user);
        return applied === 'applied' ? ok({ digest, by: person.user }) : OTHER_FILES;
      } catch (fault) {
        return notInOrder(fault);
      }
    },

    async showReview(server) {
      const review = await reviews.review(server);
      return review ? ok(reviewJson(review)) : REFUSALS.notFound('server, or it has not been listed yet');
    },

    async acceptReview(person, server, yes) {
      const refused = mustHave(person, 'admin');
      if (refused) return refused;
      // A script says in whose name it pins; under another session that name would stand for somebody who saw nothing.
      if (yes.by !== undefined && yes.by !== person.user) return SOMEBODY_ELSE;
      const review = await reviews.review(server);
      if (!review) return REFUSALS.notFound('server, or it has not been listed yet');
      if (!isToThis(review, yes)) return STALE;
      const { digest } = review;
      const changed = review.entries
        .filter(({ state }) => state !== 'reviewed')
        .map(({ name, state, digest }) => ({ name, state, digest }));
      await deps.record({ event: 'policy.reviewed', id: deps.newId(), by: person.user, server, digest, changed });
      const accepted = await reviews.accept(server, digest, person.user);
      return accepted === 'pinned' ? ok({ server, digest, by: person.user }) : STALE;
    },
  };

  function withdrawalOf(ask: RevocationAsk): Withdrawal | null {
    if ('user' in ask) return { user: { iss: issuer, sub: ask.user } };
    if (!('agent' in ask)) return ask;
    const id = ask.agent.includes('://') ? ask.agent : `spiffe://${deps.trustDomain}/${ask.agent}`;
    return parseSpiffeId(id) === null ? null : { agent: id };
  }
}

/** Null: a pointer to something that nobody can vouch for. A message to an agent has no values of its own. */
function endorsedBy(asked: Approval, endorse: true | readonly string[]): readonly string[] | null {
  const values = asked.kind === 'agent' ? [] : argumentsInWords(asked, () => null);
  const pointers = values.filter(({ endorsable }) => endorsable).map(({ pointer }) => pointer);
  if (endorse === true) return pointers;
  return endorse.every((pointer) => pointers.includes(pointer)) ? [...new Set(endorse)] : null;
}

const STALE = refusal(
  409,
  'conflict',
  'The server lists something else by now, and nothing was pinned. Look at it again: `writ policy review`.',
  'action.manifest_changed',
);

const OTHER_FILES = refusal(
  409,
  'conflict',
  'The files say something else by now, and nothing was changed. Look at them again: `writ policy reload`.',
  null,
);

/** What is wrong with the operator’s own files, told to the people who may read them. */
function notInOrder(fault: unknown): Refusal {
  return REFUSALS.malformed(fault instanceof Error ? fault.message : String(fault));
}

const SOMEBODY_ELSE = refusal(
  403,
  'access_denied',
  'Somebody else is signed in than the one who is to answer for this review. `writ login` as that person, or leave the name out.',
  null,
);

/** Is the yes to everything that would be pinned, as it stands now? */
function isToThis({ digest, entries }: Review, yes: ReviewYes): boolean {
  if ('digest' in yes) return yes.digest === digest;
  const current = new Map(entries.map((entry) => [entry.name, entry]));
  const seen = Object.entries(yes.digests).every(([name, seen]) => current.get(name)?.digest === seen);
  const unseen = entries.some(({ name, state }) => (state === 'new' || state === 'changed') && !(name in yes.digests));
  return seen && !unseen;
}

/** Null: a constraint that nobody here knows. */
function planOf({ scopes, constraints }: Planned) {
  const details = constraints === undefined ? undefined : detailsFrom(constraints);
  if (details === null) return null;
  return { ...(scopes === undefined ? {} : { scopes }), ...(details === undefined ? {} : { details }) };
}

function reviewJson({ server, digest, entries, refused }: Review) {
  const tools = entries.map(({ document: { definition, instructions }, ...entry }) => ({
    ...entry,
    description: typeof definition.description === 'string' ? definition.description : null,
    definition,
    instructions,
  }));
  return { server, digest, tools, refused };
}
