// The Merkle tree of RFC 6962 §2.1: hashes, the frontier that grows it, proofs and their verification.
// Where hashes are kept is tile.ts; who signed a root is checkpoint.ts.

import { equalBytes } from '../std/bytes.ts';
import type { Engine } from '../std/engine.ts';

/** SHA-256. */
export const hashBytes = 32;

/** A perfect subtree: `level` 0 is a leaf hash; it covers the leaves index·2^level up to (index+1)·2^level. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** Hashes of the asked nodes, in that order. Throws when one cannot be read. */
export type HashReader = (nodes: readonly TreeNode[]) => Promise<readonly Uint8Array[]>;

/** What a tree of `size` leaves needs to grow: the roots of its perfect subtrees, largest first. */
export interface Frontier {
  readonly size: number;
  readonly nodes: readonly Uint8Array[];
}

export const emptyFrontier: Frontier = { size: 0, nodes: [] };

/** RFC 6962 §2.1: SHA-256(0x00 ‖ entry). */
export function leafHash(engine: Engine, entry: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + entry.length);
  input.set(entry, 1);
  return engine.sha256(input);
}

/** RFC 6962 §2.1: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(engine: Engine, left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + 2 * hashBytes);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 1 + hashBytes);
  return engine.sha256(input);
}

/** The frontier after one more leaf. */
export function extend(engine: Engine, frontier: Frontier, leaf: Uint8Array): Frontier {
  const nodes = frontier.nodes.slice();
  let carry = leaf;
  // Every trailing one bit of the size is a subtree that the new leaf completes.
  for (let rest = frontier.size; rest % 2 === 1; rest = (rest - 1) / 2) carry = nodeHash(engine, nodes.pop()!, carry);
  nodes.push(carry);
  return { size: frontier.size + 1, nodes };
}

/** The root of the tree; SHA-256 of nothing when it is empty. */
export function treeRoot(engine: Engine, frontier: Frontier): Uint8Array {
  return frontier.size === 0 ? engine.sha256(new Uint8Array(0)) : foldNodes(engine, frontier.nodes);
}

/** Neighbouring subtrees of falling size, joined from the right: the hash of the range they cover. */
function foldNodes(engine: Engine, nodes: readonly Uint8Array[]): Uint8Array {
  return nodes.reduceRight((right, left) => nodeHash(engine, left, right));
}

/** The root of a tree of `size` leaves whose nodes can be read. */
export async function treeRootAt(engine: Engine, read: HashReader, size: number): Promise<Uint8Array> {
  return treeRoot(engine, { size, nodes: await read(perfectNodes(0, size)) });
}

/** Inclusion proof of leaf `index` in the tree of `size` leaves, leaf's sibling first (RFC 6962 §2.1.1). */
export function proveInclusion(engine: Engine, read: HashReader, index: number, size: number): Promise<Uint8Array[]> {
  if (!(index >= 0 && index < size)) throw new RangeError(`a tree of ${size} has no leaf ${index}`);
  return readRanges(engine, read, inclusionRanges(index, 0, size));
}

/** Consistency proof from the tree of `from` leaves to that of `to` (RFC 6962 §2.1.2); empty from 0 and from equal sizes. */
export function proveConsistency(engine: Engine, read: HashReader, from: number, to: number): Promise<Uint8Array[]> {
  if (!(from >= 0 && from <= to)) throw new RangeError(`a tree of ${to} does not grow from one of ${from}`);
  return readRanges(engine, read, from === 0 ? [] : consistencyRanges(from, 0, to, true));
}

export interface InclusionClaim {
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Whether the leaf stands at that index of the tree with that root (RFC 9162 §2.1.3.2). */
export function verifyInclusion(engine: Engine, claim: InclusionClaim): boolean {
  const { leaf, index, size, root, proof } = claim;
  if (!isSize(index) || !isSize(size) || index >= size || !areHashes([leaf, root, ...proof])) return false;
  let hash = leaf;
  let at = index;
  let last = size - 1;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      hash = nodeHash(engine, sibling, hash);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = nodeHash(engine, hash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equalBytes(hash, root);
}

export interface ConsistencyClaim {
  readonly from: { readonly size: number; readonly root: Uint8Array };
  readonly to: { readonly size: number; readonly root: Uint8Array };
  readonly proof: readonly Uint8Array[];
}

/** Whether the larger tree starts with the smaller one, leaf for leaf (RFC 9162 §2.1.4.2). */
export function verifyConsistency(engine: Engine, { from, to, proof }: ConsistencyClaim): boolean {
  if (!isSize(from.size) || !isSize(to.size) || from.size > to.size) return false;
  if (!areHashes([from.root, to.root, ...proof])) return false;
  if (from.size === to.size) return proof.length === 0 && equalBytes(from.root, to.root);
  if (from.size === 0) return proof.length === 0 && equalBytes(from.root, treeRoot(engine, emptyFrontier));
  // A complete smaller tree is itself a node of the larger one, so the proof does not repeat its root.
  const path = isPowerOfTwo(from.size) ? [from.root, ...proof] : proof;
  let at = from.size - 1;
  let last = to.size - 1;
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  if (path.length === 0) return false;
  let older = path[0]!;
  let newer = path[0]!;
  for (const node of path.slice(1)) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      older = nodeHash(engine, node, older);
      newer = nodeHash(engine, node, newer);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      newer = nodeHash(engine, newer, node);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equalBytes(older, from.root) && equalBytes(newer, to.root);
}

type LeafRange = readonly [start: number, end: number];

function inclusionRanges(index: number, start: number, end: number): LeafRange[] {
  if (end - start === 1) return [];
  const split = start + splitOf(end - start);
  return index < split
    ? [...inclusionRanges(index, start, split), [split, end]]
    : [...inclusionRanges(index, split, end), [start, split]];
}

/** RFC 6962 §2.1.2 SUBPROOF; `old` is an absolute leaf number, `known` says the verifier holds this subtree's hash. */
function consistencyRanges(old: number, start: number, end: number, known: boolean): LeafRange[] {
  if (old === end) return known ? [] : [[start, end]];
  const split = start + splitOf(end - start);
  return old <= split
    ? [...consistencyRanges(old, start, split, known), [split, end]]
    : [...consistencyRanges(old, split, end, false), [start, split]];
}

async function readRanges(engine: Engine, read: HashReader, ranges: readonly LeafRange[]): Promise<Uint8Array[]> {
  const groups = ranges.map(([start, end]) => perfectNodes(start, end));
  const hashes = await read(groups.flat());
  let end = 0;
  return groups.map((group) => {
    end += group.length;
    return foldNodes(engine, hashes.slice(end - group.length, end));
  });
}

/** The perfect subtrees of a range, left to right. Ranges of RFC 6962 begin on a multiple of their largest subtree. */
function perfectNodes(start: number, end: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let at = start; at < end; ) {
    let level = 0;
    while (2 ** (level + 1) <= end - at) level += 1;
    nodes.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return nodes;
}

/** The largest power of two below n. */
function splitOf(n: number): number {
  let split = 1;
  while (split * 2 < n) split *= 2;
  return split;
}

// Tree sizes pass 2^32, where JavaScript's bit operators stop: plain arithmetic is exact up to 2^53.
const isSize = (n: number) => Number.isSafeInteger(n) && n >= 0;
const isOdd = (n: number) => n % 2 === 1;
const half = (n: number) => Math.floor(n / 2);
const isPowerOfTwo = (n: number) => splitOf(n) * 2 === n || n === 1;
const areHashes = (hashes: readonly Uint8Array[]) => hashes.every((hash) => hash.length === hashBytes);
