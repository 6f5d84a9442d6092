// Is every block of a Biscuit signed by the key the block before it named, and does the holder hold the last one?
// Both layouts of the signed payload are read (v0 and v1); a third-party block is accepted in v1 only, where its second signature
// covers the signature of the block before it and cannot be moved to another token. SPECIFICATIONS.md "Signature (two versions)".

import { concat, equalBytes, utf8 } from '../../../std/bytes.ts';
import type { CapEngine } from '../engine.ts';
import type { SignedBlock, UnverifiedBiscuit } from './container.ts';
import { digestsOf, type ProvenBlocks } from './proven-blocks.ts';

const ED25519_LE32 = new Uint8Array(4);
const BLOCK = utf8('\0BLOCK\0\0VERSION\0\x01\0\0\0\0PAYLOAD\0');
const ALGORITHM_NEXT_KEY = concat(utf8('\0ALGORITHM\0'), ED25519_LE32, utf8('\0NEXTKEY\0'));
const PREVIOUS = utf8('\0PREVSIG\0');
const EXTERNAL_SIGNATURE = utf8('\0EXTERNALSIG\0');
const EXTERNAL = utf8('\0EXTERNAL\0\0VERSION\0\x01\0\0\0\0PAYLOAD\0');

/** Number of the first block that is not genuine (the proof counts with the last), or null when all are. */
export function forgedBlock(
  token: UnverifiedBiscuit,
  rootKey: Uint8Array,
  engine: CapEngine,
  proven: ProvenBlocks | null = null,
): number | null {
  const { blocks, proof } = token;
  const digests = proven && digestsOf(rootKey, engine);
  let key = rootKey;
  let previous: Uint8Array | null = null;
  for (const [i, block] of blocks.entries()) {
    const digest = digests?.block(block);
    if (digest === undefined || !proven!.has(digest)) {
      if (!isGenuine(block, key, previous, engine)) return i;
      if (digest !== undefined) proven!.keep(digest);
    }
    key = block.nextKey;
    previous = block.signature;
  }
  const digest = digests?.proof(proof);
  if (digest !== undefined && proven!.has(digest)) return null;
  if (!isHeld(token, key, engine)) return blocks.length - 1;
  if (digest !== undefined) proven!.keep(digest);
  return null;
}

function isGenuine(block: SignedBlock, key: Uint8Array, previous: Uint8Array | null, engine: CapEngine): boolean {
  const { external, signatureVersion, payload, signature } = block;
  if (external && (signatureVersion !== 1 || previous === null)) return false;
  if (!engine.verify({ alg: 'EdDSA', x: key }, blockPayload(block, previous), signature)) return false;
  if (!external) return true;
  return engine.verify({ alg: 'EdDSA', x: external.key }, externalPayload(payload, previous!), external.signature);
}

/** Whoever holds the token holds the last key, or it was closed with that key. */
function isHeld({ blocks, proof }: UnverifiedBiscuit, key: Uint8Array, engine: CapEngine): boolean {
  if (proof.kind === 'secret') return equalBytes(engine.publicKeyOf(proof.seed), key);
  return engine.verify({ alg: 'EdDSA', x: key }, sealPayload(blocks[blocks.length - 1]!), proof.signature);
}

/** What signs a block. `previous`: signature of the block before it, null for the authority. */
export function blockPayload(block: Omit<SignedBlock, 'signature'>, previous: Uint8Array | null): Uint8Array {
  const { payload, nextKey, external, signatureVersion } = block;
  if (signatureVersion === 0) return concat(payload, ED25519_LE32, nextKey);
  return concat(
    ...[BLOCK, payload, ALGORITHM_NEXT_KEY, nextKey],
    ...(previous ? [PREVIOUS, previous] : []),
    ...(external ? [EXTERNAL_SIGNATURE, external.signature] : []),
  );
}

/** What the third party signs of its block. */
export function externalPayload(payload: Uint8Array, previous: Uint8Array): Uint8Array {
  return concat(EXTERNAL, payload, PREVIOUS, previous);
}

/** What closes a token, so that nobody can append to it. */
export function sealPayload({ payload, nextKey, signature }: SignedBlock): Uint8Array {
  return concat(payload, ED25519_LE32, nextKey, signature);
}
