// The broker against a real OpenBao or Vault: KV version 2 and database users by AppRole, in a database that says who exists.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import {
  asks,
  brokerOver,
  howard,
  type Options,
  rowsInMemory,
  told,
} from '../../packages/server/src/action/broker/testing.ts';
import type { VaultRef } from '../../packages/server/src/config/config.ts';
import { freePort } from '../free-port.ts';

const program = process.env.WRIT_INTEROP_VAULT;
const databaseUrl = process.env.WRIT_TEST_POSTGRES;
assert.ok(program && databaseUrl, 'WRIT_INTEROP_VAULT names no program; `npm run interop -- --tier 2` looks for one');

const rootToken = 'root-token-of-the-interop-run';
let server: ChildProcess;
let origin: string;
let home: string;
let database: pg.Client;
let environment: Record<string, string>;
let approle: Extract<VaultRef['auth'], { kind: 'approle' }>;

async function asRoot(method: string, path: string, body?: object) {
  const answer = await fetch(`${origin}/v1/${path}`, {
    method,
    headers: { 'x-vault-token': rootToken, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  assert.ok(answer.ok, `${method} ${path} answered ${answer.status}`);
  return answer.status === 204 ? {} : ((await answer.json()) as { data: Record<string, string> });
}

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'writ-vault-'));
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  const args = ['server', '-dev', '-dev-no-store-token', `-dev-root-token-id=${rootToken}`];
  server = spawn(program, [...args, `-dev-listen-address=127.0.0.1:${port}`], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, HOME: home },
  });
  let ready = false;
  for (let tries = 0; tries < 300 && !ready; tries++) {
    ready = await fetch(`${origin}/v1/sys/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (!ready) await delay(100);
  }
  assert.ok(ready, 'the server did not start');
  database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();

  await asRoot('POST', 'secret/data/mail/key', { data: { token: 'token-of-the-mail-server' } });
  await asRoot('POST', 'sys/mounts/database', { type: 'database' });
  const sockets = new URL(databaseUrl).searchParams.get('host')!;
  await asRoot('POST', 'database/config/main', {
    ...{ plugin_name: 'postgresql-database-plugin', allowed_roles: ['readonly'], username: 'writ', password: 'unused' },
    connection_url: `postgresql://{{username}}:{{password}}@/postgres?host=${encodeURIComponent(sockets)}`,
  });
  await asRoot('POST', 'database/roles/readonly', {
    db_name: 'main',
    creation_statements: [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`],
    ...{ default_ttl: '200s', max_ttl: '1h' },
  });
  await asRoot('POST', 'sys/auth/approle', { type: 'approle' });
  const rules = [
    'path "secret/data/mail/*" { capabilities = ["read"] }',
    'path "database/creds/readonly" { capabilities = ["read"] }',
    'path "sys/leases/renew" { capabilities = ["update"] }',
    'path "sys/leases/revoke" { capabilities = ["update"] }',
  ];
  await asRoot('POST', 'sys/policies/acl/writ', { policy: rules.join('\n') });
  await asRoot('POST', 'auth/approle/role/writ', { token_policies: ['writ'], token_ttl: '300s', token_max_ttl: '1h' });
  const { data: role } = (await asRoot('GET', 'auth/approle/role/writ/role-id')) as { data: Record<string, string> };
  const { data: secret } = (await asRoot('POST', 'auth/approle/role/writ/secret-id', {})) as {
    data: Record<string, string>;
  };
  environment = { SECRET_ID: secret.secret_id! };
  approle = { kind: 'approle', mount: 'approle', roleId: role.role_id!, secretId: { kind: 'env', name: 'SECRET_ID' } };
});

after(async () => {
  await database?.end();
  const ended = server && new Promise((done) => server.once('exit', done));
  server?.kill();
  await ended;
  rmSync(home, { recursive: true, force: true });
});

function world(read: VaultRef['read'], options: Options = {}) {
  const credential: VaultRef = { kind: 'vault', url: origin, namespace: null, caFile: null, auth: approle, read };
  const variables = new Map([
    ['PGUSER', { kind: 'credential', field: read.kind === 'kv' ? 'value' : 'username' } as const],
    ['PGPASSWORD', { kind: 'credential', field: read.kind === 'kv' ? 'value' : 'password' } as const],
  ]);
  const made = brokerOver(
    { db: { transport: 'stdio', credential, environment: variables } },
    { environment, ...options },
  );
  const fetchFor = async (task: string) => {
    made.broker.leaseFor('db', asks(howard, task));
    const text = told(await made.broker.credentialFor('db', asks(howard, task)));
    return text.startsWith('{') ? (JSON.parse(text) as { PGUSER: string; PGPASSWORD: string }) : text;
  };
  return { ...made, fetchFor };
}

const usersOf = async () =>
  (await database.query(`select rolname from pg_roles where rolname like 'v-%' order by 1`)).rows.map(
    ({ rolname }) => rolname,
  );
const database1 = { kind: 'database', mount: 'database', role: 'readonly' } as const;

test('a KV version 2 secret is read by an AppRole; another path is refused', async () => {
  const kv = { kind: 'kv', mount: 'secret', path: 'mail/key', field: 'token' } as const;
  const found = await world(kv).fetchFor('one');
  assert.equal(typeof found === 'object' && found.PGUSER, 'token-of-the-mail-server');
  assert.match(
    String(await world({ ...kv, path: 'other/key' }).fetchFor('one')),
    /HTTP 403 for `secret\/data\/other\/key`/,
  );
  assert.match(
    String(await world({ ...kv, path: 'mail/nothing' }).fetchFor('one')),
    /HTTP 404 for `secret\/data\/mail\/nothing`/,
  );
});

test('a database user exists while its task does, is renewed, and is gone with it', async () => {
  const { fetchFor, leases, clock, vault } = world(database1);
  const found = await fetchFor('one');
  assert.ok(typeof found === 'object');
  assert.deepEqual(await usersOf(), [found.PGUSER]);
  clock.now += 150;
  await vault.tend();
  await leases.tend();
  assert.deepEqual(await fetchFor('one'), found);
  await leases.close();
  assert.deepEqual(await usersOf(), []);
  await vault.close();
});

test('what a crash left is revoked at the next start', async () => {
  const store = rowsInMemory();
  await world(database1, { store }).fetchFor('one');
  assert.equal((await usersOf()).length, 1);
  const next = world(database1, { store });
  await next.leases.recover();
  assert.deepEqual(await usersOf(), []);
  assert.equal(store.rows.size, 0);
});
