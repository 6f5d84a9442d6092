import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openAuthority } from './ca.ts';
import { readSvid } from './svid.ts';
import { temporaryFolder, wallClock } from './tls-fixtures.ts';
import { toPem } from './tls-pem.ts';

const trustDomain = 'our.test';
const at = (nowSeconds: number) => ({ nowSeconds: () => nowSeconds });
const dayOne = 1_800_000_000;

async function open(t: TestContext, options: { nowSeconds?: number; ttlSeconds?: number; caTtlSeconds?: number } = {}) {
  const dir = join(await temporaryFolder(t), 'ca');
  const { nowSeconds = dayOne, ...rest } = options;
  return { dir, authority: await openAuthority({ dir, trustDomain, clock: at(nowSeconds), ...rest }) };
}

test('a minted SVID passes the strict reader and names its workload and its times', async (t) => {
  const { authority } = await open(t);
  const svid = await authority.mint({ spiffeId: 'spiffe://our.test/a/b', ttlSeconds: 600 });
  const read = readSvid(svid.chainDer[0]!, { nowSeconds: dayOne });
  assert.equal(read.outcome, 'pass');
  assert.equal(read.facts.spiffeId, 'spiffe://our.test/a/b');
  assert.equal(read.facts.notBeforeSeconds, dayOne - 30);
  assert.equal(read.facts.notAfterSeconds, dayOne + 600);
  assert.equal(read.facts.serialHex, svid.serialHex);
  assert.match(svid.serialHex, /^[4-7][0-9a-f]{31}$/);
  const [leaf, intermediate, ...more] = svid.chainDer.map((der) => new X509Certificate(der));
  assert.ok(leaf!.verify(intermediate!.publicKey) && leaf!.checkIssued(intermediate!));
  assert.ok(intermediate!.verify(new X509Certificate(authority.bundle()[0]!).publicKey) && more.length === 0);
});

test('openssl accepts root and leaf under its strict rules, as client and as server', async (t) => {
  if (spawnSync('openssl', ['version']).status !== 0) return t.skip('openssl is not installed');
  const { dir, authority } = await open(t, { nowSeconds: wallClock.nowSeconds() });
  const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'] };
  const svid = await authority.mint({ spiffeId: 'spiffe://our.test/writ/gateway', ...names });
  const [root, between, leaf] = [join(dir, 'root.crt'), join(dir, 'between.crt'), join(dir, 'leaf.crt')];
  await writeFile(root, toPem('CERTIFICATE', authority.bundle()[0]!));
  await writeFile(leaf, toPem('CERTIFICATE', svid.chainDer[0]!));
  await writeFile(between, toPem('CERTIFICATE', svid.chainDer[1]!));
  for (const purpose of ['sslclient', 'sslserver']) {
    const under = ['-CAfile', root, '-untrusted', between];
    const says = execFileSync('openssl', ['verify', '-x509_strict', '-purpose', purpose, ...under, leaf]);
    assert.match(says.toString(), /: OK/);
  }
  const shown = new X509Certificate(svid.chainDer[0]!).subjectAltName;
  assert.equal(
    shown,
    'URI:spiffe://our.test/writ/gateway, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  );
  const text = execFileSync('openssl', ['x509', '-in', root, '-noout', '-text']).toString();
  for (const part of [
    /CA:TRUE, pathlen:1/,
    /Key Usage: critical\s+Certificate Sign, CRL Sign/,
    /URI:spiffe:\/\/our\.test\n/,
  ])
    assert.match(text, part);
});

test('the root stays over a restart, and every authority has a subject of its own', async (t) => {
  const first = await open(t);
  const again = await openAuthority({ dir: first.dir, trustDomain, clock: at(dayOne + 5) });
  assert.deepEqual(again.bundle(), first.authority.bundle());
  const other = await open(t);
  const subjectOf = (der: Uint8Array) => new X509Certificate(der).subject;
  assert.notEqual(subjectOf(other.authority.bundle()[0]!), subjectOf(first.authority.bundle()[0]!));
});

test('two processes that open one new folder at once end up with one root', async (t) => {
  const dir = join(await temporaryFolder(t), 'ca');
  const opened = await Promise.all(
    Array.from({ length: 6 }, () => openAuthority({ dir, trustDomain, clock: at(dayOne) })),
  );
  for (const authority of opened) assert.deepEqual(authority.bundle(), opened[0]!.bundle());
  assert.deepEqual((await readdir(dir)).sort(), ['jwt-1.pem', 'root-1.pem']);
  for (const authority of opened) assert.deepEqual(authority.jwtKeys(), opened[0]!.jwtKeys());
});

test('folder and key are made for their owner only, and wider ones are refused with the way out', async (t) => {
  const { dir } = await open(t);
  const file = join(dir, 'root-1.pem');
  assert.equal((await stat(dir)).mode & 0o777, 0o700);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const reopen = () => openAuthority({ dir, trustDomain, clock: at(dayOne) });
  await chmod(file, 0o640);
  await assert.rejects(reopen, {
    message: `\`${file}\` has mode 0640 and may be read by others: run \`chmod 0600 ${file}\``,
  });
  await chmod(file, 0o600);
  await chmod(dir, 0o750);
  await assert.rejects(reopen, /has mode 0750 .*chmod 0700/);
  await chmod(dir, 0o700);
  await reopen();
});

test('a key behind a symbolic link is refused', async (t) => {
  const { dir } = await open(t);
  const elsewhere = join(await temporaryFolder(t), 'ca');
  await mkdir(elsewhere, { mode: 0o700 });
  await symlink(join(dir, 'root-1.pem'), join(elsewhere, 'root-1.pem'));
  await assert.rejects(openAuthority({ dir: elsewhere, trustDomain, clock: at(dayOne) }), /is a symbolic link/);
});

test('a root of another trust domain, an expired one, and a foreign key each stop the start', async (t) => {
  const { dir } = await open(t, { caTtlSeconds: 100 });
  const file = join(dir, 'root-1.pem');
  const kept = await readFile(file, 'utf8');
  const reopen = (options: { trustDomain?: string; nowSeconds?: number }) =>
    openAuthority({ dir, trustDomain: options.trustDomain ?? trustDomain, clock: at(options.nowSeconds ?? dayOne) });
  await assert.rejects(reopen({ trustDomain: 'their.test' }), /is a root of `our\.test`, not of `their\.test`/);
  await assert.rejects(reopen({ nowSeconds: dayOne + 100 }), /expired at 2027-01-15T08:01:40\.000Z: move it away/);
  await reopen({ nowSeconds: dayOne + 99 });
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  await writeFile(
    file,
    kept.replace(/-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----\n/, foreign.toString()),
  );
  await assert.rejects(reopen({}), /do not belong together/);
  await writeFile(file, kept.slice(0, 200));
  await assert.rejects(reopen({}), /does not hold one private key and one certificate/);
  await assert.rejects(reopen({ trustDomain: 'Our.Test' }), /`Our\.Test` cannot be a trust domain/);
});

test('no SVID outlives its root', async (t) => {
  const { authority } = await open(t, { caTtlSeconds: 1000, ttlSeconds: 3600 });
  const svid = await authority.mint({ spiffeId: 'spiffe://our.test/a/b' });
  assert.equal(svid.notAfterSeconds, dayOne + 1000);
});

test('nothing is signed that is not a workload of this trust domain', async (t) => {
  const { authority } = await open(t);
  const outside = [
    'spiffe://their.test/a',
    'spiffe://our.test',
    'spiffe://our.test/',
    'spiffe://our.test.evil/a',
    'spiffe://OUR.test/a',
    'a/b',
  ];
  for (const spiffeId of outside) {
    await assert.rejects(authority.mint({ spiffeId }), {
      message: `\`${spiffeId}\` is not a workload of \`our.test\``,
    });
  }
});

test("an agent's own P-256 key is certified; other keys are not", async (t) => {
  const { authority } = await open(t);
  const spkiOf = (key: { publicKey: import('node:crypto').KeyObject }) =>
    key.publicKey.export({ type: 'spki', format: 'der' });
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const svid = await authority.certify({ spiffeId: 'spiffe://our.test/a/b', publicKeyInfo: spkiOf(own) });
  assert.ok(new X509Certificate(svid.chainDer[0]!).checkPrivateKey(own.privateKey));
  assert.equal('keyPkcs8' in svid, false);
  for (const other of [generateKeyPairSync('ec', { namedCurve: 'P-384' }), generateKeyPairSync('ed25519')]) {
    await assert.rejects(
      authority.certify({ spiffeId: 'spiffe://our.test/a/b', publicKeyInfo: spkiOf(other) }),
      /P-256 key only/,
    );
  }
});
