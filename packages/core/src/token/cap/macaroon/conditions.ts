// A chain in a macaroon. Its identifier holds the chain as minted, in the words of the JWT's `wc` (contract §7); each condition is
// `<dimension> <canonical JSON>` and narrows the last link, except `actor`, which adds one: the holder hands a part on. Every
// condition is checked against the link it narrows; one that is not known here is refused. Rules §2.1.

import { type Denial, denial } from '../../../denial.ts';
import { utf8, utf8Text } from '../../../std/bytes.ts';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../../../std/json.ts';
import { type Chain, type Link, leafOf, linksMax, samePrincipal } from '../../chain.ts';
import { widening } from '../../narrower.ts';
import { linkFromClaim, linkToClaim } from '../../wc.ts';
import { canonicalValue } from '../canonical.ts';

interface MacaroonRoot {
  readonly chain: Chain;
  /** Which root secret it was minted with. */
  readonly keyId: string;
  /** Random, so that no two macaroons are one. */
  readonly nonce: string;
}

export function writeIdentifier({ chain, keyId, nonce }: MacaroonRoot): Uint8Array {
  const { task, links } = chain;
  return utf8(canonicalJson({ v: 1, key: keyId, nonce, task, wc: links.map(linkToClaim) }));
}

/** Null for an identifier that is not ours. Unverified: the key id in it only chooses the secret. */
export function readIdentifier(identifier: Uint8Array): MacaroonRoot | null {
  const value = canonicalValue(identifier);
  if (!isJsonObject(value)) return null;
  const { v, key, nonce, task, wc, ...unknown } = value;
  if (v !== 1 || typeof key !== 'string' || typeof nonce !== 'string' || typeof task !== 'string' || task === '')
    return null;
  if (Object.keys(unknown).length > 0 || !Array.isArray(wc) || wc.length === 0 || wc.length > linksMax) return null;
  const links = (wc as readonly JsonValue[]).map(linkFromClaim);
  if (!links.every((link): link is Link => typeof link !== 'string')) return null;
  const [root, ...rest] = links as [Link, ...Link[]];
  return { chain: { task, links: [root, ...rest] }, keyId: key, nonce };
}

/** What a condition may speak of: members of a `wc` entry. */
const DIMENSIONS = ['actor', 'aud', 'scope', 'details', 'budget', 'depth', 'until', 'ceiling', 'purpose'] as const;
type DimensionName = (typeof DIMENSIONS)[number];

export function writeCondition(name: DimensionName, value: JsonValue): Uint8Array {
  return utf8(`${name} ${canonicalJson(value)}`);
}

/** The conditions that turn the leaf of `chain` into `link`: all it says, and `actor` first when somebody else is to hold it. */
export function conditionsFor(chain: Chain, link: Link): readonly Uint8Array[] {
  const before = linkToClaim(leafOf(chain));
  const { row: _row, ...after } = linkToClaim(link);
  const told: JsonObject = after;
  const handed = !samePrincipal(leafOf(chain).actor, link.actor);
  return DIMENSIONS.filter((name) => told[name] !== undefined)
    .filter((name) => (name === 'actor' ? handed : canonicalJson(told[name]!) !== canonicalJson(before[name] ?? null)))
    .map((name) => writeCondition(name, told[name]!));
}

/** The chain with every condition applied in order; the first that widens or is not known is the denial. */
export function applyConditions(
  root: Chain,
  conditions: readonly Uint8Array[],
  ids: readonly string[],
): Chain | Denial {
  let chain = root;
  for (const [i, condition] of conditions.entries()) {
    const next = applied(chain, condition, ids[i + 1] ?? '');
    if ('code' in next) return next;
    chain = next;
  }
  return chain;
}

function applied(chain: Chain, condition: Uint8Array, id: string): Chain | Denial {
  const text = utf8Text(condition) ?? '';
  const space = text.indexOf(' ');
  const name = text.slice(0, Math.max(space, 0));
  const value = (DIMENSIONS as readonly string[]).includes(name)
    ? canonicalValue(utf8(text.slice(space + 1)))
    : undefined;
  if (value === undefined) return denial('token.restriction_unknown', { condition: text.slice(0, 100) });
  const leaf = leafOf(chain);
  const taken = name === 'actor';
  const claim: JsonObject = {
    ...linkToClaim(leaf),
    [name]: value,
    ...(taken ? { depth: leaf.depth - 1, row: id } : {}),
  };
  if (taken && leaf.depth === 0) return denial('token.depth_exceeded', { actor: leaf.actor.sub });
  const link = linkFromClaim(claim);
  if (typeof link === 'string')
    return denial(link === 'restriction_unknown' ? 'token.restriction_unknown' : 'token.malformed', {
      dimension: name,
    });
  const wider = widening(link, leaf, taken ? 1 : 0);
  if (wider) return wider;
  // An audience has no order: another one is another share. Rules §2.4.
  if (link.audience !== leaf.audience) return denial('token.wrong_audience', { audience: link.audience });
  const [first, ...rest] = chain.links;
  if (!taken) return { ...chain, links: rest.length === 0 ? [link] : [first, ...rest.slice(0, -1), link] };
  if (chain.links.some((one) => samePrincipal(one.actor, link.actor)))
    return denial('token.cycle', { actor: link.actor.sub });
  return chain.links.length === linksMax
    ? denial('token.depth_exceeded', { links: linksMax })
    : { ...chain, links: [first, ...rest, link] };
}

/** Null when the discharge's own conditions hold. Only an end is known: a yes may be given for a while. */
export function dischargeFault(conditions: readonly Uint8Array[], nowSeconds: number): Denial | null {
  for (const condition of conditions) {
    const until = /^until (0|[1-9][0-9]{0,14})$/.exec(utf8Text(condition) ?? '');
    if (!until) return denial('token.restriction_unknown', { condition: (utf8Text(condition) ?? '').slice(0, 100) });
    if (nowSeconds >= Number(until[1])) return denial('token.expired', { until: Number(until[1]) });
  }
  return null;
}
