// From the one chain to an encoding of capabilities: whole, or refused (rules §2.13). The plane vouches for the links so far with its
// own root, whose signature takes the place of the registry rows that a JWT points to; from there on delegations are offline.

import { type Denial, denial } from '../../denial.ts';
import { utf8 } from '../../std/bytes.ts';
import type { Engine } from '../../std/engine.ts';
import { type Chain, leafOf, type Principal } from '../chain.ts';
import { mintChained } from './aip/chained.ts';
import type { UnverifiedBiscuit } from './biscuit/container.ts';
import type { SeedSigner, Signer } from './engine.ts';
import { mintMacaroon } from './macaroon/build.ts';
import { writeIdentifier } from './macaroon/conditions.ts';
import type { Macaroon } from './macaroon/form.ts';

export interface ChainedIssuer {
  /** The plane's own AIP id. */
  readonly identity: string;
  readonly root: Signer;
  /** Fresh, never used before. */
  readonly next: SeedSigner;
  /** The AIP id of an agent's live row, or null: without a row nobody could go on, or be recognised. */
  aipIdOf(principal: Principal): string | null;
}

/** The chain as the authority block of a Biscuit in Writ's profile, which a plain AIP verifier refuses. */
export function chainToChained(chain: Chain, issuer: ChainedIssuer): UnverifiedBiscuit | Denial {
  const leaf = leafOf(chain);
  const ancestors = chain.links.slice(0, -1);
  const holder = issuer.aipIdOf(leaf.actor);
  const no = (why: string) => denial('token.not_expressible', { why, actor: leaf.actor.sub });
  if (holder === null) return no('the actor has submitted no key');
  if (ancestors.length === 0) return no('a root alone is nobody’s delegate');
  const token = mintChained(
    {
      issuer: issuer.identity,
      delegate: null,
      tools: leaf.scopes,
      domains: null,
      budgetCents: null,
      untilSeconds: leaf.untilSeconds,
      context: null,
      principal: null,
      maxDepth: leaf.depth,
      signedBy: null,
      delegateKey: null,
      writ: {
        task: chain.task,
        audience: leaf.audience,
        holder,
        ceiling: leaf.ceiling,
        ...(leaf.details ? { details: leaf.details } : {}),
        budget: leaf.budget,
        ...(leaf.purpose === undefined ? {} : { purpose: leaf.purpose }),
        row: leaf.row,
        ancestors,
      },
    },
    issuer.root,
    issuer.next,
  );
  return token ?? no('a value that no block can carry');
}

export interface MacaroonIssuer {
  readonly keyId: string;
  readonly secret: Uint8Array;
  /** Fresh. */
  readonly nonce: string;
  readonly location: string | null;
}

/** The chain in a macaroon's identifier, without any condition yet. */
export function chainToMacaroon(chain: Chain, issuer: MacaroonIssuer, engine: Engine): Macaroon {
  const { keyId, nonce, secret, location } = issuer;
  return mintMacaroon(
    writeIdentifier({ chain, keyId, nonce }),
    secret,
    location === null ? null : utf8(location),
    engine,
  );
}
