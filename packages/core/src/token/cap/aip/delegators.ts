// Who made each delegation? Biscuit lets anybody who holds a token append to it, and the published references leave it there: a
// block that names a delegator proves nothing of it (lab aip §3.8, number 1). Here the delegator is the delegate before it, always,
// and proven where its key signed the block as a third party. Rules §2.14.

import { equalBytes } from '../../../std/bytes.ts';
import { parseAipId } from './id.ts';
import { type AipLink, type AipLinks, type CapFault, capFault } from './link.ts';

/** Keys by party. */
interface PartyKeys {
  /** Keys of the root that are valid now: it may have taken a new one since it signed the authority. */
  readonly root: readonly Uint8Array[];
  /** The registered key of a party, or null. Rules §2.14: a row that the plane wrote. */
  rowKeyOf(id: string): Uint8Array | null;
}

/** Who holds what this link gives. */
export function holderOf(link: AipLink): string {
  return link.delegate ?? link.writ.holder ?? link.issuer;
}

/** Whether every delegation is proven to be its delegator's, or the fault of one that cannot be. */
export function judgeDelegators(links: AipLinks, keys: PartyKeys): CapFault | boolean {
  let authenticated = true;
  for (const [i, link] of links.entries()) {
    if (i === 0) continue;
    const before = links[i - 1]!;
    const giver = holderOf(before);
    if (link.issuer !== giver)
      return capFault('token.delegator_mismatch', 'V5', i, { delegator: link.issuer, holder: giver });
    const named = before.delegateKey;
    const known = named === null && giver === links[0].issuer ? keys.root : listOf(keyOf(giver, keys) ?? named);
    const { signedBy } = link;
    if (signedBy === null || known.length === 0) authenticated = false;
    else if (!known.some((key) => equalBytes(signedBy, key)))
      return capFault('token.delegator_unauthenticated', 'V5', i, { delegator: link.issuer });
  }
  return authenticated;
}

function listOf(key: Uint8Array | null): readonly Uint8Array[] {
  return key ? [key] : [];
}

/** An `aip:key` is its own key; a row that says otherwise names nobody's. Null: not known. */
export function keyOf(id: string, keys: Pick<PartyKeys, 'rowKeyOf'>): Uint8Array | null {
  const parsed = parseAipId(id);
  const row = keys.rowKeyOf(id);
  if (parsed?.kind !== 'key') return row;
  return row === null || equalBytes(row, parsed.key) ? parsed.key : null;
}
