// A client's own token (`client_credentials`): it proves who asks and nothing more, for doors of the plane that serve programs.
// Nobody stands behind it, so it opens no tool and no agent (rules §2.3).

import { type DenialCode, deny, parseSpiffeId, pass, type SpiffeId, TYP, type Verdict } from '@writ/core';
import { readOwnClaims } from './own-token.ts';
import type { AuthorizationServerDeps } from './ports.ts';
import type { Registry } from './registry.ts';
import type { RevocationLease } from './revocation-lease.ts';

export interface ClientCaller {
  readonly spiffeId: SpiffeId;
  readonly tokenId: string;
}

export type ReadClientToken = (token: string) => Promise<Verdict<ClientCaller>>;

export function createReadClientToken(
  deps: AuthorizationServerDeps,
  registry: Registry,
  lease: RevocationLease,
): ReadClientToken {
  return async (token) => {
    const no = (code: DenialCode) => deny(code, {});
    const claims = readOwnClaims(token, deps, [TYP.accessToken]);
    if (claims === null) return no('token.signature_invalid');
    const { sub, aud, exp, jti, client_id: clientId, act, wc } = claims;
    // For the issuer, by the client about itself: a chain, or a person behind it, makes it another kind of token.
    if (aud !== deps.issuer || act !== undefined || wc !== undefined || sub !== clientId)
      return no('token.wrong_audience');
    const spiffeId = typeof sub === 'string' ? parseSpiffeId(sub) : null;
    if (spiffeId === null || typeof exp !== 'number' || typeof jti !== 'string') return no('token.malformed');
    if (deps.clock.nowSeconds() >= exp) return no('token.expired');
    await lease.ensure();
    const view = lease.view();
    if (!view.fresh) return no('gateway.store_unreachable');
    if (view.rows.has(jti) || view.agents.has(spiffeId)) return no('token.revoked');
    const row = await registry.find(jti);
    if (row?.kind !== 'client' || row.revokedSeconds !== null) return no('token.revoked');
    return pass({ spiffeId, tokenId: jti });
  };
}
