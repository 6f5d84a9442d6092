// Check 3: may this very action happen. Root and actor both need a permit; every other actor can only take away (rules §3.13).

import { type Denial, denial } from '../denial.ts';
import type { Principal } from '../token/chain.ts';
import type { TokenFacts } from '../token/facts.ts';
import { pass, type Verdict } from '../verdict.ts';
import type { Call } from './call.ts';
import type { Asker, Policy, PolicyAnswer, PolicyContext } from './policy.ts';

export interface ActionFacts {
  readonly policyVersion: string;
  /** Ids of the policies that decided. */
  readonly determining: readonly string[];
  readonly risk: number;
  /** A reviewed manifest gave the risk. */
  readonly manifest: boolean;
  /** Pin of the definition that was judged; null for operations that are not actions. */
  readonly definition: string | null;
}

export function judgeAction(call: Call, token: TokenFacts, policy: Policy, nowSeconds: number): Verdict<ActionFacts> {
  const facts = {
    policyVersion: policy.version,
    determining: [] as string[],
    risk: 0,
    manifest: true,
    definition: null,
  };
  // Lists and discovery change nothing and are filtered to what the caller may call.
  if (!call.isAction) return pass({ ...facts, manifest: false });
  const definition = policy.definition(call.target);
  if (!definition) return no('action.unknown', { target: nameOf(call) });
  if (!definition.reviewed)
    return no('action.manifest_changed', { target: nameOf(call), definition: definition.digest });
  if (token.wildcard && definition.risk >= 5) {
    return no('token.scope_insufficient', { target: nameOf(call), why: 'a wildcard scope never covers risk 5' });
  }
  const fault = definition.checkArguments(call.arguments);
  if (fault) return no(fault.code, { argument: fault.pointer, expected: fault.expected });

  const context = contextOf(call, token, nowSeconds);
  const ask = (asker: Asker): PolicyAnswer =>
    policy.evaluate({ asker, target: call.target, operation: call.operation, arguments: call.arguments, context });
  const determining: string[] = [];

  for (const actor of earlierActors(token)) {
    const answer = ask(askerOf(actor));
    const refusal = refusalOf(answer, 'action.policy_forbids', actor, true);
    if (refusal) return { outcome: 'deny', denial: refusal };
  }
  const actorAnswer = ask(askerOf(token.actor));
  const actorRefusal = refusalOf(actorAnswer, 'action.policy_forbids', token.actor, false);
  if (actorRefusal) return { outcome: 'deny', denial: actorRefusal };
  determining.push(...actorAnswer.determining);

  const rootAnswer = ask({ kind: 'user', principal: token.root });
  const rootRefusal = refusalOf(rootAnswer, 'action.user_not_permitted', token.root, false);
  if (rootRefusal) return { outcome: 'deny', denial: rootRefusal };
  determining.push(...rootAnswer.determining);

  return pass({
    policyVersion: policy.version,
    determining,
    risk: definition.risk,
    manifest: definition.manifest,
    definition: definition.digest,
  });
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

function no(code: Parameters<typeof denial>[0], detail: Denial['detail']): Verdict<never> {
  return { outcome: 'deny', denial: denial(code, detail) };
}

function nameOf(call: Call): string {
  return call.target.name === null ? call.target.server : `${call.target.server}/${call.target.name}`;
}

/** Agents between the root and the one acting now; they need no permit, their forbids count. */
function earlierActors(token: TokenFacts): readonly Principal[] {
  return token.chain.links.slice(1, -1).map((link) => link.actor);
}

function askerOf(actor: Principal): Asker {
  return actor.sub.startsWith('spiffe://')
    ? { kind: 'agent', spiffeId: actor.sub }
    : { kind: 'client', clientId: actor.sub };
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
  if (answer.errors.length > 0 || answer.outcome === 'error') {
    return denial('action.policy_error', { asked: who.sub, errors: answer.errors, policies: answer.determining });
  }
  if (answer.outcome === 'permit' || (forbidsOnly && answer.outcome === 'none')) return null;
  const rule = answer.determining[0];
  return denial(code, { asked: who.sub, policies: answer.determining }, rule ?? 'no policy permits it');
}
