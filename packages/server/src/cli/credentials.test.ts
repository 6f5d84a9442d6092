// `writ credentials`: rules §3.11, §7.4. No value on any channel, in any file that it leaves, or in a list.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { credentialNotes } from '../action/broker/notes.ts';
import { openStoredCredentials } from '../main/broker.ts';
import { openStore } from '../store/store.ts';
import { run } from './plane.fixture.ts';

const first = 'first-value-of-the-mail-key';
const second = 'second-value-of-the-mail-key';

function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'writ-credentials-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'writ.yaml');
  writeFileSync(
    config,
    `version: 1
trustDomain: zylos.local
data: ./data
servers:
  mail: { mcp: { url: "http://127.0.0.1:9000/mcp" }, credential: { stored: "mail/{user}" } }
  crm: { mcp: { url: "http://127.0.0.1:9001/mcp" }, credential: { env: CRM_KEY } }
`,
  );
  const file = (value: string) => {
    const path = join(folder, 'value');
    writeFileSync(path, `${value}\n`);
    return path;
  };
  const credentials = async (...words: string[]) => {
    const ran = await run(['credentials', ...words, '--config', config, '--json']);
    for (const value of [first, second])
      assert.ok(!`${ran.stdout}${ran.stderr}`.includes(value), 'a value was printed');
    return { ...ran, json: ran.stdout === '' ? null : JSON.parse(ran.stdout) };
  };
  return { folder, data: join(folder, 'data'), file, credentials };
}

const clock = { nowSeconds: () => Math.floor(Date.now() / 1000), nowMillis: () => Date.now() };

test('a secret is set, replaced and removed; the broker reads what is there now', async (t) => {
  const { data, file, credentials } = setUp(t);
  assert.equal((await credentials('set', 'mail/howard', '--from', file(first))).exitCode, 0);
  const stored = await openStoredCredentials(data, clock);
  assert.equal(await stored.read('mail/howard'), first);
  const twice = await credentials('set', 'mail/howard', '--from', file(second));
  assert.deepEqual([twice.exitCode, /is there already/.test(twice.stderr)], [1, true]);
  const same = await credentials('rotate', 'mail/howard', '--from', file(first));
  assert.deepEqual([same.exitCode, /which `mail\/howard` has now/.test(same.stderr)], [1, true]);
  assert.equal((await credentials('rotate', 'mail/howard', '--from', file(second))).exitCode, 0);
  assert.equal(await stored.read('mail/howard'), second);
  assert.equal((await credentials('remove', 'mail/howard')).exitCode, 0);
  assert.equal(await stored.read('mail/howard'), null);
  assert.equal((await credentials('remove', 'mail/howard')).exitCode, 1);
});

test('files are for the plane’s user alone, and hold nothing to read', async (t) => {
  const { data, file, credentials } = setUp(t);
  await credentials('set', 'mail/howard', '--from', file(first));
  const [name] = readdirSync(join(data, 'credentials'));
  const path = join(data, 'credentials', name!);
  const text = readFileSync(path, 'utf8');
  assert.deepEqual([statSync(path).mode & 0o777, statSync(join(data, 'credentials')).mode & 0o777], [0o600, 0o700]);
  assert.equal(statSync(join(data, 'keys', 'credentials.key')).mode & 0o777, 0o600);
  for (const form of [first, Buffer.from(first).toString('base64').slice(0, 20), Buffer.from(first).toString('hex')])
    assert.ok(!text.includes(form));
});

test('a file in another’s place, a changed byte or another key open nothing', async (t) => {
  const { data, file, credentials } = setUp(t);
  await credentials('set', 'mail/howard', '--from', file(first));
  await credentials('set', 'mail/eve', '--from', file(second));
  const path = (name: string) => join(data, 'credentials', `${Buffer.from(name).toString('base64url')}.sealed`);
  const stored = await openStoredCredentials(data, clock);
  renameSync(path('mail/howard'), path('mail/eve'));
  await assert.rejects(stored.read('mail/eve'), /was sealed under another name/);
  // With the name written over it: the seal is over the name too.
  const moved = JSON.parse(readFileSync(path('mail/eve'), 'utf8'));
  for (const change of [
    { name: 'mail/eve' },
    { name: 'mail/eve', since: moved.since + 1 },
    { name: 'mail/eve', value: moved.nonce },
  ]) {
    writeFileSync(path('mail/eve'), JSON.stringify({ ...moved, ...change }));
    await assert.rejects(stored.read('mail/eve'), /cannot be opened/);
  }
  writeFileSync(join(data, 'keys', 'credentials.key'), Buffer.alloc(32, 7).toString('base64url'), { mode: 0o600 });
  writeFileSync(path('mail/eve'), JSON.stringify({ ...moved, name: 'mail/eve' }));
  await assert.rejects((await openStoredCredentials(data, clock)).read('mail/eve'), /cannot be opened/);
});

test('a name that is a path elsewhere is no name', async (t) => {
  const { credentials, file } = setUp(t);
  for (const name of ['../keys/credentials', '/etc/passwd', 'a//b', '.', 'a/..', 'mail/{user}', 'a b', '-']) {
    assert.equal((await credentials('set', '--from', file(first), '--', name)).exitCode, 2, name);
  }
});

test('rules §3.11: the list has age, last use and exposures, and a rotated secret begins anew', async (t) => {
  const { data, file, credentials } = setUp(t);
  await credentials('set', 'mail/howard', '--from', file(first));
  const store = await openStore({ file: join(data, 'state.db'), clock });
  const past = { nowSeconds: () => clock.nowSeconds() - 1000 };
  const key = new Uint8Array(32);
  const notes = credentialNotes({ store, key, clock: past, report: (_, error) => assert.fail(error as Error) });
  for (const [name, value] of [
    ['stored mail/howard', first],
    ['env CRM_KEY', 'value-of-the-crm-key'],
  ] as const) {
    notes.used(name, value);
    notes.exposed(name, 'files');
  }
  await notes.settled();
  const listed = async () => {
    const { credentials: lines } = (await credentials('list')).json;
    return (lines as Record<string, unknown>[]).map(({ name, servers, exposures, exposedBy, rotate }) => ({
      name,
      servers,
      exposures,
      exposedBy,
      rotate,
    }));
  };
  const exposed = { exposures: 1, exposedBy: 'files', rotate: true };
  const clean = { exposures: 0, exposedBy: null, rotate: false };
  const pattern = { name: 'stored mail/{user}', servers: ['mail'], ...clean };
  // It was seen a while before it was stored here: the stored value has not been seen.
  assert.deepEqual(await listed(), [
    { name: 'env CRM_KEY', servers: ['crm'], ...exposed },
    { name: 'stored mail/howard', servers: ['mail'], ...clean },
    pattern,
  ]);
  const now = credentialNotes({ store, key, clock, report: (_, error) => assert.fail(error as Error) });
  now.used('env CRM_KEY', 'next-value-of-the-crm-key');
  await now.settled();
  assert.deepEqual((await listed())[0], { name: 'env CRM_KEY', servers: ['crm'], ...clean });
  const rows = JSON.stringify(await store.db.selectFrom('credentials').selectAll().execute());
  assert.ok(!rows.includes('value-of-the-crm-key'));
  await store.close();
});
