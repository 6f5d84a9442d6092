// Vault as a source of credentials: rules §7.6, design §5. The server is vault.fixture.ts; a real one in test/interop, if there is one.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { VaultRef } from '../../config/config.ts';
import { asks, brokerOver, eve, howard, issuer, type Options, rowsInMemory, told } from './testing.ts';
import { type FakeVault, roleId, rootToken, secretId, startVault } from './vault.fixture.ts';

type Over = Partial<VaultRef>;

const environment = { VAULT_TOKEN: rootToken, SECRET_ID: secretId };
const kv = { kind: 'kv', mount: 'secret', path: 'mail/key', field: 'token' } as const;
const database = { kind: 'database', mount: 'database', role: 'readonly' } as const;
const approle = { kind: 'approle', mount: 'approle', roleId, secretId: { kind: 'env', name: 'SECRET_ID' } } as const;

function refTo({ url }: FakeVault, over: Over = {}): VaultRef {
  const auth = { kind: 'token', token: { kind: 'env', name: 'VAULT_TOKEN' } } as const;
  return { kind: 'vault', url, namespace: null, caFile: null, auth, read: kv, ...over };
}

async function start(t: TestContext, namespace: string | null = null): Promise<FakeVault> {
  const vault = await startVault(namespace);
  t.after(() => vault.close());
  vault.kv.set('mail/key', { token: 'token-of-the-mail-server' });
  return vault;
}

/** A process that takes user and password of a database in its variables. */
function withDatabase(vault: FakeVault, over: Over = {}, options: Options = {}) {
  const variables = new Map([
    ['PGUSER', { kind: 'credential', field: 'username' } as const],
    ['PGPASSWORD', { kind: 'credential', field: 'password' } as const],
  ]);
  const credential = refTo(vault, { read: database, auth: approle, ...over });
  const world = brokerOver(
    { db: { transport: 'stdio', credential, environment: variables } },
    { environment, ...options },
  );
  return {
    ...world,
    fetch: async (use: Parameters<typeof world.broker.credentialFor>[1]) =>
      told(await world.broker.credentialFor('db', use)),
  };
}

const usersOf = (vault: FakeVault) => [...vault.leases.values()].map(({ username }) => username);

describe('KV version 2', () => {
  test('a field is a bearer token; it is read anew after a minute', async (t) => {
    const vault = await start(t);
    const { broker, clock } = brokerOver(
      { mail: { url: 'http://127.0.0.1:1/', credential: refTo(vault) } },
      { environment },
    );
    broker.leaseFor('mail', asks(howard, 'one'));
    assert.equal(told(await broker.credentialFor('mail', asks(howard, 'one'))), 'token-of-the-mail-server');
    vault.kv.set('mail/key', { token: 'rotated-token-of-mail' });
    assert.equal(told(await broker.credentialFor('mail', asks(howard, 'one'))), 'token-of-the-mail-server');
    clock.now += 60;
    assert.equal(told(await broker.credentialFor('mail', asks(howard, 'one'))), 'rotated-token-of-mail');
  });

  test('the namespace is asked for in its header', async (t) => {
    const vault = await start(t, 'team/a');
    const inside = brokerOver({ mail: { credential: refTo(vault, { namespace: 'team/a' }) } }, { environment });
    inside.broker.leaseFor('mail', asks(howard, 'one'));
    assert.equal(told(await inside.broker.credentialFor('mail', asks(howard, 'one'))), 'token-of-the-mail-server');
    const outside = brokerOver({ mail: { credential: refTo(vault) } }, { environment });
    outside.broker.leaseFor('mail', asks(howard, 'one'));
    assert.match(
      told(await outside.broker.credentialFor('mail', asks(howard, 'one'))),
      /HTTP 403 for `secret\/data\/mail\/key`/,
    );
  });

  test('rules §7.6: `{user}` is the root, and nobody else’s secret', async (t) => {
    const vault = await start(t);
    vault.kv.set('mail/howard', { token: 'token-of-howard-alone' });
    const read = { ...kv, path: 'mail/{user}' };
    const { broker } = brokerOver({ mail: { credential: refTo(vault, { read }) } }, { environment });
    for (const [root, expected] of [
      [howard, /^token-of-howard-alone$/],
      [eve, /^action.credential_missing: .*nothing at that path/],
      [{ iss: 'https://elsewhere.example', sub: 'howard' }, /^action.credential_missing: .*no person of this plane/],
      [
        { iss: issuer, sub: '../mail/howard' },
        /^action.credential_missing: .*cannot hold a secret for a person of that name/,
      ],
      [{ iss: issuer, sub: '..' }, /^action.credential_missing: .*of that name/],
    ] as const) {
      broker.leaseFor('mail', asks(root, 'one'));
      assert.match(told(await broker.credentialFor('mail', asks(root, 'one'))), expected);
    }
    assert.ok(vault.heard.every((path) => ['GET secret/data/mail/howard', 'GET secret/data/mail/eve'].includes(path)));
  });
});

describe('a database', () => {
  test('gives a user for each task, who is gone at its end', async (t) => {
    const vault = await start(t);
    const store = rowsInMemory();
    const { broker, leases, fetch } = withDatabase(vault, {}, { store });
    for (const task of ['one', 'two']) broker.leaseFor('db', asks(howard, task));
    const [one, again, two] = [
      await fetch(asks(howard, 'one')),
      await fetch(asks(howard, 'one')),
      await fetch(asks(howard, 'two')),
    ];
    assert.match(one, /^\{"PGUSER":"v-writ-\d+","PGPASSWORD":"password-of-lease-\d+"\}$/);
    assert.equal(again, one);
    assert.notEqual(two, one);
    assert.deepEqual(
      [...store.rows.values()].map(({ task, decision }) => [task, decision]),
      [
        ['one', 'decision-one'],
        ['two', 'decision-two'],
      ],
    );
    assert.equal(vault.leases.size, 2);
    await leases.endWithdrawn(withdrawn({ tasks: ['one'] }));
    assert.deepEqual(usersOf(vault).length, 1);
    assert.ok(two.includes(usersOf(vault)[0]!));
    assert.equal(store.rows.size, 1);
    assert.match(await fetch(asks(howard, 'one')), /its lease ended with its task/);
  });

  test('a withdrawn agent or person takes the user with it', async (t) => {
    const vault = await start(t);
    const { broker, leases, fetch } = withDatabase(vault);
    broker.leaseFor('db', asks(howard, 'one'));
    await fetch(asks(howard, 'one'));
    await leases.endWithdrawn(withdrawn({ agents: ['spiffe://zylos.local/other/agent'] }));
    assert.equal(vault.leases.size, 1);
    await leases.endWithdrawn(withdrawn({ agents: ['spiffe://zylos.local/claude/orchestrator'] }));
    assert.equal(vault.leases.size, 0);
  });

  test('a lease that is taken while its task ends does not outlive it', async (t) => {
    const vault = await start(t);
    const store = rowsInMemory();
    const { broker, leases, fetch } = withDatabase(vault, {}, { store });
    broker.leaseFor('db', asks(howard, 'one'));
    const taking = fetch(asks(howard, 'one'));
    await leases.endWithdrawn(withdrawn({ tasks: ['one'] }));
    assert.match(await taking, /its lease ended with its task/);
    assert.deepEqual([vault.leases.size, store.rows.size], [0, 0]);
  });

  test('its lease is renewed while the task runs, with the login that holds it, and given back after its time', async (t) => {
    const vault = await start(t);
    const { broker, leases, clock, fetch, vault: client } = withDatabase(vault);
    broker.leaseFor('db', asks(howard, 'one'));
    const first = await fetch(asks(howard, 'one'));
    for (let minutes = 0; minutes < 30; minutes++) {
      clock.now += 60;
      vault.nowSeconds = clock.now;
      await client.tend();
      await leases.tend();
    }
    assert.equal(await fetch(asks(howard, 'one')), first);
    assert.ok(vault.heard.includes('POST auth/token/renew-self') && vault.heard.includes('POST sys/leases/renew'));
    clock.now += 1800;
    await leases.tend();
    assert.equal(vault.leases.size, 0);
  });

  test('many calls at once take one lease, and one renewal', async (t) => {
    const vault = await start(t);
    const { broker, clock, fetch } = withDatabase(vault);
    broker.leaseFor('db', asks(howard, 'one'));
    const all = () => Promise.all(Array.from({ length: 20 }, () => fetch(asks(howard, 'one'))));
    const first = await all();
    assert.equal(new Set(first).size, 1);
    assert.equal(vault.leases.size, 1);
    clock.now += 580;
    vault.nowSeconds = clock.now;
    assert.deepEqual(new Set(await all()), new Set(first));
    assert.equal(vault.heard.filter((path) => path === 'POST sys/leases/renew').length, 1);
  });

  test('what a crash left is given back at the next start', async (t) => {
    const vault = await start(t);
    const store = rowsInMemory();
    const before = withDatabase(vault, {}, { store });
    before.broker.leaseFor('db', asks(howard, 'one'));
    await before.fetch(asks(howard, 'one'));
    assert.equal(vault.leases.size, 1);
    const after = withDatabase(vault, {}, { store });
    await after.leases.recover();
    assert.deepEqual([vault.leases.size, store.rows.size], [0, 0]);
  });

  test('a row whose lease cannot be given back stays for the next start', async (t) => {
    const vault = await start(t);
    const store = rowsInMemory();
    const { broker, leases, fetch, warnings } = withDatabase(vault, {}, { store });
    broker.leaseFor('db', asks(howard, 'one'));
    await fetch(asks(howard, 'one'));
    vault.answer = (path) =>
      path === 'sys/leases/revoke' ? { status: 503, body: { errors: ['Vault is sealed'] } } : null;
    await leases.close();
    assert.equal(store.rows.size, 1);
    assert.match(warnings.join(), /was not given back: .*HTTP 503/);
    vault.answer = null;
    await withDatabase(vault, {}, { store }).leases.recover();
    assert.deepEqual([vault.leases.size, store.rows.size], [0, 0]);
  });

  test('a login that ended is made anew; one that is refused is a denial without the secret in it', async (t) => {
    const vault = await start(t);
    const { broker, fetch } = withDatabase(vault);
    for (const task of ['one', 'two']) broker.leaseFor('db', asks(howard, task));
    await fetch(asks(howard, 'one'));
    for (const token of vault.tokens.keys()) if (token !== rootToken) vault.tokens.delete(token);
    assert.match(await fetch(asks(howard, 'two')), /password-of-lease/);
    const refused = withDatabase(vault, {}, { environment: { SECRET_ID: 'wrong-secret-id-of-writ' } });
    refused.broker.leaseFor('db', asks(howard, 'one'));
    assert.match(
      await refused.fetch(asks(howard, 'one')),
      /^action.credential_missing: Vault at .* answered HTTP 400 for `auth\/approle\/login`/,
    );
  });
});

describe('an answer that is not taken', () => {
  const cases: readonly (readonly [
    string,
    Over['read'],
    Parameters<NonNullable<FakeVault['answer']>>[0],
    object,
    RegExp,
  ])[] = [
    [
      'a lease of another role',
      database,
      'database/creds/readonly',
      {
        lease_id: 'database/creds/admin/x1',
        lease_duration: 60,
        data: { username: 'root', password: 'password-of-the-admin' },
      },
      /a lease of something else/,
    ],
    [
      'a lease of a role whose name begins alike',
      database,
      'database/creds/readonly',
      {
        lease_id: 'database/creds/readonly-admin/x1',
        lease_duration: 60,
        data: { username: 'root', password: 'password-of-the-admin' },
      },
      /a lease of something else/,
    ],
    [
      'data of another engine for a KV path',
      kv,
      'secret/data/mail/key',
      {
        lease_id: 'database/creds/admin/x1',
        data: { data: { token: 'password-of-the-admin' }, metadata: { version: 1 } },
      },
      /something else than a KV version 2 secret/,
    ],
    [
      'a KV version 1 answer',
      kv,
      'secret/data/mail/key',
      { lease_id: '', data: { token: 'version-one-token' } },
      /something else than a KV/,
    ],
    [
      'a destroyed version',
      kv,
      'secret/data/mail/key',
      { lease_id: '', data: { data: { token: 'token-of-mail' }, metadata: { version: 2, destroyed: true } } },
      /something else than a KV/,
    ],
    [
      'a field that is no text',
      kv,
      'secret/data/mail/key',
      { data: { data: { token: 7 }, metadata: { version: 1 } } },
      /no text in its field/,
    ],
    [
      'a value of two lines',
      kv,
      'secret/data/mail/key',
      { data: { data: { token: 'one\r\nHost: evil' }, metadata: { version: 1 } } },
      /more than one line/,
    ],
  ];
  for (const [title, read, place, body, cause] of cases) {
    test(title, async (t) => {
      const vault = await start(t);
      vault.answer = (path) => (path === place ? { status: 200, body } : null);
      const credential = refTo(vault, { read: read! });
      const { broker } = brokerOver({ mail: { credential } }, { environment });
      broker.leaseFor('mail', asks(howard, 'one'));
      const answer = told(await broker.credentialFor('mail', asks(howard, 'one')));
      assert.match(answer, cause);
      assert.doesNotMatch(answer, /password-of-the-admin|token-of-mail|version-one/);
    });
  }

  test('an error text that repeats the token stays unsaid', async (t) => {
    const vault = await start(t);
    vault.answer = (_, token) => ({ status: 500, body: { errors: [`cannot read with ${token}`] } });
    const { broker, warnings } = brokerOver({ mail: { credential: refTo(vault) } }, { environment });
    broker.leaseFor('mail', asks(howard, 'one'));
    const answer = told(await broker.credentialFor('mail', asks(howard, 'one')));
    assert.match(answer, /HTTP 500/);
    assert.ok(!`${answer}${warnings}`.includes(rootToken));
  });

  test('a redirect to another host does not get the token', async (t) => {
    const vault = await start(t);
    const elsewhere = await start(t);
    vault.answer = () => ({ status: 307, headers: { location: `${elsewhere.url}/v1/secret/data/mail/key` } });
    const { broker } = brokerOver({ mail: { credential: refTo(vault) } }, { environment, origins: [elsewhere.url] });
    broker.leaseFor('mail', asks(howard, 'one'));
    assert.match(told(await broker.credentialFor('mail', asks(howard, 'one'))), /redirects, which is not followed/);
    assert.deepEqual(elsewhere.heard, []);
  });
});

function withdrawn(what: { readonly tasks?: readonly string[]; readonly agents?: readonly string[] }) {
  const none = new Set<string>();
  return {
    sequence: 1,
    fresh: true,
    rows: none,
    users: none,
    tasks: new Set(what.tasks),
    agents: new Set(what.agents),
  };
}
