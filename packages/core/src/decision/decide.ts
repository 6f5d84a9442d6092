// One call, three checks, one answer. Each check asks for the facts of the one before, so none can be skipped.
// Pure: the same call, world and time give the same decision, which is how a record can be replayed.

import type { Call } from '../action/call.ts';
import { type ActionFacts, judgeAction, type NeedsApproval } from '../action/judge-action.ts';
import { type Denial, type Layer, layerOf } from '../denial.ts';
import type { Claim, TokenFacts } from '../token/facts.ts';
import { type GenuineToken, judgeToken } from '../token/judge-token.ts';
import { judgePeer } from '../transport/judge-peer.ts';
import type { PeerFacts } from '../transport/peer.ts';
import type { Decision } from './decision.ts';
import type { World } from './world.ts';

export function decide(call: Call, world: World, nowSeconds: number): Decision {
  const peer = judgePeer(call.peer, call.target.server, world.trust, nowSeconds);
  if (peer.outcome === 'deny') return refused(call, peer.denial, {});
  const token = judgeToken(call, peer.facts, world.tokens, world.engine, nowSeconds);
  if (token.outcome === 'deny') return refused(call, token.denial, { peer: peer.facts, seen: token.seen });
  const action = judgeAction(call, token.facts, world, nowSeconds);
  if (action.outcome === 'deny') {
    return refused(call, action.denial, {
      peer: peer.facts,
      token: token.facts,
      seen: token.seen,
      facts: action.facts,
    });
  }
  if (action.outcome === 'approval') return asking(call, action, peer.facts, token.facts, token.seen);
  const claims = [...token.facts.claims, ...action.facts.claims, ...approvalClaim(action.facts)];
  return {
    id: call.decisionId,
    outcome: 'allow',
    denial: null,
    transport: { verdict: 'pass', facts: peer.facts },
    token: { verdict: 'pass', facts: token.facts, seen: token.seen },
    action: { verdict: 'pass', facts: action.facts },
    ask: null,
    opened: null,
    claims,
    overlaps: mayOverlap(call, action.facts) && claims.length === 0 && action.facts.observed === null,
  };
}

function asking(
  call: Call,
  { denial, ask, facts }: NeedsApproval,
  peer: PeerFacts,
  token: TokenFacts,
  seen: GenuineToken | null,
): Decision {
  return {
    id: call.decisionId,
    outcome: 'approval',
    denial,
    transport: { verdict: 'pass', facts: peer },
    token: { verdict: 'pass', facts: token, seen },
    action: { verdict: 'approval', facts },
    ask,
    opened: null,
    claims: [],
    overlaps: false,
  };
}

function approvalClaim({ approval }: ActionFacts): readonly Claim[] {
  return approval ? [{ kind: 'approval', id: approval.id, digest: approval.digest }] : [];
}

/** Only a read that a person has reviewed as risk 0 may start before its record is on disk. Rules §6. */
function mayOverlap(call: Call, action: ActionFacts): boolean {
  return call.isAction && action.risk === 0 && action.manifest;
}

interface Passed {
  readonly peer?: PeerFacts;
  readonly token?: TokenFacts;
  readonly seen?: GenuineToken | null;
  readonly facts?: ActionFacts | null;
}

function refused(call: Call, denial: Denial, { peer, token, seen, facts }: Passed): Decision {
  return {
    id: call.decisionId,
    outcome: 'deny',
    denial,
    transport: { verdict: peer ? 'pass' : 'deny', facts: peer ?? null },
    token: { verdict: token ? 'pass' : peer ? 'deny' : 'not_reached', facts: token ?? null, seen: seen ?? null },
    action: { verdict: token ? 'deny' : 'not_reached', facts: facts ?? null },
    ask: null,
    opened: null,
    claims: [],
    overlaps: false,
  };
}

/** The same call, refused after all: a lost claim, a revocation between judging and forwarding, an outage. */
export function overruled(decision: Decision, denial: Denial): Decision {
  const layer = layerOf(denial.code);
  const turned = (part: Layer, verdict: Decision['action']['verdict']) => (part === layer ? 'deny' : verdict);
  return {
    ...decision,
    outcome: 'deny',
    denial,
    transport: { ...decision.transport, verdict: turned('transport', decision.transport.verdict) },
    token: { ...decision.token, verdict: turned('token', decision.token.verdict) },
    action: { ...decision.action, verdict: turned('action', decision.action.verdict) },
    ask: null,
    opened: null,
    claims: [],
    overlaps: false,
  };
}

/** A refusal of what never became a call: unreadable, misdirected, without an edge, or an outage of ours. */
export function refusal(decisionId: string, denial: Denial): Decision {
  const layer = layerOf(denial.code);
  return {
    id: decisionId,
    outcome: 'deny',
    denial,
    transport: { verdict: layer === 'transport' ? 'deny' : 'not_reached', facts: null },
    token: { verdict: 'not_reached', facts: null, seen: null },
    action: { verdict: 'not_reached', facts: null },
    ask: null,
    opened: null,
    claims: [],
    overlaps: false,
  };
}
