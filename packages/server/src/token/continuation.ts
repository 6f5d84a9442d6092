// Continuations: the same chain, for one holder, usable only as `subject_token` (contract §7). Minted for the agent of a task, and
// through the gateway's port for a callee that is an agent, as a child of the caller's row, so that it dies with it (rules §2.6).

import {
  type Chain,
  chainToClaims,
  type JsonObject,
  leafOf,
  type Principal,
  pass,
  TYP,
  type Verdict,
} from '@writ/core';
import { signJwt } from './jwt.ts';
import type { AuthorizationServerDeps } from './ports.ts';
import type { Registry } from './registry.ts';

export interface ContinuationAsk {
  readonly chain: Chain;
  /** Registry row it comes from: the caller's token, or the task's root. */
  readonly parentRow: string;
  /** SPIFFE ID of the only one who may use it. */
  readonly holder: string;
  /** RFC 8693 §4.4; the holder, if anybody. */
  readonly mayAct?: Principal;
  /** The decision that let the call through. */
  readonly decision?: string;
}

export interface MintedContinuation {
  readonly token: string;
  readonly row: string;
  readonly expiresSeconds: number;
}

export interface Continuations {
  /** Denied when the parent was withdrawn meanwhile. */
  mint(ask: ContinuationAsk): Promise<Verdict<MintedContinuation>>;
}

export function createContinuations(deps: AuthorizationServerDeps, registry: Registry): Continuations {
  return {
    async mint({ chain, parentRow, holder, mayAct, decision = null }) {
      const id = deps.newId();
      const leaf = leafOf(chain);
      const issuedSeconds = deps.clock.nowSeconds();
      // A continuation is good for as long as the grant it continues (rules §2.7).
      const expiresSeconds = leaf.untilSeconds;
      const claims = {
        iss: deps.issuer,
        aud: deps.issuer,
        client_id: holder,
        iat: issuedSeconds,
        exp: expiresSeconds,
        jti: id,
        holder,
        ...(mayAct ? { may_act: { iss: mayAct.iss, sub: mayAct.sub } } : {}),
        ...chainToClaims(chain),
      } as JsonObject;
      const refused = await registry.enter({
        id,
        parent: parentRow,
        kind: 'continuation',
        subject: chain.links[0].actor,
        actor: chain.links.length > 1 ? leaf.actor : null,
        clientId: null,
        audience: deps.issuer,
        scopes: [],
        task: chain.task,
        grantId: null,
        holder,
        issuedSeconds,
        untilSeconds: leaf.untilSeconds,
        expiresSeconds,
        decision,
      });
      if (refused) return { outcome: 'deny', denial: refused };
      await deps.record({
        event: 'token.issued',
        id: deps.newId(),
        client: null,
        kind: 'continuation',
        grant: decision === null ? 'task' : 'call',
        row: id,
        parent: parentRow,
        task: chain.task,
        subject: chain.links[0].actor.sub,
        actor: chain.links.length > 1 ? leaf.actor.sub : null,
        holder,
        audience: deps.issuer,
        scopes: [],
        expires: expiresSeconds,
        until: leaf.untilSeconds,
        decision,
      });
      return pass({ token: signJwt(deps.keys.token, TYP.continuation, claims), row: id, expiresSeconds });
    },
  };
}
