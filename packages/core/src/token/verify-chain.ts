// Is this one chain, well made? Each link was made for the next actor, is no wider than its parent, and nobody stands in it twice.
// Used where a token is issued and again wherever one is accepted. Rules §2.1, §2.4–2.5.

import { type Denial, denial } from '../denial.ts';
import { type Chain, type Link, samePrincipal } from './chain.ts';
import { widening } from './narrower.ts';
import type { Resource } from './token-world.ts';

/** Null when the chain holds together. */
export function chainFault(chain: Chain, resources: ReadonlyMap<string, Resource>): Denial | null {
  return walk(chain, (parent, link, i) => madeFor(parent, link, resources, i));
}

/** Each link no wider than the one above, nobody twice: where the encoding has shown that each was made for the next actor. */
export function shapeFault(chain: Chain): Denial | null {
  return walk(chain, () => true);
}

function walk({ links }: Chain, isMadeFor: (parent: Link, link: Link, index: number) => boolean): Denial | null {
  for (const [i, link] of links.entries()) {
    if (links.slice(0, i).some((earlier) => samePrincipal(earlier.actor, link.actor))) {
      return denial('token.cycle', { actor: link.actor.sub, link: i });
    }
    if (i === 0) continue;
    const parent = links[i - 1]!;
    // The delegator named the agent this was for; nobody else can have taken it.
    if (!isMadeFor(parent, link, i)) {
      return denial('token.delegator_mismatch', { link: i, actor: link.actor.sub, audience: parent.audience });
    }
    const wider = widening(link, parent, 1);
    if (wider) return { ...wider, detail: { ...wider.detail, link: i, actor: link.actor.sub } };
  }
  return null;
}

function madeFor(parent: Link, link: Link, resources: ReadonlyMap<string, Resource>, index: number): boolean {
  // An OAuth client has no endpoint: a person's consent at the issuer made its link. Rules §1.2.
  if (index === 1 && link.actor.iss === parent.actor.iss && parent.audience === link.actor.iss) return true;
  return resources.get(parent.audience)?.owner === link.actor.sub;
}
