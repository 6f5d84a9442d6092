// Between AIP's own encodings, by the issuer's hand: whole, or not at all (rules §2.13). Only what its issuer alone has signed can be
// said again by the issuer: one holder at most, because further links are other people's to sign.

import { type Denial, denial } from '../../../denial.ts';
import type { CapEngine, SeedSigner, Signer } from '../engine.ts';
import { appendChained, chainedText, mintChained } from './chained.ts';
import { mintCompact } from './compact.ts';
import { holderOf } from './delegators.ts';
import { parseAipId } from './id.ts';
import { mintJwtChain } from './jwt-chain.ts';
import type { AipLink } from './link.ts';
import type { AipEncoding } from './roots.ts';
import type { AipVerified } from './verify.ts';

export interface ConvertMeans {
  readonly issuer: Signer;
  /** Fresh keys for the blocks of a Biscuit, and the way to sign with one. */
  next(): SeedSigner;
  held(seed: Uint8Array): Signer;
  /** Fresh, for `jti`. */
  readonly id: string;
  readonly nowSeconds: number;
  readonly engine: CapEngine;
}

const context = 'as the issuer said it in another form';

/** The same authority in another encoding, or why it cannot be said there. */
export function convertAip(token: AipVerified, to: AipEncoding, means: ConvertMeans): string | Denial {
  const { links, effective } = token;
  const [first, second, ...more] = links;
  const no = (why: string) => denial('token.not_expressible', { why });
  if (more.length > 0 || (first.delegate !== null && second)) return no('links that others have signed');
  const limits: AipLink = {
    ...first,
    delegate: null,
    tools: effective.tools,
    domains: effective.domains,
    budgetCents: effective.budgetCents,
    untilSeconds: effective.untilSeconds,
    principal: effective.principal,
    maxDepth: effective.depthLeft,
    delegateKey: null,
  };
  const holder = holderOf(second ?? first);
  const isHeld = holder !== first.issuer;
  if (isHeld && second && Object.keys(second.writ).length + Object.keys(first.writ).length > 0)
    return no('dimensions of Writ in two blocks');
  if (to === 'aip-chained')
    return toChained(limits, isHeld ? holder : null, means) ?? no('a value that no block can carry');
  if (!isHeld) return no('nobody is named to hold it');
  if (to === 'aip-compact')
    return (
      mintCompact({ ...limits, delegate: holder }, means.nowSeconds, means.issuer) ??
      no('a dimension that is not of compact tokens')
    );
  const id = parseAipId(holder);
  if (id?.kind !== 'key') return no('the holder’s key does not stand in its name');
  const link = { ...limits, delegate: holder, delegateKey: id.key };
  const ids = { id: means.id, issuedSeconds: means.nowSeconds };
  return mintJwtChain(link, ids, means.issuer) ?? no('a dimension that is not of JWT chains');
}

/** The authority, and one block for its holder that the issuer signs as its delegator. */
function toChained(limits: AipLink, holder: string | null, means: ConvertMeans): string | null {
  const { issuer, maxDepth } = limits;
  const authority = holder === null ? limits : { ...limits, maxDepth: maxDepth! + 1 };
  const token = mintChained(authority, means.issuer, means.next());
  if (!token || holder === null) return token && chainedText(token);
  const nothing = {
    tools: null,
    domains: null,
    budgetCents: null,
    untilSeconds: null,
    principal: null,
    maxDepth: null,
  };
  const link: AipLink = { ...limits, ...nothing, issuer, delegate: holder, context, writ: {} };
  const held = appendChained(token, link, means.held, means.next(), means.issuer);
  return held && chainedText(held);
}
