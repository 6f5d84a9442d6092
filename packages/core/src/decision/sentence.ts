// A decision in one sentence, for people: who asked, through whom, for what, and how it ended.

import type { Call } from '../action/call.ts';
import { says } from '../denial.ts';
import type { Chain } from '../token/chain.ts';
import { agentPath, parseSpiffeId } from '../transport/spiffe-id.ts';
import type { Decision } from './decision.ts';

export function sentenceOf(call: Call, decision: Decision): string {
  const chain = decision.token.seen?.chain ?? null;
  return `${whoAsked(call, chain)} asked ${targetName(call)}: ${ending(decision, chain)}`;
}

/** `claude/orchestrator` for an agent of two segments, else the id as it stands. */
export function partyName(sub: string): string {
  const id = parseSpiffeId(sub);
  return (id && agentPath(id)) ?? sub;
}

function targetName(call: Pick<Call, 'target' | 'operation'>): string {
  const { server, name } = call.target;
  return name === null ? `${server} (${call.operation})` : `${server}/${name}`;
}

function whoAsked(call: Call, chain: Chain | null): string {
  if (chain) {
    const [root, ...hops] = chain.links.map((link) => partyName(link.actor.sub));
    return hops.length === 0 ? root! : `${root}, through ${list(hops)},`;
  }
  if (call.peer.listener !== 'oauth' && call.peer.spiffeId) return `${partyName(call.peer.spiffeId)}, for nobody,`;
  return 'somebody unknown';
}

function ending(decision: Decision, chain: Chain | null): string {
  if (decision.outcome === 'allow') {
    const observed = decision.action.facts?.observed;
    if (observed) {
      const would = observed.outcome === 'approval' ? 'have waited for an approval' : 'have been refused';
      return `watched only; it would ${would}, ${reason({ ...decision, denial: observed.denial }, chain)}`;
    }
    const by = decision.action.facts?.determining ?? [];
    return by.length > 0 ? `allowed by ${list(by)}.` : 'allowed.';
  }
  const denial = decision.denial!;
  const layer = denial.code.slice(0, denial.code.indexOf('.'));
  if (decision.outcome === 'approval') return 'waiting for an approval.';
  return `refused at the ${layer}, ${reason(decision, chain)}`;
}

function reason(decision: Decision, chain: Chain | null): string {
  const { code, detail, rule } = decision.denial!;
  const at = typeof detail.link === 'number' ? detail.link : null;
  if (code === 'token.scope_insufficient' && chain && at !== null) {
    // Whoever acts in the first link without the scope took it without.
    const link = chain.links[at]!;
    return `${partyName(link.actor.sub)} had narrowed it to ${link.scopes.join(' ')}.`;
  }
  if (code === 'token.bound_to_other_peer') {
    return `the token belongs to ${partyName(String(detail.actor))} and not to ${partyName(String(detail.peer ?? 'this caller'))}.`;
  }
  if (code === 'transport.edge_not_allowed' && detail.peer !== undefined) {
    return `no edge leads from ${partyName(String(detail.peer))} to ${String(detail.target)}.`;
  }
  if (code === 'action.policy_forbids' || code === 'action.user_not_permitted') {
    return rule === 'no policy permits it'
      ? `no policy permits it for ${partyName(String(detail.asked))}.`
      : `forbidden by ${rule}.`;
  }
  return says(code).replace(/^./, (first) => first.toLowerCase());
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
