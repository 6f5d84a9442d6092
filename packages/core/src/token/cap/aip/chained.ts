// AIP chained: a Biscuit whose blocks are the links. Minting and narrowing make the canonical form; reading gives the links of a
// token whose signatures have been checked (steps V1 and V2), or the first fault. Draft-prakash-aip-01 §3.4, §4.

import { fromBase64Url, toBase64Url } from '../../../std/base64.ts';
import { toHex } from '../../../std/bytes.ts';
import { tokenBytesMax } from '../../jws.ts';
import { readBlock } from '../biscuit/block.ts';
import { appendBlock, mintBiscuit } from '../biscuit/build.ts';
import { readBiscuit, type UnverifiedBiscuit, writeBiscuit } from '../biscuit/container.ts';
import type { Block } from '../biscuit/datalog.ts';
import type { ProvenBlocks } from '../biscuit/proven-blocks.ts';
import { forgedBlock } from '../biscuit/signature.ts';
import { openSymbols, type SymbolTable } from '../biscuit/symbols.ts';
import { writeBlock } from '../biscuit/write-block.ts';
import type { CapEngine, SeedSigner, Signer } from '../engine.ts';
import { type AipLink, type CapFault, capFault } from './link.ts';
import { linkOfBlock } from './read-link.ts';
import { type GenuineLinks, isBound, type RootAuthority, rootsFor } from './roots.ts';
import { blockOfLink } from './write-link.ts';

/** URL-safe base64 with padding, as both references write it. */
export function chainedText(token: UnverifiedBiscuit): string {
  const text = toBase64Url(writeBiscuit(token));
  return text + '='.repeat((4 - (text.length % 4)) % 4);
}

/** Null for anything but a canonical token; padding may be left out, but is never wrong. */
export function parseChained(text: string): UnverifiedBiscuit | null {
  if (text.length > tokenBytesMax) return null;
  const bare = text.replace(/={1,2}$/, '');
  if (bare.length !== text.length && text.length % 4 !== 0) return null;
  const bytes = fromBase64Url(bare);
  return bytes && readBiscuit(bytes);
}

/** Null when the link cannot be written as an authority. `next`: fresh, never used before. */
export function mintChained(link: AipLink, root: Signer, next: SeedSigner): UnverifiedBiscuit | null {
  const block = blockOfLink(link, true);
  return block && mintBiscuit(writeBlock(block, openSymbols(), 'chain'), root, next);
}

/**
 * The token with one more delegation; null when it is sealed or the link cannot be written. `delegator` signs the block as a third
 * party (rules §2.14); null makes a plain AIP block that proves nobody.
 */
export function appendChained(
  token: UnverifiedBiscuit,
  link: AipLink,
  held: (seed: Uint8Array) => Signer,
  next: SeedSigner,
  delegator: Signer | null,
): UnverifiedBiscuit | null {
  const block = blockOfLink(link, false);
  if (!block || token.proof.kind !== 'secret') return null;
  const symbols = delegator ? openSymbols() : symbolsOf(token);
  return (
    symbols &&
    appendBlock(
      token,
      writeBlock(block, symbols, delegator ? 'third' : 'chain'),
      held(token.proof.seed),
      next,
      delegator,
    )
  );
}

/** The table that a further first-party block starts from. */
function symbolsOf(token: UnverifiedBiscuit): SymbolTable | null {
  const symbols = openSymbols();
  for (const { payload, external } of token.blocks) if (!external && !readBlock(payload, symbols, 'chain')) return null;
  return symbols;
}

/** Blocks as they stand, checked or not; a block that this reader cannot read is null, and so are first-party ones after it. */
export function readBlocks(token: UnverifiedBiscuit): readonly (Block | null)[] {
  const shared = openSymbols();
  let lost = false;
  return token.blocks.map(({ payload, external }) => {
    if (external) return readBlock(payload, openSymbols(), 'third');
    const block = lost ? null : readBlock(payload, shared, 'chain');
    if (!block) lost = true;
    return block;
  });
}

/** Steps V1 and V2, and the links; the walk over them comes after. */
export function openChained(
  text: string,
  roots: readonly RootAuthority[],
  engine: CapEngine,
  proven: ProvenBlocks | null,
): GenuineLinks | CapFault {
  const token = parseChained(text);
  if (!token) return capFault('token.malformed', 'V1', null);
  const blocks = readBlocks(token);
  const read = token.blocks.map((block, i) => {
    const datalog = blocks[i];
    return datalog ? linkOfBlock(datalog, i, block.external?.key ?? null) : 'a block that cannot be read';
  });
  const first = read[0]!;
  // Only to choose the key: nothing of it is believed before the signatures are.
  const candidates = rootsFor(typeof first === 'string' ? null : first.issuer, roots);
  if (candidates.length === 0) return unknownIssuer(first);
  let forged: number | null = 0;
  for (const { root, key } of candidates) {
    forged = forgedBlock(token, key, engine, proven);
    if (forged !== null) continue;
    const ids = token.blocks.map(({ signature }) => toHex(signature));
    return genuine(read, token, root, key, ids);
  }
  return capFault('token.signature_invalid', 'V1', forged);
}

function unknownIssuer(first: AipLink | string): CapFault {
  return typeof first === 'string'
    ? capFault('token.malformed', 'V1', 0, { why: first })
    : capFault('token.issuer_unknown', 'V2', 0, { identity: first.issuer });
}

function genuine(
  read: readonly (AipLink | string)[],
  token: UnverifiedBiscuit,
  root: RootAuthority,
  rootKey: Uint8Array,
  blockIds: readonly string[],
): GenuineLinks | CapFault {
  const [first, ...rest] = read as [AipLink | string, ...(AipLink | string)[]];
  if (typeof first === 'string') return capFault('token.malformed', 'V4', 0, { why: first });
  // The id of a root key is a hint outside every signature: only the one that is configured may stand there.
  if (token.rootKeyId !== (root.keyId ?? null)) return capFault('token.malformed', 'V1', null, { why: 'root key id' });
  if (!isBound(first.issuer, { root, key: rootKey }))
    return capFault('token.issuer_unknown', 'V2', 0, { identity: first.issuer });
  const links: [AipLink, ...AipLink[]] = [first];
  for (const [i, link] of rest.entries()) {
    if (typeof link !== 'string') links.push(link);
    else if (rest.length > (first.maxDepth ?? 0)) return capFault('token.depth_exceeded', 'V3', rest.length);
    else return capFault('token.malformed', 'V4', i + 1, { why: link });
  }
  return { encoding: 'aip-chained', links, root, rootKey, blockIds };
}
