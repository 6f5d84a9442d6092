import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseJws, utf8, verifyJws } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { calculateJwkThumbprint } from 'jose';
import { signJwt } from './jwt.ts';
import { openKeys } from './keys.ts';

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'writ-keys-'));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

test('keys are made once, one per purpose, in files that only their owner can read', async (t) => {
  const dir = await folder(t);
  const keys = await openKeys({ dir });
  const again = await openKeys({ dir });
  const kids = [keys.token, keys.tokenEs256, keys.context].map((key) => key.kid);
  assert.equal(new Set(kids).size, 3);
  assert.deepEqual(
    [again.token, again.tokenEs256, again.context].map((key) => key.kid),
    kids,
  );
  assert.equal(again.cookieSecret, keys.cookieSecret);
  assert.deepEqual((await readdir(dir)).sort(), [
    'context-ed25519.pem',
    'cookies.key',
    'request-state.key',
    'token-ed25519.pem',
    'token-p256.pem',
  ]);
  for (const file of await readdir(dir)) assert.equal((await stat(join(dir, file))).mode & 0o777, 0o600, file);
});

test('a key is named by its RFC 7638 thumbprint', async (t) => {
  const keys = await openKeys({ dir: await folder(t) });
  for (const key of [keys.token, keys.tokenEs256, keys.context]) {
    assert.equal(key.kid, await calculateJwkThumbprint(key.publicJwk as never));
    assert.equal(key.publicJwk.d, undefined);
  }
});

test('what a key signs, its public half verifies, and no other', async (t) => {
  const keys = await openKeys({ dir: await folder(t) });
  for (const key of [keys.token, keys.tokenEs256]) {
    const jws = parseJws(signJwt(key, 'at+jwt', { sub: 'howard', n: 1 }));
    assert.ok(jws);
    assert.deepEqual(jws.header, { alg: key.alg, typ: 'at+jwt', kid: key.kid });
    assert.deepEqual({ ...jws.claims }, { sub: 'howard', n: 1 });
    assert.equal(verifyJws(jws, key.publicKey, nodeEngine), true);
    assert.equal(verifyJws(jws, keys.context.publicKey, nodeEngine), false);
    assert.equal(nodeEngine.verify(key.publicKey, utf8('other'), jws.signature), false);
  }
});

test('a key file that others can read, that is a link, or that holds another kind of key stops the start', async (t) => {
  const dir = await folder(t);
  await openKeys({ dir });
  const file = join(dir, 'token-ed25519.pem');
  await chmod(file, 0o640);
  await assert.rejects(openKeys({ dir }), /has mode 0640 and may be read by others: run `chmod 0600 /);
  await chmod(file, 0o600);
  await rename(file, join(dir, 'kept.pem'));
  await symlink(join(dir, 'kept.pem'), file);
  await assert.rejects(openKeys({ dir }), /is a symbolic link; put the file itself there/);
  await rm(file);
  await rename(join(dir, 'token-p256.pem'), file);
  await assert.rejects(openKeys({ dir }), /does not hold a key for EdDSA/);
});

test('two processes that start at once end up with the same keys', async (t) => {
  const dir = await folder(t);
  const opened = await Promise.all(Array.from({ length: 6 }, () => openKeys({ dir })));
  assert.equal(new Set(opened.map((keys) => keys.token.kid)).size, 1);
  assert.equal(new Set(opened.map((keys) => keys.cookieSecret)).size, 1);
  assert.equal((await readdir(dir)).length, 5);
  assert.match(await readFile(join(dir, 'token-ed25519.pem'), 'utf8'), /BEGIN PRIVATE KEY/);
});
