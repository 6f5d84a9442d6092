// The reference library (Rust, through wasm) as a second opinion in tests. It leaks some 16 KB for each authorisation (lab
// policy-capability-audit §3.1), so it is asked a bounded number of times and never outside tests.

import {
  AuthorizerBuilder,
  Biscuit,
  BiscuitBuilder,
  BlockBuilder,
  PrivateKey,
  PublicKey,
  SignatureAlgorithm,
} from '@biscuit-auth/biscuit-wasm';
import { ed25519KeyOf } from '../../node/engine.ts';

interface Ambient {
  readonly tool: string;
  readonly nowSeconds: number;
  readonly depth: number;
  /** Further Datalog, as it is. */
  readonly code?: string;
}

const limits = { max_facts: 1000, max_iterations: 100, max_time_micro: 1_000_000 };

/** Does the reference accept these bytes under this root, for this tool and time? `signature`, `policy` or null for a yes. */
export function oracleRefusal(bytes: Uint8Array, root: Uint8Array, ambient: Ambient): 'signature' | 'policy' | null {
  const key = PublicKey.fromBytes(root, SignatureAlgorithm.Ed25519);
  let token: Biscuit;
  try {
    token = Biscuit.fromBytes(bytes, key);
  } catch {
    return 'signature';
  } finally {
    key.free();
  }
  const builder = new AuthorizerBuilder();
  try {
    const time = { date: new Date(ambient.nowSeconds * 1000).toISOString() };
    builder.addCodeWithParameters(
      'tool({tool}); time({time}); depth({depth}); allow if tool({tool});',
      { tool: ambient.tool, time, depth: ambient.depth },
      {},
    );
    if (ambient.code !== undefined) builder.addCode(ambient.code);
    builder.buildAuthenticated(token).authorizeWithLimits(limits);
    return null;
  } catch {
    return 'policy';
  }
}

/** A token of the reference: the blocks as Datalog text. */
export function oracleToken(seed: Uint8Array, authority: string, ...blocks: readonly string[]): Uint8Array {
  const builder = new BiscuitBuilder();
  builder.addCode(authority);
  let token = builder.build(PrivateKey.fromBytes(seed, SignatureAlgorithm.Ed25519));
  for (const code of blocks) token = token.appendBlock(oracleBlock(code));
  return token.toBytes();
}

/** The token with one more block that a third party signs. */
export function oracleThirdParty(bytes: Uint8Array, root: Uint8Array, seed: Uint8Array, code: string): Uint8Array {
  const token = Biscuit.fromBytes(bytes, PublicKey.fromBytes(root, SignatureAlgorithm.Ed25519));
  const key = PrivateKey.fromBytes(seed, SignatureAlgorithm.Ed25519);
  const block = token.getThirdPartyRequest().createBlock(key, oracleBlock(code));
  return token
    .appendThirdPartyBlock(PublicKey.fromBytes(ed25519KeyOf(seed).publicKey, SignatureAlgorithm.Ed25519), block)
    .toBytes();
}

/** The token with one more block of whoever holds it. */
export function oracleAppend(bytes: Uint8Array, root: Uint8Array, code: string): Uint8Array {
  const token = Biscuit.fromBytes(bytes, PublicKey.fromBytes(root, SignatureAlgorithm.Ed25519));
  return token.appendBlock(oracleBlock(code)).toBytes();
}

export function oracleSeal(bytes: Uint8Array, root: Uint8Array): Uint8Array {
  return Biscuit.fromBytes(bytes, PublicKey.fromBytes(root, SignatureAlgorithm.Ed25519)).sealToken().toBytes();
}

function oracleBlock(code: string): BlockBuilder {
  const block = new BlockBuilder();
  block.addCode(code);
  return block;
}
