// HashiCorp Vault and OpenBao as a store of credentials: KV version 2, and the database secrets engine whose every answer is a
// lease that is renewed while it is needed and revoked when it is not. Signs in with a token, or with AppRole; over the HTTP API
// (/v1/…). No answer of Vault's is repeated to anybody: an error text may hold what was asked.

import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import type { SecretRef, VaultRef } from '../../config/config.ts';
import { CredentialFault, type Held, objectOf } from './held.ts';
import type { Web, WebAnswer } from './web.ts';

export interface Vault {
  /** `path` with nothing left to fill in. Rejects with CredentialFault or WebError. */
  take(ref: VaultRef, path: string): Promise<Held>;
  /** When it ends now. */
  renew(ref: VaultRef, handle: string): Promise<number>;
  /** Resolves when the store behind Vault has forgotten it. */
  revoke(ref: VaultRef, handle: string): Promise<void>;
  /** Keeps logins alive: a lease ends with the login that took it. */
  tend(): Promise<void>;
  /** Ends the logins that were made here. */
  close(): Promise<void>;
}

interface Login {
  readonly ref: VaultRef;
  readonly token: string;
  /** False: it was given to us, and is not ours to renew or end. */
  readonly own: boolean;
  sinceSeconds: number;
  /** Null: it does not end, or nobody says when. */
  untilSeconds: number | null;
}

export function createVault(ports: {
  readonly web: Web;
  readonly clock: { nowSeconds(): number };
  /** Rejects with CredentialFault. */
  readSecret(ref: SecretRef): Promise<string>;
}): Vault {
  const { web, clock } = ports;
  const logins = new Map<string, Promise<Login>>();

  const call = async (ref: VaultRef, token: string | null, method: string, path: string, body?: JsonObject) => {
    const headers: Record<string, string> = { 'x-vault-request': 'true', accept: 'application/json' };
    if (token !== null) headers['x-vault-token'] = token;
    if (ref.namespace !== null) headers['x-vault-namespace'] = ref.namespace;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const url = new URL(`${ref.url}/v1/${path.split('/').map(encodeURIComponent).join('/')}`);
    return web.ask(url, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  };

  const signIn = async (ref: VaultRef): Promise<Login> => {
    const sinceSeconds = clock.nowSeconds();
    if (ref.auth.kind === 'token') {
      return { ref, token: await ports.readSecret(ref.auth.token), own: false, sinceSeconds, untilSeconds: null };
    }
    const secretId = await ports.readSecret(ref.auth.secretId);
    const path = `auth/${ref.auth.mount}/login`;
    const answer = await call(ref, null, 'POST', path, { role_id: ref.auth.roleId, secret_id: secretId });
    if (answer.status !== 200) throw refusedAt(ref, path, answer.status);
    const { auth } = objectOf(answer, `Vault at \`${ref.url}\``);
    const token = isJsonObject(auth) ? auth.client_token : null;
    if (typeof token !== 'string' || token === '') throw new CredentialFault(`Vault at \`${ref.url}\` gave no token`);
    const seconds = secondsOf((auth as JsonObject).lease_duration);
    return { ref, token, own: true, sinceSeconds, untilSeconds: seconds === null ? null : sinceSeconds + seconds };
  };

  // A token that was handed to us is read for every use, so that its rotation needs no restart.
  const loginFor = (ref: VaultRef): Promise<Login> => {
    if (ref.auth.kind === 'token') return signIn(ref);
    const key = keyOf(ref);
    const kept = logins.get(key);
    if (kept) return kept;
    const login = signIn(ref);
    logins.set(key, login);
    login.catch(() => logins.delete(key));
    return login;
  };

  /** A refusal may mean that the login ended: once more with a new one. Nothing was done, so nothing is done twice. */
  const asked = async (ref: VaultRef, method: string, path: string, body?: JsonObject): Promise<WebAnswer> => {
    let login = await loginFor(ref);
    if (login.untilSeconds !== null && login.untilSeconds <= clock.nowSeconds()) login = await signInAnew(ref);
    const answer = await call(ref, login.token, method, path, body);
    if (answer.status !== 403 || !login.own) return answer;
    return call(ref, (await signInAnew(ref)).token, method, path, body);
  };

  const signInAnew = (ref: VaultRef): Promise<Login> => {
    logins.delete(keyOf(ref));
    return loginFor(ref);
  };

  const renewLogin = async (login: Login): Promise<void> => {
    const { ref, token, sinceSeconds, untilSeconds } = login;
    if (!login.own || untilSeconds === null) return;
    if (clock.nowSeconds() < sinceSeconds + (untilSeconds - sinceSeconds) / 2) return;
    const answer = await call(ref, token, 'POST', 'auth/token/renew-self', {});
    const auth = answer.status === 200 ? objectOf(answer, `Vault at \`${ref.url}\``).auth : null;
    const seconds = isJsonObject(auth) ? secondsOf(auth.lease_duration) : null;
    if (seconds === null) return; // it ends when it ends, and the next use signs in anew
    login.sinceSeconds = clock.nowSeconds();
    login.untilSeconds = login.sinceSeconds + seconds;
  };

  const settled = async (): Promise<readonly Login[]> =>
    (await Promise.allSettled(logins.values())).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));

  return {
    async take(ref, path) {
      const { read } = ref;
      const place = read.kind === 'kv' ? `${read.mount}/data/${path}` : `${read.mount}/creds/${path}`;
      const askedSeconds = clock.nowSeconds();
      const answer = await asked(ref, 'GET', place);
      if (answer.status !== 200) throw refusedAt(ref, place, answer.status);
      const body = objectOf(answer, `Vault at \`${ref.url}\``);
      return read.kind === 'kv' ? kvOf(body, ref, place, read.field) : leaseOf(body, ref, place, askedSeconds);
    },

    async renew(ref, handle) {
      const askedSeconds = clock.nowSeconds();
      const answer = await asked(ref, 'POST', 'sys/leases/renew', { lease_id: handle });
      if (answer.status !== 200) throw refusedAt(ref, 'sys/leases/renew', answer.status);
      const body = objectOf(answer, `Vault at \`${ref.url}\``);
      const seconds = secondsOf(body.lease_duration);
      if (body.lease_id !== handle || seconds === null) {
        throw new CredentialFault(`Vault at \`${ref.url}\` renewed another lease than the one it was asked for`);
      }
      return askedSeconds + seconds;
    },

    async revoke(ref, handle) {
      const answer = await asked(ref, 'POST', 'sys/leases/revoke', { lease_id: handle, sync: true });
      if (answer.status !== 200 && answer.status !== 204) throw refusedAt(ref, 'sys/leases/revoke', answer.status);
    },

    async tend() {
      await Promise.allSettled((await settled()).map(renewLogin));
    },

    async close() {
      const own = (await settled()).filter((login) => login.own);
      logins.clear();
      await Promise.allSettled(own.map(({ ref, token }) => call(ref, token, 'POST', 'auth/token/revoke-self', {})));
    },
  };
}

/** One login for each way in. */
function keyOf({ url, namespace, auth }: VaultRef): string {
  return JSON.stringify([url, namespace, auth]);
}

function refusedAt(ref: VaultRef, place: string, status: number): CredentialFault {
  const why =
    status === 403
      ? 'check the policy of its token or role'
      : status === 404
        ? 'there is nothing at that path'
        : status === 503
          ? 'it is sealed or standing by'
          : 'see its log';
  const where = ref.namespace === null ? '' : ` in namespace \`${ref.namespace}\``;
  return new CredentialFault(`Vault at \`${ref.url}\`${where} answered HTTP ${status} for \`${place}\`: ${why}`);
}

function kvOf(body: JsonObject, ref: VaultRef, place: string, field: string): Held {
  const { data, lease_id: lease } = body;
  const inner = isJsonObject(data) ? data.data : null;
  const metadata = isJsonObject(data) ? data.metadata : null;
  // A lease, or no version, is the answer of another engine than KV version 2.
  const versioned = isJsonObject(metadata) && Number.isSafeInteger(metadata.version) && metadata.destroyed !== true;
  if (!isJsonObject(inner) || !versioned || (typeof lease === 'string' && lease !== '')) {
    throw new CredentialFault(
      `Vault at \`${ref.url}\` answered \`${place}\` with something else than a KV version 2 secret`,
    );
  }
  const value = Object.hasOwn(inner, field) ? inner[field] : undefined;
  if (typeof value !== 'string') {
    throw new CredentialFault(`\`${place}\` in Vault at \`${ref.url}\` has no text in its field \`${field}\``);
  }
  return { fields: { value }, expiresSeconds: null, handle: null };
}

function leaseOf(body: JsonObject, ref: VaultRef, place: string, askedSeconds: number): Held {
  const { data, lease_id: handle } = body;
  const seconds = secondsOf(body.lease_duration);
  // A lease says whose it is: data of another path or role is not taken for ours.
  if (typeof handle !== 'string' || !handle.startsWith(`${place}/`) || seconds === null) {
    throw new CredentialFault(`Vault at \`${ref.url}\` answered \`${place}\` with a lease of something else`);
  }
  const { username, password } = isJsonObject(data) ? data : {};
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw new CredentialFault(`\`${place}\` in Vault at \`${ref.url}\` gave no user name and password`);
  }
  return { fields: { username, password, value: password }, expiresSeconds: askedSeconds + seconds, handle };
}

/** Null: not said, or 0 for "does not end". */
function secondsOf(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
}
