// Whose word counts as an authority, and with which keys. Step V2: the identity that a token names is the one the key belongs to.

import { equalBytes } from '../../../std/bytes.ts';
import { parseAipId } from './id.ts';
import type { AipLinks } from './link.ts';

/** An issuer that is accepted. Its keys are those of its identity document that are valid now, or configured by hand. */
export interface RootAuthority {
  /** AIP id; null where a person vouched for the key itself, whatever name the token gives it. */
  readonly id: string | null;
  /** Ed25519, 32 bytes each. */
  readonly keys: readonly Uint8Array[];
  /** The number that this root's Biscuits name their key by. */
  readonly keyId?: number;
}

interface RootKey {
  readonly root: RootAuthority;
  readonly key: Uint8Array;
}

/**
 * Keys to try for a token that names `issuer` (null: unreadable). With a single root its keys are tried whatever the name, so that a
 * token of somebody else is told to be not genuine first (V1) and not ours second (V2).
 */
export function rootsFor(issuer: string | null, roots: readonly RootAuthority[]): readonly RootKey[] {
  const named = roots.filter(({ id }) => id === null || id === issuer);
  const tried = named.length === 0 && roots.length === 1 ? roots : named;
  return tried.flatMap((root) => root.keys.map((key) => ({ root, key })));
}

/** Step V2: does the name in the token belong to the key that it was found genuine with? */
export function isBound(issuer: string, { root, key }: RootKey): boolean {
  const id = parseAipId(issuer);
  return (root.id === null || root.id === issuer) && (id?.kind !== 'key' || equalBytes(id.key, key));
}

export type AipEncoding = 'aip-compact' | 'aip-chained' | 'aip-jwt-chain';

/** A chain whose signatures are genuine and whose authority is bound to its key. Nothing is said yet of what it may do. */
export interface GenuineLinks {
  readonly encoding: AipEncoding;
  readonly links: AipLinks;
  readonly root: RootAuthority;
  readonly rootKey: Uint8Array;
  /** One for each link: the signature in hex. A token is known by these, never by its bytes. */
  readonly blockIds: readonly string[];
}
