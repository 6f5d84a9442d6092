// Blocks that were found genuine before, so that a narrower token costs its new block and a token seen again costs hashing. What is
// remembered is a signature and never a decision (rules §2.15): a digest over the root key and every byte that counts, up to and
// with this block. Another root key is another digest, so that rotating a key forgets by itself.

import { concat, toHex, utf8 } from '../../../std/bytes.ts';
import type { Engine } from '../../../std/engine.ts';
import type { SignedBlock, UnverifiedBiscuit } from './container.ts';

/** Forgetting costs time and nothing else. */
export interface ProvenBlocks {
  has(digest: string): boolean;
  /** Told only of what was found genuine. */
  keep(digest: string): void;
}

/** Remembers the last so many that were asked about. */
export function rememberBlocks(blocksMax: number): ProvenBlocks {
  const held = new Set<string>();
  return {
    has(digest) {
      if (!held.delete(digest)) return false;
      held.add(digest);
      return true;
    },
    keep(digest) {
      held.add(digest);
      if (held.size > blocksMax) held.delete(held.values().next().value!);
    },
  };
}

const START = utf8('writ proven blocks 1');
const NOBODY = new Uint8Array(96);

/** Digests of one token: one for each block in turn, and one for its proof. Every part has a fixed length or says it. */
export function digestsOf(rootKey: Uint8Array, engine: Engine) {
  let state = engine.sha256(concat(START, rootKey));
  const next = (...parts: readonly Uint8Array[]) => {
    state = engine.sha256(concat(state, ...parts));
    return toHex(state);
  };
  return {
    block({ payload, nextKey, signature, external, signatureVersion }: SignedBlock): string {
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, payload.length);
      const kind = Uint8Array.of(signatureVersion, external ? 1 : 0);
      const third = external ? [external.key, external.signature] : [NOBODY];
      return next(kind, length, payload, nextKey, signature, ...third);
    },
    proof(proof: UnverifiedBiscuit['proof']): string {
      return proof.kind === 'secret' ? next(Uint8Array.of(2), proof.seed) : next(Uint8Array.of(3), proof.signature);
    },
  };
}
