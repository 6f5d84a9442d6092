// Token exchange (RFC 8693): the one way authority moves on inside the plane. The client is an agent proven by its certificate on
// this very connection; core says what it may have; the registry row is written and recorded before the token leaves.

import {
  agentPath,
  type Chain,
  chainToClaims,
  type Denial,
  denial,
  type Exchanged,
  type Exchanger,
  type GenuineToken,
  type JsonObject,
  judgeExchange,
  type Link,
  leafOf,
  revocationFault,
  type SpiffeId,
  samePrincipal,
  TYP,
} from '@writ/core';
import { signJwt } from '../jwt.ts';
import { createReadOwnChain, readOwnClaims } from '../own-token.ts';
import { type AuthorizationServerDeps, GRANT, TOKEN_TYPE } from '../ports.ts';
import type { Registry } from '../registry.ts';
import type { RevocationLease } from '../revocation-lease.ts';
import { type ExchangeRequest, readExchangeRequest } from './exchange-request.ts';

/** RFC 8693 §2.2.1. */
export interface ExchangeAnswer {
  readonly access_token: string;
  readonly issued_token_type: typeof TOKEN_TYPE.accessToken;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
}

export type TokenExchange = (
  /** SPIFFE ID of the client, as its certificate proved it; null when it came without one. */
  client: SpiffeId | null,
  parameters: { readonly [name: string]: unknown },
) => Promise<ExchangeAnswer | Denial>;

export function createTokenExchange(
  deps: AuthorizationServerDeps,
  registry: Registry,
  lease: RevocationLease,
): TokenExchange {
  const readChain = createReadOwnChain(deps);
  return async (client, parameters) => {
    const path = client === null ? null : agentPath(client);
    // A key in a file is no connection: what an agent holds is bound to its SVID, so the exchange needs it too (rules §2.9).
    if (client === null || path === null)
      return denial('token.unbound', { why: 'exchange needs the agent’s certificate' });
    const request = readExchangeRequest(parameters);
    if (request.outcome === 'deny') return request.denial;
    const principal = { iss: `spiffe://${deps.trustDomain}`, sub: client };
    const nowSeconds = deps.clock.nowSeconds();
    const subject = readChain(request.facts.subjectToken, request.facts.isContinuation, nowSeconds);
    // A token without a chain belongs to no task, so nothing can be continued from it (rules §3.1).
    if (subject.outcome === 'deny')
      return subject.denial.code === 'token.no_mandate' ? denial('token.wrong_task') : subject.denial;
    await lease.ensure();
    const fault = subjectFault(subject.facts, request.facts, principal, deps, lease, nowSeconds);
    if (fault) return fault;
    const exchanger = { principal, key: path };
    const { isContinuation, ask } = request.facts;
    const judged = judgeExchange(subject.facts, isContinuation, exchanger, ask, deps.authority(), nowSeconds);
    if (judged.outcome === 'deny') return judged.denial;
    return issue(deps, registry, subject.facts, exchanger, judged.facts, nowSeconds);
  };
}

/** What is wrong with the subject itself, before anybody asks what is wanted of it. */
function subjectFault(
  subject: GenuineToken,
  request: ExchangeRequest,
  client: { readonly iss: string; readonly sub: string },
  deps: AuthorizationServerDeps,
  lease: RevocationLease,
  nowSeconds: number,
): Denial | null {
  const view = lease.view();
  const gone = revocationFault(subject, view);
  if (gone) return gone;
  if (view.agents.has(client.sub)) return denial('transport.identity_revoked', { peer: client.sub });
  if (request.isContinuation && subject.audience !== deps.issuer) return denial('token.wrong_audience', {});
  // Only the actor itself may renew past `exp`; to anybody else an old token is nothing (rules §2.7).
  const own = !request.isContinuation && samePrincipal(leafOf(subject.chain).actor, client);
  if (!own && nowSeconds >= subject.expiresSeconds) return denial('token.expired', { exp: subject.expiresSeconds });
  if (request.task !== null && request.task !== subject.chain.task)
    return denial('token.wrong_task', { task: request.task });
  return request.actorToken === null ? null : actorFault(request.actorToken, client, deps, nowSeconds);
}

/** An actor token may repeat who the client is, and say nothing else. */
function actorFault(
  token: string,
  client: { readonly iss: string; readonly sub: string },
  deps: AuthorizationServerDeps,
  nowSeconds: number,
): Denial | null {
  const claims = readOwnClaims(token, deps, [TYP.accessToken]);
  if (claims === null) return denial('token.signature_invalid', { parameter: 'actor_token' });
  if (typeof claims.exp !== 'number' || nowSeconds >= claims.exp)
    return denial('token.expired', { parameter: 'actor_token' });
  // Its own client-credentials token: no act, and the subject is the client.
  if (claims.act === undefined && claims.sub === client.sub && claims.client_id === client.sub) return null;
  return denial('token.bound_to_other_peer', { parameter: 'actor_token' });
}

async function issue(
  deps: AuthorizationServerDeps,
  registry: Registry,
  subject: GenuineToken,
  client: Exchanger,
  exchanged: Exchanged,
  nowSeconds: number,
): Promise<ExchangeAnswer | Denial> {
  const id = deps.newId();
  const link: Link = { ...exchanged.link, row: exchanged.row ?? id };
  const chain: Chain = { task: subject.chain.task, links: [...exchanged.before, link] };
  const claims = {
    iss: deps.issuer,
    aud: link.audience,
    client_id: client.principal.sub,
    iat: nowSeconds,
    exp: exchanged.expiresSeconds,
    jti: id,
    scope: link.scopes.join(' '),
    ...(link.details ? { authorization_details: link.details } : {}),
    ...chainToClaims(chain),
  } as unknown as JsonObject;
  const refused = await registry.enter({
    id,
    parent: subject.id,
    kind: 'access',
    subject: chain.links[0].actor,
    actor: link.actor,
    clientId: client.principal.sub,
    audience: link.audience,
    scopes: link.scopes,
    task: chain.task,
    grantId: null,
    holder: null,
    issuedSeconds: nowSeconds,
    untilSeconds: link.untilSeconds,
    expiresSeconds: exchanged.expiresSeconds,
    decision: null,
  });
  if (refused) return refused;
  await deps.record({
    event: 'token.issued',
    id: deps.newId(),
    client: client.principal.sub,
    kind: 'access',
    grant: `${GRANT.tokenExchange}#${exchanged.kind}`,
    row: id,
    parent: subject.id,
    task: chain.task,
    subject: chain.links[0].actor.sub,
    actor: link.actor.sub,
    holder: null,
    audience: link.audience,
    scopes: link.scopes,
    expires: exchanged.expiresSeconds,
    until: link.untilSeconds,
    decision: null,
  });
  return {
    access_token: signJwt(deps.keys.token, TYP.accessToken, claims),
    issued_token_type: TOKEN_TYPE.accessToken,
    token_type: 'Bearer',
    expires_in: exchanged.expiresSeconds - nowSeconds,
    scope: link.scopes.join(' '),
  };
}
