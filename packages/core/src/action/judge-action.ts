// Check 3: may this very action happen. Root and actor both need a permit; every other actor can only take away (rules §3.13).

import { type Denial, denial } from '../denial.ts';
import type { Engine } from '../std/engine.ts';
import type { Principal } from '../token/chain.ts';
import type { Claim, TokenFacts } from '../token/facts.ts';
import { pass } from '../verdict.ts';
import {
  type ApprovalAsk,
  type ApprovalSubject,
  approvalCovers,
  type GrantedApproval,
  requestKeyOf,
} from './approval.ts';
import { ANSWERS_MEMBER, type Call, type Target } from './call.ts';
import { type Limit, limitClaims, moneyClaims } from './limits.ts';
import { BROKER_SECRET_RULE, goesThrough, type Mode, type Observed } from './observe.ts';
import type { Asker, Definition, Policy, PolicyAnswer, PolicyContext, PolicyRequest } from './policy.ts';
import { type Spend, spendOf } from './spend.ts';
import type { Question, TaskWorld, TrustAnswer } from './task-world.ts';
import type { Memory } from './trust/floor.ts';
import type { TrustFacts } from './trust/trust-facts.ts';

export interface ActionFacts {
  readonly policyVersion: string;
  /** Ids of the policies that decided. */
  readonly determining: readonly string[];
  readonly risk: number;
  /** A reviewed manifest gave the risk. */
  readonly manifest: boolean;
  /** Pin of the definition that was judged; null for operations that are not actions. */
  readonly definition: string | null;
  /** What is known of the task; null for operations that are not actions. */
  readonly trust: Pick<TrustAnswer, 'provenance' | 'floor'> | null;
  /** What the call uses up besides what its token says. */
  readonly claims: readonly Claim[];
  /** Watched only: what would have become of it; null where it was judged. */
  readonly observed: Observed | null;
  /** The yes that satisfied the rules that asked; the call uses it up. */
  readonly approval: GrantedApproval | null;
}

/** The third answer: a person has to say yes to this exact action first. */
export interface NeedsApproval {
  readonly outcome: 'approval';
  readonly denial: Denial;
  readonly ask: ApprovalAsk;
  readonly facts: ActionFacts;
}

/** A no, with what had been found out by then; null where it was said before anything was looked at. */
export interface RefusedAction {
  readonly outcome: 'deny';
  readonly denial: Denial;
  readonly facts: ActionFacts | null;
}

export type ActionVerdict = { readonly outcome: 'pass'; readonly facts: ActionFacts } | RefusedAction | NeedsApproval;

/** The part of the world that actions are judged in. */
export interface ActionWorld {
  readonly policy: Policy;
  readonly tasks: TaskWorld;
  /** Unused approvals that may be about this call; the shell looks them up when a first judgement asks. */
  readonly approvals: readonly GrantedApproval[];
  /** How check 3 is meant for this caller and target; ends by itself. */
  modeOf(target: Target, actorKey: string): Mode;
  /** Ceilings of the operator's own. */
  readonly limits: readonly Limit[];
  readonly engine: Engine;
  /** Whether text outlives a task in this caller; null where nobody said. Rules §3.4: then nothing of risk 3 and above. */
  memoryOf(actorKey: string): Memory | null;
}

export function judgeAction(call: Call, token: TokenFacts, world: ActionWorld, nowSeconds: number): ActionVerdict {
  const verdict = judgeEnforced(call, token, world, nowSeconds);
  if (verdict.outcome === 'pass') return verdict;
  const definition = world.policy.definition(call.target);
  const mode = world.modeOf(call.target, token.actorKey);
  if (!goesThrough(mode, verdict.denial, definition)) return verdict;
  return watched(verdict, definition!, mode, call, token, world);
}

/** What is only watched still spends what its chain may spend, and still carries no secret of the broker. Rules §7.3. */
function watched(
  { outcome, denial: told, facts }: RefusedAction | NeedsApproval,
  definition: Definition,
  mode: Mode,
  call: Call,
  token: TokenFacts,
  { policy, tasks }: ActionWorld,
): ActionVerdict {
  const secret = tasks.judge(call, token, definition).denials.find(({ rule }) => rule === BROKER_SECRET_RULE);
  if (secret) return no(secret.code, { argument: secret.argument }, secret.rule);
  const money = moneyClaims(token.chain, spendOf(definition.trust, call.arguments));
  if ('code' in money) return { outcome: 'deny', denial: money, facts };
  const known = facts ?? { ...nothingAsked, policyVersion: policy.version, risk: definition.risk };
  return pass({ ...known, claims: money, observed: mode === 'observe' ? { outcome, denial: told } : null });
}

/** deny > approval > allow (rules §3.12). */
function judgeEnforced(call: Call, token: TokenFacts, world: ActionWorld, nowSeconds: number): ActionVerdict {
  const { policy } = world;
  // Lists and discovery change nothing and are filtered to what the caller may call.
  if (!call.isAction) return pass({ ...nothingAsked, policyVersion: policy.version });
  const definition = policy.definition(call.target);
  if (!definition) return no('action.unknown', { target: nameOf(call) });
  if (!definition.reviewed) {
    return no('action.manifest_changed', { target: nameOf(call), definition: definition.digest });
  }
  if (token.wildcard && definition.risk >= 5) {
    return no('token.scope_insufficient', { target: nameOf(call), why: 'a wildcard scope never covers risk 5' });
  }
  const fault = definition.checkArguments(call.arguments);
  if (fault) return no(fault.code, { argument: fault.pointer, expected: fault.expected });

  if (definition.risk >= 3 && world.memoryOf(token.actorKey) === null) {
    const why = 'the agent does not state its `memory`';
    return no('action.policy_forbids', { target: nameOf(call), why }, 'Writ rules §3.4');
  }

  const trust = world.tasks.judge(call, token, definition);
  const known = {
    policyVersion: policy.version,
    risk: definition.risk,
    manifest: definition.manifest,
    definition: definition.digest,
    trust: { provenance: trust.provenance, floor: trust.floor },
    claims: [],
    observed: null,
    approval: null,
  };
  const asked = askPolicy(call, token, policy, trust.facts, nowSeconds);
  if ('denial' in asked) {
    return { outcome: 'deny', denial: asked.denial, facts: { ...known, determining: asked.determining } };
  }
  const facts: ActionFacts = { ...known, determining: asked.determining };
  const [refused] = trust.denials;
  if (refused) {
    return { outcome: 'deny', denial: denial(refused.code, { argument: refused.argument }, refused.rule), facts };
  }
  const questions = [...asked.questions, ...questionsOfBinding(token, definition.risk), ...trust.questions];
  const spend = spendOf(definition.trust, call.arguments);
  const used = usedUp(call, token, world, spend, nowSeconds);
  if ('code' in used) return { outcome: 'deny', denial: used, facts };
  const whole = { ...facts, claims: used };
  return questions.length === 0 ? pass(whole) : judgeQuestions(questions, whole, call, token, world, nowSeconds);
}

/** Nobody is asked about what no yes could allow: a ceiling that is too low is a no before any question. */
function usedUp(
  call: Call,
  token: TokenFacts,
  { limits }: ActionWorld,
  spend: Spend,
  nowSeconds: number,
): readonly Claim[] | Denial {
  const money = moneyClaims(token.chain, spend);
  if ('code' in money) return money;
  const own = limitClaims(limits, call, token, spend, nowSeconds);
  return 'code' in own ? own : [...money, ...own];
}

const nothingAsked: ActionFacts = {
  policyVersion: '',
  determining: [],
  risk: 0,
  manifest: false,
  definition: null,
  trust: null,
  claims: [],
  observed: null,
  approval: null,
};

/** A yes that was given to exactly this satisfies the rules that asked; otherwise somebody is asked. Rules §4.1. */
function judgeQuestions(
  questions: readonly Question[],
  facts: ActionFacts,
  call: Call,
  token: TokenFacts,
  { approvals, engine }: ActionWorld,
  nowSeconds: number,
): ActionVerdict {
  const subject: ApprovalSubject = {
    server: call.target.server,
    tool: call.target.name ?? '',
    definition: facts.definition!,
    arguments: call.answers ? { ...call.arguments, [ANSWERS_MEMBER]: call.answers } : call.arguments,
    task: token.chain.task,
    root: token.root,
    actors: token.chain.links.slice(1).map(({ actor }) => actor),
    audience: call.resource,
  };
  const rules = [...new Set(questions.map(({ rule }) => rule))].sort();
  const ask: ApprovalAsk = { subject, rules, risk: facts.risk, requestKey: requestKeyOf(subject, engine) };
  const granted = approvals.find((approval) => approvalCovers(approval, ask, nowSeconds));
  if (granted) return pass({ ...facts, determining: [...facts.determining, ...rules], approval: granted });
  const [first] = questions;
  const detail = { rules, arguments: questions.flatMap(({ argument }) => (argument === null ? [] : [argument])) };
  return { outcome: 'approval', denial: denial(first!.code, detail, first!.rule), ask, facts };
}

/** Rules §1.2: a token that anybody could hold does nothing above risk 1 by itself. */
function questionsOfBinding({ unbound }: TokenFacts, risk: number): readonly Question[] {
  return unbound && risk > 1 ? [{ rule: 'writ.unbound', code: 'action.approval_required', argument: null }] : [];
}

type PolicyAsked =
  | { readonly denial: Denial; readonly determining: readonly string[] }
  | { readonly determining: readonly string[]; readonly questions: readonly Question[] };

/** Root and actor both need a permit; the others' forbids count (rules §3.13). */
function askPolicy(call: Call, token: TokenFacts, policy: Policy, trust: TrustFacts, nowSeconds: number): PolicyAsked {
  const request = policyRequestOf(call, token, nowSeconds, trust);
  const determining: string[] = [];
  const questions: Question[] = [];
  for (const { asker, who, code, forbidsOnly } of askersOf(token)) {
    const answer = policy.evaluate({ asker, ...request, forbidsOnly, decisionId: call.decisionId });
    const refusal = refusalOf(answer, code, who, forbidsOnly);
    if (refusal) return { denial: refusal, determining: answer.determining };
    if (answer.outcome === 'approval') {
      for (const rule of answer.determining) questions.push({ rule, code: 'action.approval_required', argument: null });
    } else if (!forbidsOnly) determining.push(...answer.determining);
  }
  return { determining, questions };
}

/** Everything an agent or a person may be shown of a target: would policy permit it with some arguments? */
export function couldCall(token: TokenFacts, target: Call['target'], policy: Policy): boolean {
  const definition = policy.definition(target);
  if (!definition?.reviewed) return false;
  return (
    policy.couldPermit(askerOf(token.actor), target) &&
    policy.couldPermit({ kind: 'user', principal: token.root }, target)
  );
}

function no(code: Parameters<typeof denial>[0], detail: Denial['detail'], rule?: string): RefusedAction {
  return { outcome: 'deny', denial: denial(code, detail, rule), facts: null };
}

function nameOf(call: Call): string {
  return call.target.name === null ? call.target.server : `${call.target.server}/${call.target.name}`;
}

interface AskedOf {
  readonly asker: Asker;
  readonly who: Principal;
  readonly code: 'action.policy_forbids' | 'action.user_not_permitted';
  /** Needs no permit. */
  readonly forbidsOnly: boolean;
}

function askersOf(token: TokenFacts): readonly AskedOf[] {
  const agent = (who: Principal, forbidsOnly: boolean): AskedOf => {
    return { asker: askerOf(who), who, code: 'action.policy_forbids', forbidsOnly };
  };
  const root: AskedOf = {
    asker: { kind: 'user', principal: token.root },
    who: token.root,
    code: 'action.user_not_permitted',
    forbidsOnly: false,
  };
  return [...earlierActors(token).map((actor) => agent(actor, true)), agent(token.actor, false), root];
}

/** Agents between the root and the one acting now; they need no permit, their forbids count. */
function earlierActors(token: TokenFacts): readonly Principal[] {
  return token.chain.links.slice(1, -1).map((link) => link.actor);
}

function askerOf(actor: Principal): Asker {
  // Both halves: a client could be called anything (rules §2.2).
  return actor.sub.startsWith('spiffe://') && actor.iss.startsWith('spiffe://')
    ? { kind: 'agent', spiffeId: actor.sub }
    : { kind: 'client', clientId: actor.sub };
}

/** What policy is asked about a call, whoever is asked about; the shell puts the same to another engine (design D7). */
export function policyRequestOf(
  call: Call,
  token: TokenFacts,
  nowSeconds: number,
  trust?: TrustFacts,
): Omit<PolicyRequest, 'asker'> {
  const { target, operation, arguments: args } = call;
  const context = { ...contextOf(call, token, nowSeconds), ...(trust ? { trust } : {}) };
  return { target, operation, arguments: args, context };
}

function contextOf(call: Call, token: TokenFacts, nowSeconds: number): PolicyContext {
  const actors = token.chain.links.slice(1).map((link) => link.actor.sub);
  return {
    actor: token.actor.sub,
    root: token.root,
    via: actors,
    depth: actors.length,
    task: token.chain.task,
    scopes: call.scopes,
    protocol: call.protocol,
    nowSeconds,
  };
}

/** Any error is a no; a forbid is a no; nothing said is a no unless only forbids are asked for. */
function refusalOf(
  answer: PolicyAnswer,
  code: 'action.policy_forbids' | 'action.user_not_permitted',
  who: Principal,
  forbidsOnly: boolean,
): Denial | null {
  if (answer.outcome === 'unreachable') {
    const detail = { asked: who.sub, errors: answer.errors, policies: answer.determining };
    return denial('action.policy_unreachable', detail);
  }
  if (answer.errors.length > 0 || answer.outcome === 'error') {
    return denial('action.policy_error', { asked: who.sub, errors: answer.errors, policies: answer.determining });
  }
  if (answer.outcome === 'permit' || answer.outcome === 'approval' || (forbidsOnly && answer.outcome === 'none'))
    return null;
  const rule = answer.determining[0];
  return denial(code, { asked: who.sub, policies: answer.determining }, rule ?? 'no policy permits it');
}
