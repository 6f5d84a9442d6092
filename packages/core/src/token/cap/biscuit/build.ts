// Making Biscuits: an authority, one more block, one more block that a third party signs, and a seal. Keys and the randomness of
// next keys are handed in. New blocks are signed in layout v1, which ties each to the signature of the one before it.

import type { SeedSigner, Signer } from '../engine.ts';
import type { SignedBlock, UnverifiedBiscuit } from './container.ts';
import { blockPayload, externalPayload, sealPayload } from './signature.ts';

export function mintBiscuit(payload: Uint8Array, root: Signer, next: SeedSigner): UnverifiedBiscuit {
  return {
    rootKeyId: null,
    blocks: [signBlock({ payload, nextKey: next.publicKey, external: null }, root, null)],
    proof: { kind: 'secret', seed: next.seed },
  };
}

/** `held`: the key whose seed is the token's proof. `third`: signs the block as well, and is named in it. */
export function appendBlock(
  token: UnverifiedBiscuit,
  payload: Uint8Array,
  held: Signer,
  next: SeedSigner,
  third: Signer | null,
): UnverifiedBiscuit {
  const previous = token.blocks[token.blocks.length - 1]!.signature;
  const external = third && { signature: third.sign(externalPayload(payload, previous)), key: third.publicKey };
  const block = signBlock({ payload, nextKey: next.publicKey, external }, held, previous);
  return { ...token, blocks: [...token.blocks, block], proof: { kind: 'secret', seed: next.seed } };
}

/** Nobody can append to a sealed token. */
export function sealBiscuit(token: UnverifiedBiscuit, held: Signer): UnverifiedBiscuit {
  const last = token.blocks[token.blocks.length - 1]!;
  return { ...token, proof: { kind: 'sealed', signature: held.sign(sealPayload(last)) } };
}

function signBlock(
  parts: Pick<SignedBlock, 'payload' | 'nextKey' | 'external'>,
  signer: Signer,
  previous: Uint8Array | null,
): SignedBlock {
  const block = { ...parts, signatureVersion: 1 } as const;
  return { ...block, signature: signer.sign(blockPayload(block, previous)) };
}
