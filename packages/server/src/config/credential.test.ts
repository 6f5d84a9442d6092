// Where secrets are, as it may be written: every kind once, and what is refused with its reason (rules §7.6).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { credential, credentialOf, environmentValue, environmentValueOf, isStoredName } from './credential.ts';

const at = (path: string) => `/etc/writ/${path}`;
const read = (written: unknown) => credentialOf(credential.parse(written), at);

test('each kind has one meaning', () => {
  assert.deepEqual(read({ stored: 'mail/{user}' }), { kind: 'stored', name: 'mail/{user}' });
  assert.deepEqual(read({ command: ['pass', 'mail'] }), { kind: 'command', command: ['pass', 'mail'] });
  const vault = { url: 'https://bao.example:8200/', namespace: 'team/a', ca: 'ca.pem' };
  assert.deepEqual(read({ vault: { ...vault, token: { file: 'token' }, kv: { path: 'mail/key', field: 'token' } } }), {
    ...{ kind: 'vault', url: 'https://bao.example:8200', namespace: 'team/a', caFile: '/etc/writ/ca.pem' },
    auth: { kind: 'token', token: { kind: 'file', path: '/etc/writ/token' } },
    read: { kind: 'kv', mount: 'secret', path: 'mail/key', field: 'token' },
  });
  const approle = { roleId: 'r', secretId: { stored: 'bao' }, mount: 'writ' };
  assert.deepEqual(
    read({ vault: { url: 'http://127.0.0.1:8200', approle, database: { role: 'readonly', mount: 'db' } } }),
    {
      ...{ kind: 'vault', url: 'http://127.0.0.1:8200', namespace: null, caFile: null },
      auth: { kind: 'approle', mount: 'writ', roleId: 'r', secretId: { kind: 'stored', name: 'bao' } },
      read: { kind: 'database', mount: 'db', role: 'readonly' },
    },
  );
  const oauth = {
    issuer: 'https://as.example',
    clientId: 'writ',
    key: 'client.pem',
    grant: 'token_exchange',
    scopes: ['a'],
  };
  assert.deepEqual(read({ oauth }), {
    ...{
      kind: 'oauth',
      issuer: 'https://as.example',
      clientId: 'writ',
      auth: { kind: 'key', path: '/etc/writ/client.pem' },
    },
    ...{ grant: 'token_exchange', scopes: ['a'], stepUp: [], resource: null, audience: null, challenged: false },
  });
});

test('a variable of a process is text, a secret or a field of its credential', () => {
  const value = (written: unknown) => environmentValueOf(environmentValue.parse(written), at);
  assert.deepEqual(value('eu'), { kind: 'text', value: 'eu' });
  assert.deepEqual(value({ credential: 'password' }), { kind: 'credential', field: 'password' });
  assert.deepEqual(value({ stored: 'mail' }), { kind: 'stored', name: 'mail' });
});

describe('is refused:', () => {
  const token = { env: 'T' };
  const kv = { path: 'a', field: 'f' };
  const url = 'https://bao.example';
  const client = { issuer: 'https://as.example', clientId: 'writ', secret: { env: 'S' } };
  const cases: readonly (readonly [string, unknown])[] = [
    ['two places at once', { env: 'A', stored: 'a' }],
    ['none', {}],
    ['a value instead of a reference', 'sk-live-1'],
    ['a stored name that climbs', { stored: '../keys/token' }],
    ['one that climbs in the middle', { stored: 'a/../b' }],
    ['one that is absolute', { stored: '/a' }],
    ['a path of Vault’s that climbs', { vault: { url, token, kv: { ...kv, path: 'mail/../../sys/seal' } } }],
    ['one with a query', { vault: { url, token, kv: { ...kv, path: 'mail?list=true' } } }],
    ['one that is encoded', { vault: { url, token, kv: { ...kv, path: 'mail%2f..%2fsys' } } }],
    ['a mount that climbs', { vault: { url, token, kv: { ...kv, mount: '../sys' } } }],
    ['a role with a slash', { vault: { url, token, database: { role: 'a/b' } } }],
    ['a namespace with a line break', { vault: { url, namespace: 'a\r\nx: y', token, kv } }],
    ['Vault in clear over the network', { vault: { url: 'http://bao.example', token, kv } }],
    ['a host that only begins like loopback', { vault: { url: 'http://127.0.0.1.evil.example', token, kv } }],
    ['Vault without a way in', { vault: { url, kv } }],
    ['Vault with two', { vault: { url, token, approle: { roleId: 'r', secretId: token }, kv } }],
    ['Vault with nothing to read', { vault: { url, token } }],
    ['a secret that is itself at Vault', { vault: { url, token: { vault: { url, token, kv } }, kv } }],
    ['an issuer in clear', { oauth: { ...client, issuer: 'http://as.example' } }],
    ['a client without a secret', { oauth: { ...client, secret: undefined } }],
    ['a client with two', { oauth: { ...client, key: 'k.pem' } }],
    ['a scope with a space', { oauth: { ...client, scopes: ['a b'] } }],
    ['a grant that needs a person’s browser', { oauth: { ...client, grant: 'authorization_code' } }],
    ['a key nobody knows', { oauth: { ...client, insecure: true } }],
  ];
  for (const [title, written] of cases) test(title, () => assert.equal(credential.safeParse(written).success, false));
});

test('a name of one stored credential holds no place for a person', () => {
  assert.deepEqual(['mail', 'mail/howard', 'a.b@c/d-e_f'].map(isStoredName), [true, true, true]);
  assert.deepEqual(['mail/{user}', '', '..', 'a/..', 'a/', 'a b', '%2e%2e'].map(isStoredName), Array(7).fill(false));
});
