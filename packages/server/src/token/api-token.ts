// Tokens for the first-party API (`<issuer>/api/v1`): a person through one of the plane's own clients, never with an actor.

import { deny, type Principal, pass, TYP, userKey, type Verdict } from '@writ/core';
import { isFirstParty } from './clients.ts';
import { readOwnClaims } from './own-token.ts';
import { type AuthorizationServerDeps, apiOf } from './ports.ts';
import type { Registry } from './registry.ts';
import type { RevocationLease } from './revocation-lease.ts';

export interface ApiCaller {
  readonly user: Principal;
  readonly clientId: string;
  readonly tokenId: string;
  /** When the person signed in; admin acts want it recent (rules §7.1). */
  readonly authenticatedAtSeconds: number | null;
  readonly untilSeconds: number;
}

export type ReadApiToken = (token: string) => Promise<Verdict<ApiCaller>>;

export function createReadApiToken(
  deps: AuthorizationServerDeps,
  registry: Registry,
  lease: RevocationLease,
): ReadApiToken {
  return async (token) => {
    const claims = readOwnClaims(token, deps, [TYP.accessToken]);
    if (claims === null) return deny('token.signature_invalid');
    const { sub, aud, exp, jti, client_id: clientId, act, wc, auth_time: authTime } = claims;
    if (aud !== apiOf(deps.issuer)) return deny('token.wrong_audience', {});
    if (typeof sub !== 'string' || typeof exp !== 'number' || typeof jti !== 'string') return deny('token.malformed');
    // An actor in the token means that it is not the person who is asking.
    if (act !== undefined || wc !== undefined) return deny('action.prompt_not_from_principal', {});
    if (typeof clientId !== 'string' || !isFirstParty(clientId)) return deny('token.wrong_audience', {});
    if (deps.clock.nowSeconds() >= exp) return deny('token.expired', { exp });
    await lease.ensure();
    const view = lease.view();
    const user = { iss: deps.issuer, sub };
    if (!view.fresh) return deny('gateway.store_unreachable', {});
    if (view.rows.has(jti) || view.users.has(userKey(user))) return deny('token.revoked', { row: jti });
    const row = await registry.find(jti);
    if (!row || row.revokedSeconds !== null) return deny('token.revoked', { row: jti });
    const authenticatedAtSeconds = typeof authTime === 'number' ? authTime : null;
    return pass({ user, clientId, tokenId: jti, authenticatedAtSeconds, untilSeconds: exp });
  };
}
