// One evaluation, judged: may this gateway ask it, what does it mean here, what does the plane decide, and how AuthZEN says that.

import {
  type Call,
  type Chain,
  chainFromClaims,
  type Decision,
  type Denial,
  type DenialCode,
  denial,
  type JsonObject,
  leafOf,
  parseJws,
  rootOf,
  says,
} from '@writ/core';
import type { Evaluation, Malformed } from './request.ts';
import { type AuthzenCaller, type CallPorts, operationOf, toCall } from './to-call.ts';

export interface JudgePorts extends CallPorts {
  /**
   * The whole way of a call but the forwarding: three checks, approvals, claims, and the record on disk. Resolves with what was
   * decided and rejects when nothing was.
   */
  judge(call: Call): Promise<Decision>;
  /** Writes down a refusal that needed no judging; resolves when it is on disk. */
  refuse(call: Call, denial: Denial): Promise<void>;
}

export type Answer =
  | { readonly status: 200; readonly decision: boolean; readonly context: JsonObject }
  /** No decision was made. */
  | { readonly status: 400 | 403; readonly message: string };

export async function answerTo(
  evaluation: Evaluation | Malformed,
  caller: AuthzenCaller,
  ports: JudgePorts,
): Promise<Answer> {
  if ('malformed' in evaluation) return { status: 400, message: evaluation.malformed };
  const operation = operationOf(evaluation);
  if (operation === null) return denied('action.unknown');
  // Asked first: what exists behind another gateway is none of this one's business.
  if (!caller.mayAsk(operation.callee))
    return { status: 403, message: `this client may not ask about \`${operation.callee}\`` };
  const asked = toCall(evaluation, operation, caller, ports);
  if ('malformed' in asked) return { status: 400, message: asked.malformed };
  if ('unknown' in asked) return denied('action.unknown');
  const { call } = asked;
  const stranger = otherThan(evaluation.subject, call);
  if (stranger !== null) {
    await ports.refuse(call, stranger);
    return denied(stranger.code, call.decisionId);
  }
  const decision = await ports.judge(call);
  return decision.denial ? denied(decision.denial.code, decision.id, decision) : allowed(decision);
}

function allowed({ id, action }: Decision): Answer {
  const policy = { version: action.facts!.policyVersion, determining: action.facts!.determining };
  return { status: 200, decision: true, context: { evaluation_id: id, policy } };
}

function denied(code: DenialCode, id?: string, { opened }: Pick<Decision, 'opened'> = { opened: null }): Answer {
  const context = {
    ...(id === undefined ? {} : { evaluation_id: id }),
    reason: code,
    says: says(code),
    ...(opened === null ? {} : { approval: { id: opened.id, url: opened.url } }),
  };
  return { status: 200, decision: false, context };
}

/**
 * A subject that the token does not speak of: two stories, and nothing is judged. Read before the token is verified, which is
 * safe because it only ever refuses; a token that cannot be read, or none, is for the judge to refuse.
 */
function otherThan(subject: Evaluation['subject'], { credential }: Call): Denial | null {
  const jws = credential.kind === 'jwt' ? parseJws(credential.value) : null;
  const chain = jws && chainFromClaims(jws.claims);
  if (chain === null || typeof chain === 'string' || isAbout(subject, chain)) return null;
  return denial('token.chain_ambiguous', { type: subject.type, id: subject.id }, 'AuthZEN 1.0 §5.1');
}

/** The accountable person (`user`, or `identity` as COAZ has it), or the agent that acts. */
function isAbout({ type, id, properties }: Evaluation['subject'], chain: Chain): boolean {
  const root = rootOf(chain).actor;
  if (type === 'agent') return id === leafOf(chain).actor.sub;
  if (type !== 'user' && type !== 'identity') return false;
  return id === root.sub && (properties.iss === undefined || properties.iss === root.iss);
}
