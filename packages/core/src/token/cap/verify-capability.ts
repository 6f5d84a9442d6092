// One capability, one call, one answer: what `judgeToken` asks of a credential that is not a JWT. All encodings end in the same chain
// and the same questions: is the actor the one who asks, does every link admit the call, has anything been withdrawn. Rules §2.

import { type Denial, denial } from '../../denial.ts';
import { agentPath, parseSpiffeId } from '../../transport/spiffe-id.ts';
import { deny, pass, type Verdict } from '../../verdict.ts';
import { firstRefusal } from '../admits.ts';
import { callClaims } from '../budget.ts';
import { leafOf, rootOf } from '../chain.ts';
import type { Claim } from '../facts.ts';
import { revocationFault } from '../judge-token.ts';
import { coveredByName } from '../scope.ts';
import { shapeFault } from '../verify-chain.ts';
import type { CapEngine } from './engine.ts';
import { judgeHolderProof } from './holder-proof.ts';
import { readAip, readMacaroon, type SeenCapability } from './read-capability.ts';
import type { CapAsk, CapabilityFacts, CapWorld } from './world.ts';

/** The verdict, and the capability as read where its signatures were genuine: a refusal is recorded with the chain that asked. */
export type CapabilityVerdict = Verdict<CapabilityFacts> & { readonly seen: SeenCapability | null };

export function verifyCapability(
  ask: CapAsk,
  world: CapWorld,
  engine: CapEngine,
  nowSeconds: number,
): CapabilityVerdict {
  const { kind, value } = ask.capability;
  const read =
    kind === 'aip' ? readAip(value, world, engine, nowSeconds) : readMacaroon(value, world, engine, nowSeconds);
  if (read.outcome === 'deny') return { ...read, seen: null };
  return { ...judgeSeen(read.facts, ask, world, engine, nowSeconds), seen: read.facts };
}

function judgeSeen(
  seen: SeenCapability,
  ask: CapAsk,
  world: CapWorld,
  engine: CapEngine,
  nowSeconds: number,
): Verdict<CapabilityFacts> {
  const { chain, ownFrom } = seen;
  const elsewhere = chain.links.slice(ownFrom).find(({ audience }) => audience !== ask.resource);
  if (elsewhere) return deny('token.wrong_audience', { audience: elsewhere.audience, wanted: ask.resource });
  const host = URL.canParse(ask.resource) ? new URL(ask.resource).hostname : '';
  if (!seen.domains.every((hosts) => hosts.includes(host))) return deny('token.scope_insufficient', { domain: host });
  const bound = judgeBinding(seen, ask, world, engine, nowSeconds);
  if (bound.outcome === 'deny') return bound;
  const gone = revokedBlock(seen, world) ?? revocationFault({ id: seen.id, chain }, world.revocations);
  if (gone) return { outcome: 'deny', denial: gone };
  const fault = shapeFault(chain) ?? firstRefusal(chain.links, ask, nowSeconds);
  if (fault) return { outcome: 'deny', denial: fault };
  const claims = callClaims(chain, ask.scopes);
  if ('code' in claims) return { outcome: 'deny', denial: claims };
  const leaf = leafOf(chain);
  return pass({
    encoding: seen.encoding,
    tokenId: seen.id,
    blockIds: seen.blockIds,
    chain,
    root: rootOf(chain).actor,
    actor: leaf.actor,
    actorKey: bound.facts.actorKey,
    binding: bound.facts.proof ? 'proof' : 'peer',
    delegatorsAuthenticated: seen.delegatorsAuthenticated,
    untilSeconds: Math.min(...chain.links.map(({ untilSeconds }) => untilSeconds)),
    wildcard: ask.scopes.some((scope) => !chain.links.every((link) => coveredByName(link.scopes, scope))),
    claims: bound.facts.proof ? [bound.facts.proof, ...claims] : claims,
  });
}

/** The actor is the peer, or signs for this request. Rules §2.14. */
function judgeBinding(
  seen: SeenCapability,
  ask: CapAsk,
  world: CapWorld,
  engine: CapEngine,
  nowSeconds: number,
): Verdict<{ readonly actorKey: string; readonly proof: Claim | null }> {
  const { actor } = leafOf(seen.chain);
  const home = `spiffe://${world.trustDomain}`;
  const spiffeId = actor.iss === home ? parseSpiffeId(actor.sub) : null;
  const actorKey = spiffeId && agentPath(spiffeId);
  // An agent that the plane has no row for is nobody whose edges could be asked.
  if (!actorKey) return deny('token.bound_to_other_peer', { actor: actor.sub, peer: null });
  if (ask.peer.kind === 'workload' && ask.peer.spiffeId === spiffeId) return pass({ actorKey, proof: null });
  const { holderProof } = ask.capability;
  if (holderProof === null) {
    return ask.peer.kind === 'workload'
      ? deny('token.bound_to_other_peer', { actor: actor.sub, peer: ask.peer.spiffeId })
      : deny('token.unbound', { actor: actor.sub });
  }
  if (seen.holderKey === null) return deny('token.proof_invalid', { why: 'no key of the holder is known' });
  const callee = world.resources.get(ask.resource)?.key;
  if (callee === undefined || !world.edges.get(actorKey)?.has(callee))
    return deny('transport.edge_not_allowed', { caller: actorKey, target: callee ?? null });
  const about = { ...ask.request, lastBlock: seen.id, audience: ask.resource };
  const proven = judgeHolderProof(holderProof, seen.holderKey, about, engine, nowSeconds);
  return proven.outcome === 'deny' ? proven : pass({ actorKey, proof: proven.facts });
}

/** A block withdrawn takes what came after it along, whatever row its link has. Rules §2.13. */
function revokedBlock({ blockIds }: SeenCapability, { revocations }: CapWorld): Denial | null {
  const id = revocations.fresh ? blockIds.find((one) => revocations.rows.has(one)) : undefined;
  return id === undefined ? null : denial('token.revoked', { row: id });
}
