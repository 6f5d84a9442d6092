// Tokens that the library puts together (code, device, refresh, client credentials), made Writ's own right before they are signed:
// the chain of the person's consent goes in, the row into the registry, the event on record.

import {
  type Chain,
  chainFault,
  chainToClaims,
  type Denial,
  denial,
  type JsonObject,
  type Link,
  type Principal,
  type Revocations,
  userKey,
} from '@writ/core';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { isFirstParty } from './clients.ts';
import type { TaskOfConsent } from './consents.ts';
import type { AuthorizationServerDeps } from './ports.ts';
import { refusal } from './refusal.ts';
import type { Registry, Row } from './registry.ts';
import type { RevocationLease } from './revocation-lease.ts';

/** The claims as the library made them, RFC 9068 §2.2. */
interface Made {
  readonly iss: string;
  readonly jti: string;
  readonly sub: string;
  readonly aud: string;
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  readonly scope?: string;
}

type Finished = Pick<Row, 'parent' | 'kind' | 'subject' | 'actor' | 'task' | 'grantId' | 'untilSeconds'> & {
  readonly claims: JsonObject;
};

/** Finishes `payload` in place. Throws the refusal; nothing is signed then. */
export type FinishToken = (ctx: KoaContextWithOIDC, kind: string, payload: JsonObject) => Promise<void>;

export interface FinishTokenRooms {
  readonly registry: Registry;
  readonly taskOfConsent: TaskOfConsent;
  readonly revocations: RevocationLease;
}

export function createFinishToken(deps: AuthorizationServerDeps, rooms: FinishTokenRooms): FinishToken {
  const { registry, taskOfConsent, revocations } = rooms;
  return async (ctx, kind, payload) => {
    const made = payload as unknown as Made;
    await revocations.ensure();
    const withdrawn = withdrawnSubject(made, revocations.view());
    if (withdrawn) throw refusal(withdrawn);
    const scopes = made.scope?.split(' ') ?? [];
    const finished = await finish(ctx, kind, made, scopes);
    Object.assign(payload, finished.claims);
    const { claims: _, ...row } = finished;
    const refused = await registry.enter({
      ...row,
      id: made.jti,
      clientId: made.client_id,
      audience: made.aud,
      scopes,
      holder: null,
      issuedSeconds: made.iat,
      expiresSeconds: made.exp,
      decision: null,
    });
    if (refused) throw refusal(refused);
    await deps.record({
      event: 'token.issued',
      id: deps.newId(),
      client: made.client_id,
      kind: kind === 'ClientCredentials' ? 'client' : 'access',
      grant: String(ctx.oidc.params?.grant_type ?? ''),
      row: made.jti,
      parent: finished.parent,
      task: finished.task,
      subject: finished.subject.sub,
      actor: finished.actor?.sub ?? null,
      holder: null,
      audience: made.aud,
      scopes,
      expires: made.exp,
      until: finished.untilSeconds,
      decision: null,
    });
  };

  async function finish(
    ctx: KoaContextWithOIDC,
    kind: string,
    made: Made,
    scopes: readonly string[],
  ): Promise<Finished> {
    const own = { parent: null, actor: null, task: null, grantId: null, untilSeconds: made.exp };
    if (kind === 'ClientCredentials') {
      // RFC 9068 §2.2: the client itself. Nobody stands behind it, so it opens no tool and no agent (rules §2.3).
      return { ...own, kind: 'client', subject: { iss: `spiffe://${deps.trustDomain}`, sub: made.sub }, claims: {} };
    }
    const subject = { iss: deps.issuer, sub: made.sub };
    if (!isFirstParty(made.client_id)) return consented(ctx, made, scopes, subject);
    const grantId = ctx.oidc.entities.Grant?.jti ?? null;
    return { ...own, kind: 'access', subject, grantId, claims: signedInAt(ctx) };
  }

  /** An OAuth client acts for the person who consented: root and one hop (rules §1.2). */
  async function consented(
    ctx: KoaContextWithOIDC,
    made: Made,
    scopes: readonly string[],
    subject: Principal,
  ): Promise<Finished> {
    const grant = ctx.oidc.entities.Grant;
    if (!grant?.jti || !grant.exp) throw new errors.InvalidGrant('no consent stands behind this request');
    if (scopes.length === 0) throw refusal(denial('token.scope_insufficient', { why: 'no scope was granted' }));
    const agreed = Object.values(grant.resources ?? {}).flatMap((scope) => String(scope).split(' '));
    const opened = await taskOfConsent({
      grantId: grant.jti,
      root: subject,
      clientId: made.client_id,
      scopes: [...new Set(agreed)].sort(),
      untilSeconds: grant.exp,
    });
    if (!opened) throw refusal(denial('token.revoked', { grant: grant.jti }));
    const link: Link = {
      actor: { iss: deps.issuer, sub: made.client_id },
      audience: made.aud,
      scopes,
      budget: [],
      depth: Math.max(0, opened.link.depth - 1),
      untilSeconds: opened.link.untilSeconds,
      ceiling: opened.link.ceiling,
      row: made.jti,
    };
    const chain: Chain = { task: opened.task, links: [opened.link, link] };
    const fault = chainFault(chain, deps.authority().resources);
    if (fault) throw refusal(fault);
    return {
      parent: opened.link.row,
      kind: 'access',
      subject,
      actor: link.actor,
      task: opened.task,
      grantId: grant.jti,
      untilSeconds: link.untilSeconds,
      claims: chainToClaims(chain) as unknown as JsonObject,
    };
  }
}

function withdrawnSubject(made: Made, view: Revocations): Denial | null {
  if (!view.fresh) return denial('gateway.store_unreachable', { sequence: view.sequence });
  if (view.agents.has(made.client_id)) return denial('transport.identity_revoked', { peer: made.client_id });
  return view.users.has(userKey({ iss: made.iss, sub: made.sub })) ? denial('token.revoked', { user: made.sub }) : null;
}

/** RFC 9068 §2.2.1: the console asks for a fresh sign-in by it. */
function signedInAt(ctx: KoaContextWithOIDC): JsonObject {
  const { AuthorizationCode, DeviceCode, RefreshToken } = ctx.oidc.entities;
  const authTime = (AuthorizationCode ?? DeviceCode ?? RefreshToken)?.authTime;
  return authTime === undefined ? {} : { auth_time: authTime };
}
