import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { openClient, type TestAuthority, temporaryFolder, testAuthority } from './tls-fixtures.ts';
import { fromPem, type TlsIdentity } from './tls-pem.ts';
import { type Bundles, openTrustStore } from './trust-store.ts';

const store = await openTrustStore();
const ours = await testAuthority({ uri: 'spiffe://our.test' });
const partner = await testAuthority({ uri: 'spiffe://partner.test' });
const both: Bundles = new Map([
  ['our.test', [ours.der]],
  ['partner.test', [partner.der]],
]);

/** Whether a TLS server with this list lets each certificate in: OpenSSL's own verdict, before any code of ours. */
async function handshakes(
  t: TestContext,
  ca: readonly string[],
  identities: readonly TlsIdentity[],
): Promise<boolean[]> {
  const own = await ours.issue();
  const server = createServer({
    cert: own.identity.certPem,
    key: own.identity.keyPem,
    ca: [...ca],
    requestCert: true,
    rejectUnauthorized: true,
  });
  server.on('secureConnection', (socket: TLSSocket) => socket.end('in'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const verdicts: boolean[] = [];
  for (const { certPem, keyPem } of identities) {
    const socket = await openClient(port, { cert: certPem, key: keyPem });
    let said = '';
    socket.on('data', (chunk) => {
      said += chunk;
    });
    await new Promise((resolve) => socket.once('close', resolve));
    verdicts.push(said === 'in');
  }
  return verdicts;
}

async function leaf(authority: TestAuthority, uri: string, rest = {}): Promise<TlsIdentity> {
  return (await authority.issue({ uris: [uri], ...rest })).identity;
}

/** The same chain with a root behind it, as some peers send it. */
function withRoot(identity: TlsIdentity, root: TestAuthority): TlsIdentity {
  return { ...identity, certPem: identity.certPem + root.pem };
}

test('each trust domain is let in under its own name, directly, through an intermediate, with its root or without', async (t) => {
  const { caPem, leftOut } = await store.caList(both);
  assert.deepEqual(leftOut, []);
  const below = await partner.intermediate('spiffe://partner.test');
  const identities = [
    await leaf(ours, 'spiffe://our.test/a/b'),
    await leaf(partner, 'spiffe://partner.test/a/b'),
    await leaf(below, 'spiffe://partner.test/a/b'),
    withRoot(await leaf(ours, 'spiffe://our.test/a/b'), ours),
    withRoot(await leaf(below, 'spiffe://partner.test/a/b'), partner),
    await leaf(partner, 'spiffe://partner.test/a/b', { dnsNames: ['our.test'] }),
  ];
  assert.deepEqual(await handshakes(t, caPem, identities), [true, true, true, true, true, true]);
});

test("a partner's authority cannot speak for us, by any way round", async (t) => {
  const { caPem } = await store.caList(both);
  const below = await partner.intermediate('spiffe://partner.test');
  const posing = await partner.intermediate('spiffe://our.test');
  const forged = [
    await leaf(partner, 'spiffe://our.test/a/b'),
    await leaf(below, 'spiffe://our.test/a/b'),
    await leaf(posing, 'spiffe://our.test/a/b'),
    withRoot(await leaf(partner, 'spiffe://our.test/a/b'), partner),
    withRoot(await leaf(partner, 'spiffe://our.test/a/b'), ours),
    await leaf(partner, 'spiffe://partner.test/a/b', { uris: ['spiffe://partner.test/a/b', 'spiffe://our.test/a/b'] }),
    await leaf(partner, 'spiffe://sub.partner.test/a/b'),
    await leaf(partner, 'spiffe://OUR.test/a/b'),
    await leaf(partner, 'spiffe://me@our.test/a/b'),
    await leaf(partner, 'spiffe://partner.test@our.test/a/b'),
    await leaf(await testAuthority(), 'spiffe://our.test/a/b'),
  ];
  assert.deepEqual(
    await handshakes(t, caPem, forged),
    forged.map(() => false),
  );
  // The trap this file exists for: one union of roots lets the forgeries of our partner in.
  const [union] = await handshakes(t, [ours.pem, partner.pem], forged.slice(0, 1));
  assert.equal(union, true);
});

test("a partner whose root copies our root's name neither speaks for us nor locks us out", async (t) => {
  const hostile = [
    await testAuthority({ imitates: ours }),
    await testAuthority({ imitates: ours, withoutKeyIdentifier: true }),
  ];
  for (const imitation of hostile) {
    const { caPem, leftOut, trustDomains } = await store.caList(
      new Map([
        ['our.test', [ours.der]],
        ['partner.test', [imitation.der]],
      ]),
    );
    const identities = [
      await leaf(imitation, 'spiffe://our.test/a/b'),
      await leaf(ours, 'spiffe://our.test/a/b'),
      await leaf(ours, 'spiffe://our.test/a/b', { authorityKeyIdentifier: false }),
    ];
    assert.deepEqual(await handshakes(t, caPem, identities), [false, true, true]);
    assert.deepEqual([...trustDomains], ['our.test']);
    assert.equal(leftOut[0]?.says, 'a root of `partner.test` has the name and key identifier of one of `our.test`');
  }
});

test('a partner that publishes our very root does not lock us out', async (t) => {
  const { caPem, leftOut } = await store.caList(
    new Map([
      ['our.test', [ours.der]],
      ['partner.test', [partner.der, ours.der]],
    ]),
  );
  const identities = [await leaf(ours, 'spiffe://our.test/a/b'), await leaf(partner, 'spiffe://our.test/a/b')];
  assert.deepEqual(await handshakes(t, caPem, identities), [true, false]);
  assert.deepEqual(leftOut, []);
});

test('several roots of one trust domain are trusted side by side, also under one name and without key identifiers', async (t) => {
  const second = await testAuthority({ uri: 'spiffe://our.test' });
  const plain = await testAuthority({ withoutKeyIdentifier: true });
  const { caPem } = await store.caList(new Map([['our.test', [ours.der, second.der, plain.der]]]));
  const identities = await Promise.all([ours, second, plain].map((root) => leaf(root, 'spiffe://our.test/a/b')));
  assert.deepEqual(await handshakes(t, caPem, identities), [true, true, true]);
});

test('roots made by openssl keep their names and kinds of key', async (t) => {
  const dir = await temporaryFolder(t);
  const identities: TlsIdentity[] = [];
  const roots: Uint8Array[] = [];
  const kinds = [
    ['rsa', 'rsa:2048'],
    ['p384', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1'],
  ] as const;
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  for (const [kind, algorithm, ...more] of kinds) {
    // One subject for all of them, with characters of several string types, as SPIRE's roots share one.
    const subject = ['-subj', '/C=US/O=SPIFFE/CN=Größe', '-utf8'];
    run(
      'req',
      '-x509',
      '-newkey',
      algorithm,
      ...more,
      '-nodes',
      '-keyout',
      `${kind}.key`,
      '-out',
      `${kind}.crt`,
      ...subject,
      '-days',
      '2',
    );
    run(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      `${kind}.leaf.key`,
      '-out',
      'leaf.csr',
      '-subj',
      '/',
      '-addext',
      'subjectAltName=critical,URI:spiffe://spire.test/a/b',
      '-addext',
      'keyUsage=critical,digitalSignature',
    );
    run(
      'x509',
      '-req',
      '-in',
      'leaf.csr',
      '-CA',
      `${kind}.crt`,
      '-CAkey',
      `${kind}.key`,
      '-copy_extensions',
      'copyall',
      '-out',
      'leaf.crt',
      '-days',
      '1',
    );
    roots.push(...fromPem('CERTIFICATE', await readFile(join(dir, `${kind}.crt`), 'utf8')));
    identities.push({
      certPem: await readFile(join(dir, 'leaf.crt'), 'utf8'),
      keyPem: await readFile(join(dir, `${kind}.leaf.key`), 'utf8'),
    });
  }
  const trusted = await store.caList(new Map([['spire.test', roots]]));
  assert.deepEqual(
    trusted.caPem.slice(1).map((pem) => new X509Certificate(pem).subject),
    roots.map((der) => new X509Certificate(der).subject),
  );
  assert.deepEqual(await handshakes(t, trusted.caPem, identities), [true, true]);
  const elsewhere = await store.caList(new Map([['other.test', roots]]));
  assert.deepEqual(await handshakes(t, elsewhere.caPem, identities), [false, false]);
});

test('what cannot be held apart is left out with a sentence', async () => {
  const { der: leafDer } = await ours.issue();
  const { leftOut, trustDomains } = await store.caList(
    new Map([
      ['our.test', [ours.der]],
      ['a.test', [leafDer]],
      ['b.test', [Uint8Array.of(1, 2, 3)]],
      ['.test', [partner.der]],
      ['empty.test', []],
    ]),
  );
  assert.deepEqual([...trustDomains], ['our.test']);
  assert.deepEqual(leftOut, [
    { trustDomain: 'a.test', says: 'a root of `a.test` is not the certificate of an authority' },
    { trustDomain: 'b.test', says: 'a root of `b.test` is not the certificate of an authority' },
    {
      trustDomain: '.test',
      says: 'the trust domain `.test` begins with a dot and cannot be held apart from those below it',
    },
  ]);
});

test('with no bundle at all nobody is let in', async (t) => {
  const { caPem } = await store.caList(new Map());
  assert.equal(caPem.length, 1);
  assert.deepEqual(await handshakes(t, caPem, [await leaf(ours, 'spiffe://our.test/a/b')]), [false]);
});
