// Check 1: who is on the wire. A passed verdict is the only way to get PeerFacts.
// Certificates were verified by the listener (chain, profile, validity); here identity, revocation and edge are judged.

import { deny, pass, type Verdict } from '../verdict.ts';
import type { PeerFacts, PeerOnWire } from './peer.ts';
import { agentPath, trustDomainOf } from './spiffe-id.ts';
import type { TrustWorld } from './trust.ts';

export function judgePeer(peer: PeerOnWire, callee: string, trust: TrustWorld, nowSeconds: number): Verdict<PeerFacts> {
  // No certificate on this listener: the OAuth client becomes the actor, and its edge is judged with the token.
  if (peer.listener === 'oauth') return pass({ kind: 'anonymous', listener: 'oauth' } as PeerFacts);
  const id = peer.spiffeId;
  if (id === null) return deny('transport.identity_invalid', { remote: peer.remote });
  if (trustDomainOf(id) !== trust.trustDomain) return deny('transport.trust_domain_unknown', { peer: id });
  if (nowSeconds >= peer.notAfterSeconds) return deny('transport.certificate_expired', { peer: id });
  if (trust.revokedIdentities.has(id)) return deny('transport.identity_revoked', { peer: id });
  const caller = agentPath(id);
  if (caller === null || !trust.edges.get(caller)?.has(callee)) {
    return deny('transport.edge_not_allowed', { peer: id, target: callee });
  }
  return pass({
    kind: 'workload',
    listener: peer.listener,
    spiffeId: id,
    thumbprint: peer.thumbprint,
    boundary: peer.boundary,
    assertedBy: peer.assertedBy,
    untilSeconds: peer.notAfterSeconds,
  } as PeerFacts);
}
