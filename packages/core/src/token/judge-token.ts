// Check 2: what may this caller ask, and for whom. Needs the facts of check 1: a token is worth nothing without its peer.
// RFC 9068 §4, RFC 8693 §4, Writ rules §2.

import { type Denial, denial } from '../denial.ts';
import type { Engine } from '../std/engine.ts';
import type { JsonObject } from '../std/json.ts';
import { isSeconds } from '../std/time.ts';
import type { PeerFacts } from '../transport/peer.ts';
import { agentPath } from '../transport/spiffe-id.ts';
import { deny, pass, type Verdict } from '../verdict.ts';
import { type Asked, firstRefusal } from './admits.ts';
import { callClaims } from './budget.ts';
import { type Chain, leafOf } from './chain.ts';
import type { Credential } from './credential.ts';
import { judgeProof } from './dpop.ts';
import type { Claim, TokenFacts } from './facts.ts';
import { TYP } from './jws.ts';
import { prove } from './proven.ts';
import { coveredByName } from './scope.ts';
import { type Revocations, type TokenWorld, userKey } from './token-world.ts';
import { chainFault } from './verify-chain.ts';

/** What is asked with the token. `Call` has this shape. */
export interface TokenAsk extends Asked {
  readonly credential: Credential;
  /** The callee's endpoint URL at the listener of arrival. */
  readonly resource: string;
}

/** The verdict, and the token as read where its signature was genuine: a refusal is recorded with the chain that asked. */
export type TokenVerdict = Verdict<TokenFacts> & { readonly seen: GenuineToken | null };

export function judgeToken(
  ask: TokenAsk,
  peer: PeerFacts,
  world: TokenWorld,
  engine: Engine,
  nowSeconds: number,
): TokenVerdict {
  const { credential } = ask;
  if (credential.kind === 'none') return { ...deny('token.missing'), seen: null };
  if (credential.kind === 'ambiguous') return { ...deny('token.ambiguous', { seen: credential.seen }), seen: null };
  const read = readToken(credential.value, world, engine, nowSeconds);
  if (read.outcome === 'deny') return { ...read, seen: null };
  return { ...judgeGenuine(ask, credential, read.facts, peer, world, engine, nowSeconds), seen: read.facts };
}

function judgeGenuine(
  ask: TokenAsk,
  credential: Extract<Credential, { kind: 'jwt' }>,
  token: GenuineToken,
  peer: PeerFacts,
  world: TokenWorld,
  engine: Engine,
  nowSeconds: number,
): Verdict<TokenFacts> {
  if (token.audience !== ask.resource) {
    return deny('token.wrong_audience', { audience: token.audience, wanted: ask.resource });
  }
  const held = judgeKey(token, credential, ask.resource, engine, nowSeconds);
  if (held.outcome === 'deny') return held;
  const bound = judgeBinding(token, held.facts !== null, peer, world);
  if (bound.outcome === 'deny') return bound;
  const gone = revocationFault(token, world.revocations);
  if (gone) return { outcome: 'deny', denial: gone };
  const fault = chainFault(token.chain, world.resources) ?? firstRefusal(token.chain.links, ask, nowSeconds);
  if (fault) return { outcome: 'deny', denial: fault };
  return claimsOf(token, ask, bound.facts, held.facts);
}

/** A token whose bytes are genuine and current. Nothing is said yet about who may use it, or for what. */
export interface GenuineToken {
  readonly id: string;
  readonly clientId: string;
  readonly audience: string;
  readonly expiresSeconds: number;
  readonly chain: Chain;
  readonly cnf: JsonObject | null;
  readonly claims: JsonObject;
}

/**
 * Signature, kind, issuer, times and chain of an access token of the plane. Own tokens have no leeway (rules §2.8).
 * `ignoreExpiry`: for renewal, where the leaf's `until` counts instead (rules §2.7).
 */
export function readToken(
  text: string,
  world: Pick<TokenWorld, 'issuers' | 'trustDomain' | 'proven'>,
  engine: Engine,
  nowSeconds: number,
  options: { readonly typ?: string; readonly ignoreExpiry?: boolean } = {},
): Verdict<GenuineToken> {
  const typ = options.typ ?? TYP.accessToken;
  const proof = prove(text, typ, world, engine);
  if (proof.outcome === 'deny') return proof;
  const { claims, chain } = proof.facts;
  const { iss, aud, exp, iat, nbf, jti, client_id: clientId, scope, cnf } = claims;
  if (typeof aud !== 'string' || typeof jti !== 'string' || typeof clientId !== 'string')
    return deny('token.malformed');
  if (!isSeconds(exp) || !isSeconds(iat) || (nbf !== undefined && !isSeconds(nbf))) return deny('token.malformed');
  if (cnf !== undefined && (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf)))
    return deny('token.malformed');
  if (nowSeconds >= exp && !options.ignoreExpiry) return deny('token.expired', { exp, now: nowSeconds });
  if (iat > nowSeconds || (nbf !== undefined && nbf > nowSeconds))
    return deny('token.not_yet_valid', { iat, now: nowSeconds });
  // A client's own token has no chain: nobody stands behind it. Rules §2.3.
  if (chain === null) return deny('token.no_mandate', { client: clientId });
  if (typeof chain === 'string') return deny(`token.${chain}`);
  if (!tellsLeaf(chain, aud, scope, typ)) return deny('token.chain_ambiguous');
  const stranger = chain.links.slice(1).find(({ actor }) => !actorIsOurs(actor, String(iss), world.trustDomain));
  if (stranger) return deny('token.issuer_unknown', { actor: stranger.actor.sub, iss: stranger.actor.iss });
  return pass({
    id: jti,
    clientId,
    audience: aud,
    expiresSeconds: exp,
    chain,
    cnf: (cnf as JsonObject | undefined) ?? null,
    claims,
  });
}

/** `aud` and `scope` at the top must say what the leaf says. A continuation has no scope and the issuer as audience. */
function tellsLeaf(chain: Chain, aud: string, scope: unknown, typ: string): boolean {
  if (typ === TYP.continuation) return scope === undefined;
  const leaf = leafOf(chain);
  return leaf.audience === aud && scope === leaf.scopes.join(' ') && chain.links.length > 1;
}

/** A SPIFFE actor is vouched for by its own trust domain, a client by the issuer. Rules §2.2. */
function actorIsOurs(actor: { iss: string; sub: string }, issuer: string, trustDomain: string): boolean {
  const home = `spiffe://${trustDomain}`;
  return actor.sub.startsWith('spiffe://')
    ? actor.iss === home && actor.sub.startsWith(`${home}/`)
    : actor.iss === issuer;
}

type Bound = Pick<TokenFacts, 'actorKey' | 'unbound'>;

/** A token bound to a key needs a proof of that key, and a scheme that promises a proof needs a bound token. RFC 9449 §7.1. */
function judgeKey(
  token: GenuineToken,
  credential: Extract<Credential, { kind: 'jwt' }>,
  url: string,
  engine: Engine,
  nowSeconds: number,
): Verdict<Claim | null> {
  const thumbprint = token.cnf?.jkt;
  if (credential.scheme === 'Bearer') {
    return thumbprint === undefined ? pass(null) : deny('token.bound_to_other_key', { scheme: 'Bearer' });
  }
  if (typeof thumbprint !== 'string') return deny('token.proof_invalid', { why: 'the token is bound to no key' });
  const { proof, method, value } = credential;
  return judgeProof({ proof, method, url, token: value, thumbprint }, engine, nowSeconds);
}

/** The actor of the token IS the peer. Rules §1.2, §2.9. */
function judgeBinding(token: GenuineToken, proven: boolean, peer: PeerFacts, world: TokenWorld): Verdict<Bound> {
  const { actor } = leafOf(token.chain);
  if (peer.kind === 'workload') {
    if (actor.sub !== peer.spiffeId)
      return deny('token.bound_to_other_peer', { actor: actor.sub, peer: peer.spiffeId });
    const thumbprint = token.cnf?.['x5t#S256'];
    if (thumbprint !== undefined && thumbprint !== peer.thumbprint)
      return deny('token.bound_to_other_key', { actor: actor.sub });
    const path = agentPath(peer.spiffeId);
    return path === null
      ? deny('transport.identity_invalid', { peer: peer.spiffeId })
      : pass({ actorKey: path, unbound: false });
  }
  // No certificate here: an agent's token belongs on a connection that proves the agent.
  if (actor.sub.startsWith('spiffe://')) return deny('token.bound_to_other_peer', { actor: actor.sub, peer: null });
  const client = world.clients.get(actor.sub);
  const actorKey = `client:${actor.sub}`;
  if (!client) return deny('transport.edge_not_allowed', { caller: actorKey });
  // Without a key of its own a token is anybody's: only for a client that was listed for it.
  if (!proven && !client.bearer) return deny('token.unbound', { client: actor.sub });
  const callee = world.resources.get(token.audience);
  if (!callee || !world.edges.get(actorKey)?.has(callee.key)) {
    return deny('transport.edge_not_allowed', { caller: actorKey, target: callee?.key ?? null });
  }
  return pass({ actorKey, unbound: !proven });
}

/** Rules §2.15. A view that is too old says nothing of the token, so it is an outage: whoever comes again may be served. */
export function revocationFault(token: Pick<GenuineToken, 'id' | 'chain'>, revocations: Revocations): Denial | null {
  if (!revocations.fresh) return denial('gateway.store_unreachable', { sequence: revocations.sequence });
  const withdrawn = withdrawnPart(token, revocations);
  return withdrawn && denial('token.revoked', withdrawn);
}

/** What of this token has been withdrawn, by a view that is fresh: its row, any ancestor's, its task, its person, an agent. */
export function withdrawnPart(
  token: Pick<GenuineToken, 'id' | 'chain'>,
  revocations: Revocations,
): { readonly [what: string]: string | number } | null {
  if (revocations.rows.has(token.id)) return { row: token.id };
  const row = token.chain.links.find((link) => revocations.rows.has(link.row));
  if (row) return { row: row.row, actor: row.actor.sub };
  if (revocations.tasks.has(token.chain.task)) return { task: token.chain.task };
  const root = token.chain.links[0].actor;
  if (revocations.users.has(userKey(root))) return { user: root.sub };
  const agent = token.chain.links.slice(1).find(({ actor }) => revocations.agents.has(actor.sub));
  return agent ? { agent: agent.actor.sub } : null;
}

function claimsOf(token: GenuineToken, ask: TokenAsk, bound: Bound, proof: Claim | null): Verdict<TokenFacts> {
  const leaf = leafOf(token.chain);
  const calls = callClaims(token.chain, ask.scopes);
  if ('code' in calls) return { outcome: 'deny', denial: calls };
  return pass({
    encoding: 'jwt',
    tokenId: token.id,
    clientId: token.clientId,
    chain: token.chain,
    root: token.chain.links[0].actor,
    actor: leaf.actor,
    ...bound,
    untilSeconds: Math.min(token.expiresSeconds, leaf.untilSeconds),
    wildcard: ask.scopes.some((scope) => !token.chain.links.every((link) => coveredByName(link.scopes, scope))),
    claims: proof ? [proof, ...calls] : calls,
  } as unknown as TokenFacts);
}
