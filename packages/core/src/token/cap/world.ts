// What a capability is judged against, and what comes out. Everything is handed in: keys that are valid now, rows that the plane
// wrote, what has been withdrawn.

import type { PeerFacts } from '../../transport/peer.ts';
import type { Asked } from '../admits.ts';
import type { Chain, Principal } from '../chain.ts';
import type { Claim } from '../facts.ts';
import type { Resource, Revocations } from '../token-world.ts';
import type { Profile } from './aip/patterns.ts';
import type { AipEncoding, RootAuthority } from './aip/roots.ts';
import type { ProvenBlocks } from './biscuit/proven-blocks.ts';
import type { HolderAsk } from './holder-proof.ts';

/** One agent: its AIP id, its SPIFFE principal and its key, as the plane wrote them down when the agent submitted the key over its
 * own connection. Ids are never derived from each other. Rules §2.14. */
export interface KeyRow {
  readonly principal: Principal;
  /** Ed25519, 32 bytes. */
  readonly key: Uint8Array;
  /** The row ends with the SVID. */
  readonly untilSeconds: number;
}

/** An issuer of capabilities, and how far its word goes. */
export interface CapabilityRoot extends RootAuthority {
  readonly id: string;
  /** Of this plane: it may name tasks, ceilings, and links above its authority block. */
  readonly own: boolean;
  /** Where a token that names no audience may be used, and nowhere else. Null: nowhere. Rules §2.1. */
  readonly endpoint: string | null;
  /** Who is accountable when the token names nobody. Null: then nobody is, and it is refused. Rules §2.3. */
  readonly accountable: Principal | null;
  /** Who the token may name, by the name it uses. Rules §2.2. */
  readonly principals: ReadonlyMap<string, Principal>;
  /** False: plain AIP delegations are accepted, and recorded as such. */
  readonly delegatorsMustSign: boolean;
}

export interface MacaroonWorld {
  /** Key id → root secret. */
  readonly secrets: ReadonlyMap<string, Uint8Array>;
  /** What our macaroons name as their place; unsigned, so exactly this. */
  readonly location: string | null;
  /** False: a holder may hand a part on by a condition, which proves nobody. */
  readonly delegatorsMustSign: boolean;
}

export interface CapWorld {
  readonly trustDomain: string;
  readonly roots: readonly CapabilityRoot[];
  /** AIP id → row. */
  readonly rows: ReadonlyMap<string, KeyRow>;
  readonly macaroons: MacaroonWorld | null;
  /** Audience URL → callee. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Caller key → callee keys: asked for a holder that is not the peer, whose edge the wire has asked about. Rules §1.3. */
  readonly edges: ReadonlyMap<string, ReadonlySet<string>>;
  /** Callee key → names of its reviewed tools, to write a prefix out in full. */
  readonly tools: ReadonlyMap<string, readonly string[]>;
  readonly revocations: Revocations;
  readonly profile: Profile;
  /** Blocks found genuine before; a world without it proves everything each time, with the same verdicts. */
  readonly proven?: ProvenBlocks;
}

export interface Capability {
  readonly kind: 'aip' | 'macaroon';
  readonly value: string;
  /** What the holder signed for this very request, or null. */
  readonly holderProof: string | null;
}

/** What is asked with a capability. */
export interface CapAsk extends Asked {
  readonly capability: Capability;
  /** The callee's endpoint URL at the listener of arrival. */
  readonly resource: string;
  readonly request: Pick<HolderAsk, 'method' | 'bodyDigest'>;
  readonly peer: PeerFacts;
}

/** Proven: shaped as `TokenFacts` is. */
export interface CapabilityFacts {
  readonly encoding: AipEncoding | 'macaroon';
  /** Id of the last block: what is withdrawn to withdraw this very token. */
  readonly tokenId: string;
  /** Ids of all blocks, root first: withdrawing one withdraws what came of it. */
  readonly blockIds: readonly string[];
  readonly chain: Chain;
  readonly root: Principal;
  readonly actor: Principal;
  /** The agent's path in the edges. */
  readonly actorKey: string;
  /** How the actor was recognised: as the peer of the connection, or by its signature. */
  readonly binding: 'peer' | 'proof';
  /** False where a delegation rests on possession alone: the record says so. */
  readonly delegatorsAuthenticated: boolean;
  readonly untilSeconds: number;
  readonly wildcard: boolean;
  readonly claims: readonly Claim[];
}
