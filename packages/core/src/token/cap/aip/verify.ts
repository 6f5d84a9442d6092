// An AIP token, whatever its encoding, against one question: steps V1 to V7 of draft-prakash-aip-01 §3.3, in that order, with the
// first fault told by its step and block. Writ adds two things between V5 and V6: delegators (rules §2.14) and its own dimensions.

import type { JsonObject } from '../../../std/json.ts';
import { refusalByDetails } from '../../admits.ts';
import type { ProvenBlocks } from '../biscuit/proven-blocks.ts';
import type { CapEngine } from '../engine.ts';
import { openChained } from './chained.ts';
import { COMPACT_TYP, openCompact, readCompactLink } from './compact.ts';
import { holderOf, judgeDelegators } from './delegators.ts';
import { parseAipJwt } from './jwt.ts';
import { openJwtChain, readChainLinks } from './jwt-chain.ts';
import { type AipLink, type AipLinks, type CapFault, capFault, isCapFault } from './link.ts';
import { anyPatternCovers, isPrefix, isSafeText, type Profile } from './patterns.ts';
import type { GenuineLinks, RootAuthority } from './roots.ts';
import { type Effective, walkLinks } from './walk.ts';
import { walkWritDimensions } from './walk-writ.ts';

/** One question. Null: not asked here, because whoever asks judges it elsewhere or only reads. */
export interface AipAsk {
  /** All of these, as AIP writes them: `tool:search`. Empty: the chain alone is judged. */
  readonly tools: readonly string[];
  readonly arguments: JsonObject | null;
  readonly domain: string | null;
  readonly audience: string | null;
  /** AIP id of who presents the token. */
  readonly presenter: string | null;
}

export interface AipWorld {
  readonly roots: readonly RootAuthority[];
  /** The registered key of a party, or null. */
  rowKeyOf(id: string): Uint8Array | null;
  /** Step V7: has the link of this id been withdrawn? */
  isRevoked(blockId: string): boolean;
  readonly profile: Profile;
  /** False: plain AIP delegations, which prove nobody, are accepted and told as such. */
  readonly delegatorsMustSign: boolean;
}

export interface AipVerified extends GenuineLinks {
  readonly effective: Effective;
  readonly delegatorsAuthenticated: boolean;
  /** AIP id of the agent this token belongs to. */
  readonly holder: string;
}

/** What encoding a text claims to be; nothing in it is believed. There are no magic bytes: `eyJ` is base64url of `{"`. */
export function aipEncodingOf(text: string): GenuineLinks['encoding'] {
  if (!text.startsWith('eyJ')) return 'aip-chained';
  return !text.includes('~') && parseAipJwt(text)?.typ === COMPACT_TYP ? 'aip-compact' : 'aip-jwt-chain';
}

/** Links of a JSON encoding as they stand: for showing, never for believing. */
export function readJsonLinks(text: string): readonly AipLink[] | null {
  if (aipEncodingOf(text) !== 'aip-compact') return readChainLinks(text);
  const link = readCompactLink(text);
  return link && [link];
}

/** Steps V1 and V2. */
export function openAip(
  text: string,
  roots: readonly RootAuthority[],
  engine: CapEngine,
  nowSeconds: number,
  proven: ProvenBlocks | null = null,
): GenuineLinks | CapFault {
  if (text === '') return capFault('token.missing', 'V1', null);
  const encoding = aipEncodingOf(text);
  if (encoding === 'aip-chained') return openChained(text, roots, engine, proven);
  return (encoding === 'aip-compact' ? openCompact : openJwtChain)(text, roots, engine, nowSeconds);
}

export function verifyAip(
  text: string,
  ask: AipAsk,
  world: AipWorld,
  engine: CapEngine,
  nowSeconds: number,
): AipVerified | CapFault {
  const genuine = openAip(text, world.roots, engine, nowSeconds);
  return isCapFault(genuine) ? genuine : judgeAip(genuine, ask, world, nowSeconds);
}

/** Steps V3 to V7 for links whose signatures were found genuine. */
export function judgeAip(
  genuine: GenuineLinks,
  ask: AipAsk,
  world: Omit<AipWorld, 'roots'>,
  nowSeconds: number,
): AipVerified | CapFault {
  const { links } = genuine;
  const effective = walkLinks(links, nowSeconds);
  if (isCapFault(effective)) return effective;
  const wider = walkWritDimensions(links);
  if (wider) return wider;
  const signed = judgeDelegators(links, { root: genuine.root.keys, rowKeyOf: (id) => world.rowKeyOf(id) });
  if (typeof signed !== 'boolean') return signed;
  if (!signed && world.delegatorsMustSign) {
    const block = links.findIndex(({ signedBy }, i) => i > 0 && signedBy === null);
    return capFault('token.delegator_unauthenticated', 'V5', block === -1 ? null : block);
  }
  const refusal = refusalOfLinks(links, ask, world.profile);
  if (refusal) return refusal;
  const revoked = genuine.blockIds.findIndex((id) => world.isRevoked(id));
  if (revoked !== -1) return capFault('token.revoked', 'V7', revoked, { row: genuine.blockIds[revoked]! });
  const holder = holderOf(links[links.length - 1]!);
  return { ...genuine, effective, delegatorsAuthenticated: signed, holder };
}

/** Step V6: every link is asked, root to leaf, so that nothing rests on the walk alone. Rules §2.1. */
function refusalOfLinks(links: AipLinks, ask: AipAsk, profile: Profile): CapFault | null {
  const unsafe = ask.tools.find((tool) => !isSafeText(tool) || isPrefix(tool));
  if (unsafe !== undefined)
    return capFault('token.scope_insufficient', 'V6', null, { missing: [unsafe.slice(0, 100)] });
  const holder = holderOf(links[links.length - 1]!);
  if (ask.presenter !== null && ask.presenter !== holder)
    return capFault('token.bound_to_other_peer', 'V6', links.length - 1, { holder, peer: ask.presenter });
  for (const [i, link] of links.entries()) {
    const { tools, domains, writ } = link;
    if (profile === 'simple' && tools?.some(isPrefix))
      return capFault('token.restriction_unknown', 'V6', i, { why: 'prefixes are not of the Simple profile' });
    const missing = tools === null ? [] : ask.tools.filter((tool) => !anyPatternCovers(tools, tool));
    if (missing.length > 0) return capFault('token.scope_insufficient', 'V6', i, { missing, held: tools });
    if (ask.domain !== null && domains && !domains.includes(ask.domain))
      return capFault('token.scope_insufficient', 'V6', i, { domain: ask.domain });
    if (ask.audience !== null && writ.audience !== undefined && ask.audience !== writ.audience)
      return capFault('token.wrong_audience', 'V6', i, { audience: writ.audience, wanted: ask.audience });
    if (ask.arguments === null || writ.details === undefined || ask.tools.length === 0) continue;
    const asked = { scopes: ask.tools, arguments: ask.arguments };
    const denied = refusalByDetails(writ.details, asked, { link: i, actor: holderOf(link) });
    if (denied) return { denial: denied, step: 'V6', block: i };
  }
  return null;
}

/** For whoever narrows: what a verifier would say of these links, before anything is signed. */
export function narrowingFault(links: AipLinks, nowSeconds: number): CapFault | null {
  const walked = walkLinks(links, nowSeconds);
  return isCapFault(walked) ? walked : walkWritDimensions(links);
}
