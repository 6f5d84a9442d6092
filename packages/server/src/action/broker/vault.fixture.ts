// A server with the part of Vault's and OpenBao's HTTP API that the broker uses, after their API documentation: AppRole and token
// login, KV version 2, database credentials with leases, renewal, revocation, namespaces. What the tests
// ask here they also ask a real OpenBao in test/interop, so that it is not only our own reading of that API.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeVault {
  readonly url: string;
  /** KV version 2 under `secret/`, by path. */
  readonly kv: Map<string, { readonly [field: string]: string }>;
  /** Users that the database knows now, by lease. */
  readonly leases: Map<string, { username: string; password: string; token: string; untilSeconds: number }>;
  readonly tokens: Map<string, { untilSeconds: number | null }>;
  /** `METHOD path` of every request, newest last. */
  readonly heard: string[];
  nowSeconds: number;
  /** Instead of the usual answer to paths that begin so. */
  answer:
    | ((
        path: string,
        token: string | null,
      ) => { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> } | null)
    | null;
  close(): Promise<void>;
}

export const rootToken = 'hvs.root-token-of-the-test';
export const roleId = 'role-of-writ';
export const secretId = 'secret-id-of-writ-at-vault';
const ttlSeconds = 600;

export async function startVault(namespace: string | null = null): Promise<FakeVault> {
  let serial = 0;
  const vault = {
    kv: new Map(),
    leases: new Map(),
    tokens: new Map([[rootToken, { untilSeconds: null }]]),
    heard: [],
    nowSeconds: 1_800_000_000,
    answer: null,
  } as unknown as { -readonly [K in keyof FakeVault]: FakeVault[K] };

  const login = () => {
    const token = `hvs.login-${++serial}`;
    vault.tokens.set(token, { untilSeconds: vault.nowSeconds + ttlSeconds });
    return token;
  };
  const revokeToken = (token: string) => {
    vault.tokens.delete(token);
    for (const [id, lease] of vault.leases) if (lease.token === token) vault.leases.delete(id);
  };
  const envelope = (over: object) => ({
    ...{ request_id: `r-${++serial}`, lease_id: '', renewable: false, lease_duration: 0 },
    ...{ data: null, wrap_info: null, warnings: null, auth: null },
    ...over,
  });
  const authOf = (token: string) => ({
    client_token: token,
    accessor: `a-${token}`,
    lease_duration: ttlSeconds,
    renewable: true,
    policies: ['writ'],
  });

  const reply = (
    method: string,
    path: string,
    token: string | null,
    body: Record<string, unknown>,
  ): [number, unknown?] => {
    if (path === 'auth/approle/login') {
      if (body.role_id !== roleId || body.secret_id !== secretId)
        return [400, { errors: ['invalid role or secret ID'] }];
      return [200, envelope({ auth: authOf(login()) })];
    }
    const held = token === null ? undefined : vault.tokens.get(token);
    if (!held || (held.untilSeconds !== null && held.untilSeconds <= vault.nowSeconds))
      return [403, { errors: ['permission denied'] }];
    if (path === 'auth/token/renew-self') {
      held.untilSeconds = vault.nowSeconds + ttlSeconds;
      return [200, envelope({ auth: authOf(token!) })];
    }
    if (path === 'auth/token/revoke-self') {
      revokeToken(token!);
      return [204];
    }
    if (path === 'auth/token/lookup-self')
      return [200, envelope({ data: { id: token, ttl: ttlSeconds, policies: ['writ'] } })];
    if (path.startsWith('secret/data/') && method === 'GET') {
      const data = vault.kv.get(path.slice('secret/data/'.length));
      const metadata = {
        created_time: '2026-01-01T00:00:00Z',
        custom_metadata: null,
        deletion_time: '',
        destroyed: false,
        version: 1,
      };
      return data ? [200, { ...envelope({ data: { data, metadata } }), mount_type: 'kv' }] : [404, { errors: [] }];
    }
    if (path.startsWith('database/creds/') && method === 'GET') {
      const id = `${path}/${(++serial).toString().padStart(24, 'x')}`;
      const data = { username: `v-writ-${serial}`, password: `password-of-lease-${serial}` };
      vault.leases.set(id, { ...data, token: token!, untilSeconds: vault.nowSeconds + ttlSeconds });
      return [200, envelope({ lease_id: id, lease_duration: ttlSeconds, renewable: true, data })];
    }
    if (path === 'sys/leases/renew') {
      const lease = vault.leases.get(String(body.lease_id));
      if (!lease || lease.untilSeconds <= vault.nowSeconds) return [400, { errors: ['lease not found'] }];
      lease.untilSeconds = vault.nowSeconds + ttlSeconds;
      return [200, envelope({ lease_id: body.lease_id, lease_duration: ttlSeconds, renewable: true })];
    }
    if (path === 'sys/leases/revoke') {
      vault.leases.delete(String(body.lease_id));
      return [204];
    }
    return [404, { errors: ['no handler for route'] }];
  };

  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    const path = decodeURIComponent(new URL(req.url!, 'http://x').pathname).replace(/^\/v1\//, '');
    const header = (name: string) => (req.headers[name] as string | undefined) ?? null;
    vault.heard.push(`${req.method} ${path}`);
    const given = vault.answer?.(path, header('x-vault-token')) ?? null;
    const inNamespace = (header('x-vault-namespace') ?? '').replace(/\/$/, '') === (namespace ?? '');
    const body = parts.length === 0 ? {} : JSON.parse(Buffer.concat(parts).toString() || '{}');
    const [status, answer] = given
      ? [given.status, given.body]
      : inNamespace
        ? reply(req.method!, path, header('x-vault-token'), body)
        : [403, { errors: ['permission denied'] }];
    res.writeHead(status, { 'content-type': 'application/json', ...given?.headers });
    res.end(answer === undefined ? undefined : JSON.stringify(answer));
  };

  const server: Server = createServer((req, res) => void serve(req, res));
  server.unref();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return Object.assign(vault, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((done) => server.close(() => done()));
    },
  });
}
