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
import { type AccessRequestPorts, accessRequestOf, isoOf } from './access-request.ts';
import type { Evaluation, Malformed } from './request.ts';
import { type AuthzenCaller, type CallPorts, operationOf, toCall } from './to-call.ts';

export interface JudgePorts extends CallPorts, AccessRequestPorts {
  /** Identifier of this decision point: the base URL under which its paths are found, without a final slash. */
  readonly base: string;
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
  if (decision.denial === null) return allowed(decision);
  const { opened } = decision;
  const requestable = opened === null ? {} : await accessRequestOf(opened.id, ports.base, ports);
  // What a gateway brings as its approval is for it to know: whether one counts is in the store, and was looked up by the judge.
  const again: JsonObject =
    evaluation.context.approval === undefined ? {} : { next_action: opened === null ? 'none' : 'request' };
  const evaluatedAt = { evaluated_at: isoOf(ports.nowSeconds()) };
  return denied(decision.denial.code, decision.id, { ...evaluatedAt, ...again, ...requestable });
}

function allowed({ id, action }: Decision): Answer {
  const { policyVersion: version, determining, approval } = action.facts!;
  const used = approval && { id: approval.id, approved_until: isoOf(approval.notAfterSeconds) };
  const policy = { version, determining };
  return { status: 200, decision: true, context: { evaluation_id: id, policy, ...(used ? { approval: used } : {}) } };
}

function denied(code: DenialCode, id?: string, more: JsonObject = {}): Answer {
  const context = { ...(id === undefined ? {} : { evaluation_id: id }), reason: code, says: says(code), ...more };
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
