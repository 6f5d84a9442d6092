// The outer form of a Biscuit v2 token: signed blocks, each naming the key of the next, and a proof that whoever holds the token
// holds the last key. Read strictly and written; nothing here is believed until signature.ts has checked it.
// Source: eclipse-biscuit/biscuit, SPECIFICATIONS.md "Format" and schema.proto. Ed25519 only (design D8).

import { bytesField, type ProtoField, varintField, writeProto } from '../../../std/protobuf.ts';
import { linksMax } from '../../chain.ts';
import { readStrict, type Shape } from './strict-message.ts';

export interface SignedBlock {
  /** The block's own protobuf: what is signed. */
  readonly payload: Uint8Array;
  /** Ed25519, 32 bytes: signs the block after this one. */
  readonly nextKey: Uint8Array;
  readonly signature: Uint8Array;
  /** Of a third-party block: who else signed it. */
  readonly external: { readonly signature: Uint8Array; readonly key: Uint8Array } | null;
  /** Layout of the signed payload: 0 or 1. */
  readonly signatureVersion: 0 | 1;
}

/** Decoded and unchecked. */
export interface UnverifiedBiscuit {
  readonly rootKeyId: number | null;
  readonly blocks: readonly [SignedBlock, ...SignedBlock[]];
  /** The secret of the last `nextKey` (32-byte seed), or a signature that closes the token. */
  readonly proof:
    | { readonly kind: 'secret'; readonly seed: Uint8Array }
    | { readonly kind: 'sealed'; readonly signature: Uint8Array };
}

/** The authority, and one for each link that may follow it. */
const blocksMax = linksMax + 1;

const BISCUIT: Shape = { 1: 'varint', 2: 'bytes', 3: 'messages', 4: 'bytes' };
const SIGNED_BLOCK: Shape = { 1: 'bytes', 2: 'bytes', 3: 'bytes', 4: 'bytes', 5: 'varint' };
const EXTERNAL: Shape = { 1: 'bytes', 2: 'bytes' };
const KEY: Shape = { 1: 'varint', 2: 'bytes' };
const PROOF: Shape = { 1: 'bytes', 2: 'bytes' };
const ED25519 = 0;

/** Null for anything but the canonical bytes of a token whose keys are all Ed25519. */
export function readBiscuit(bytes: Uint8Array): UnverifiedBiscuit | null {
  const outer = readStrict(bytes, BISCUIT);
  const authority = outer?.bytes(2);
  const proofBytes = outer?.bytes(4);
  if (!outer || !authority || !proofBytes) return null;
  const rootKeyId = outer.int(1) ?? null;
  if (rootKeyId !== null && (rootKeyId < 0 || rootKeyId > 0xffff_ffff)) return null;
  const all = [authority, ...outer.list(3)];
  if (all.length > blocksMax) return null;
  const blocks: SignedBlock[] = [];
  for (const one of all) {
    const block = readSignedBlock(one);
    if (!block) return null;
    blocks.push(block);
  }
  const [first, ...rest] = blocks as [SignedBlock, ...SignedBlock[]];
  const proof = readProof(proofBytes);
  // Nobody stands behind the authority but the root: a second signer there has no meaning.
  return proof && first.external === null ? { rootKeyId, blocks: [first, ...rest], proof } : null;
}

function readSignedBlock(bytes: Uint8Array): SignedBlock | null {
  const fields = readStrict(bytes, SIGNED_BLOCK);
  const payload = fields?.bytes(1);
  const key = fields?.bytes(2);
  const signature = fields?.bytes(3);
  if (!fields || !payload || !key || signature?.length !== 64) return null;
  const nextKey = readKey(key);
  const externalBytes = fields.bytes(4);
  const external = externalBytes === undefined ? null : readExternal(externalBytes);
  if (!nextKey || (externalBytes !== undefined && !external)) return null;
  // Version 0 is written by leaving it out.
  const version = fields.int(5);
  if (version !== undefined && version !== 1) return null;
  return { payload, nextKey, signature, external, signatureVersion: version ?? 0 };
}

function readExternal(bytes: Uint8Array): SignedBlock['external'] {
  const fields = readStrict(bytes, EXTERNAL);
  const signature = fields?.bytes(1);
  const keyBytes = fields?.bytes(2);
  const key = keyBytes && readKey(keyBytes);
  return key && signature?.length === 64 ? { signature, key } : null;
}

function readKey(bytes: Uint8Array): Uint8Array | null {
  const fields = readStrict(bytes, KEY);
  const key = fields?.bytes(2);
  return fields?.int(1) === ED25519 && key?.length === 32 ? key : null;
}

function readProof(bytes: Uint8Array): UnverifiedBiscuit['proof'] | null {
  const fields = readStrict(bytes, PROOF);
  const seed = fields?.bytes(1);
  const signature = fields?.bytes(2);
  if (seed?.length === 32 && signature === undefined) return { kind: 'secret', seed };
  if (signature?.length === 64 && seed === undefined) return { kind: 'sealed', signature };
  return null;
}

export function writeBiscuit({ rootKeyId, blocks, proof }: UnverifiedBiscuit): Uint8Array {
  const [authority, ...rest] = blocks;
  return writeProto([
    ...(rootKeyId === null ? [] : [varintField(1, BigInt(rootKeyId))]),
    bytesField(2, writeSignedBlock(authority)),
    ...rest.map((block) => bytesField(3, writeSignedBlock(block))),
    bytesField(4, writeProto([proof.kind === 'secret' ? bytesField(1, proof.seed) : bytesField(2, proof.signature)])),
  ]);
}

function writeSignedBlock({ payload, nextKey, signature, external, signatureVersion }: SignedBlock): Uint8Array {
  const fields: ProtoField[] = [bytesField(1, payload), bytesField(2, writeKey(nextKey)), bytesField(3, signature)];
  if (external) {
    fields.push(bytesField(4, writeProto([bytesField(1, external.signature), bytesField(2, writeKey(external.key))])));
  }
  if (signatureVersion !== 0) fields.push(varintField(5, BigInt(signatureVersion)));
  return writeProto(fields);
}

function writeKey(key: Uint8Array): Uint8Array {
  return writeProto([varintField(1, BigInt(ED25519)), bytesField(2, key)]);
}
