// What the OAuth library keeps, on our tables. One-time things hold because of the statement, not because of the library:
// replay rows are inserted and never updated, and consuming is an update that hits only what nobody consumed yet.

import { type Adapter, type AdapterPayload, errors, Provider } from 'oidc-provider';
import type { Store } from '../store/store.ts';
import { clientMetadata } from './clients.ts';
import { presentedClaims } from './front-request.ts';
import { hashed } from './hashed.ts';
import type { AuthorizationServerDeps } from './ports.ts';
import type { EnteredRow, Registry } from './registry.ts';
import type { Revoke } from './revoke.ts';

/**
 * Two requests that overlap with one code or refresh token are one honest client more often than a thief: the second is refused and
 * the first keeps what it got. A use that comes later means that somebody else has it, and everything made from it is revoked.
 */
const overlapSeconds = 1;

/** Their id is the secret itself, so it is not in the payload either. */
const SECRET_IDS = new Set(['AuthorizationCode', 'RefreshToken']);

export function createAdapters(deps: AuthorizationServerDeps, registry: Registry, revoke: Revoke) {
  return (model: string): Adapter => {
    if (model === 'Client') return clients(deps);
    if (model === 'ReplayDetection') return replays(deps.store);
    // Tokens with a signature are in the registry; the library asks for them by their id (front-request.ts).
    if (model === 'AccessToken') return accessTokens(registry, revoke);
    return payloads(deps.store, model);
  };
}

function clients({ authority, issuer }: AuthorizationServerDeps): Adapter {
  return { ...NOTHING, find: async (id) => clientMetadata(id, authority(), issuer) as AdapterPayload | undefined };
}

/** Insert only: whoever inserts has it, everybody else has a conflict. */
export async function claimReplay(store: Store, id: string, expires: number): Promise<boolean> {
  const inserted = await store.db
    .insertInto('replays')
    .values({ id_hash: hashed(id), expires })
    .onConflict((conflict) => conflict.column('id_hash').doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

function replays(store: Store): Adapter {
  return {
    ...NOTHING,
    async upsert(id, _payload, expiresIn = 0) {
      const expires = (await store.time.nowSeconds()) + expiresIn;
      if (!(await claimReplay(store, id, expires))) throw new errors.InvalidGrant('used before');
    },
  };
}

function payloads(store: Store, model: string): Adapter {
  const own = (id: string) => ({ model, id_hash: hashed(id) });

  async function findBy(
    column: 'id_hash' | 'user_code_hash' | 'uid',
    value: string,
  ): Promise<AdapterPayload | undefined> {
    const row = await store.db
      .selectFrom('oidc_payloads')
      .select(['payload', 'consumed'])
      .where('model', '=', model)
      .where(column, '=', value)
      .executeTakeFirst();
    if (!row) return undefined;
    const payload = JSON.parse(row.payload) as AdapterPayload;
    if (row.consumed === null) return payload;
    // Shown as unused, it goes on to `consume`, which refuses it and does nothing else.
    const overlapping = (await store.time.nowSeconds()) - row.consumed <= overlapSeconds;
    return overlapping ? payload : { ...payload, consumed: row.consumed };
  }

  return {
    async upsert(id, payload, expiresIn) {
      const { jti, consumed: _, ...rest } = payload;
      const values = {
        payload: JSON.stringify(SECRET_IDS.has(model) ? rest : { ...rest, jti }),
        grant_id: payload.grantId ?? null,
        user_code_hash: payload.userCode === undefined ? null : hashed(payload.userCode),
        uid: payload.uid ?? null,
        expires: expiresIn === undefined ? null : (await store.time.nowSeconds()) + expiresIn,
      };
      // `consumed` is not among them: writing a payload again never makes it unused again.
      await store.db
        .insertInto('oidc_payloads')
        .values({ ...own(id), ...values, consumed: null })
        .onConflict((conflict) => conflict.columns(['model', 'id_hash']).doUpdateSet(values))
        .execute();
    },

    async find(id) {
      const found = await findBy('id_hash', hashed(id));
      return found && SECRET_IDS.has(model) ? { ...found, jti: id } : found;
    },
    findByUserCode: (userCode) => findBy('user_code_hash', hashed(userCode)),
    findByUid: (uid) => findBy('uid', uid),

    async consume(id) {
      const result = await store.db
        .updateTable('oidc_payloads')
        .set({ consumed: await store.time.nowSeconds() })
        .where('model', '=', model)
        .where('id_hash', '=', hashed(id))
        .where('consumed', 'is', null)
        .executeTakeFirst();
      if (result.numUpdatedRows !== 1n) throw new errors.InvalidGrant('another request was first');
    },

    async destroy(id) {
      await store.db.deleteFrom('oidc_payloads').where('model', '=', model).where('id_hash', '=', hashed(id)).execute();
    },

    async revokeByGrantId(grantId) {
      await store.db.deleteFrom('oidc_payloads').where('model', '=', model).where('grant_id', '=', grantId).execute();
    },
  };
}

function accessTokens(registry: Registry, revoke: Revoke): Adapter {
  return {
    ...NOTHING,
    async find(id) {
      const row = await registry.find(id);
      if (!row || row.revokedSeconds !== null || (row.kind !== 'access' && row.kind !== 'client')) return undefined;
      return introspected(row);
    },
    async destroy(id) {
      await revoke({ token: id }, byWhom());
    },
    async revokeByGrantId(grantId) {
      await revoke({ consent: grantId }, byWhom());
    },
  };
}

/** The row as the library introspects it. RFC 7662 §2.2. */
function introspected(row: EnteredRow): AdapterPayload {
  // A token past its `exp` may still be renewed, so it can be revoked for as long as its grant lasts (rules §2.7).
  const revoking = Provider.ctx?.oidc.route === 'revocation';
  return {
    kind: 'AccessToken',
    format: 'opaque',
    jti: row.id,
    iat: row.issuedSeconds,
    exp: revoking ? row.untilSeconds : row.expiresSeconds,
    clientId: row.clientId ?? '',
    accountId: row.subject.sub,
    aud: row.audience,
    scope: row.scopes.join(' '),
    extra: chainClaims(Provider.ctx?.req),
  } as unknown as AdapterPayload;
}

/** What the token told besides the library's own claims: it was presented with this request, and genuine. */
function chainClaims(request: object | undefined): object {
  const { act, task, wc, may_act, auth_time } = (request && presentedClaims(request)) ?? {};
  return { act, task, wc, may_act, auth_time };
}

function byWhom(): string {
  return Provider.ctx?.oidc.client?.clientId ?? 'issuer';
}

const NOTHING: Adapter = {
  upsert: async () => {},
  find: async () => undefined,
  findByUserCode: async () => undefined,
  findByUid: async () => undefined,
  consume: async () => {},
  destroy: async () => {},
  revokeByGrantId: async () => {},
};
