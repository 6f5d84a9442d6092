// Who gets no connection, and under which code.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DenialCode, type Detail, denial } from '@writ/core';
import { caller, issue, ours, partner, present, request, start } from './mtls-listener.fixture.ts';
import type { MtlsPeer } from './mtls-listener.ts';
import { KeyUsageFlags, rawExchange, temporaryFolder, testAuthority, wallClock } from './tls-fixtures.ts';

const now = wallClock.nowSeconds();
const stranger = await testAuthority({ uri: 'spiffe://stranger.test' });
const imitation = await testAuthority({ imitates: ours });
const strangerLeaf = await stranger.issue({ uris: ['spiffe://stranger.test/a/b'] });
const strangerWithRoot = { ...strangerLeaf.identity, certPem: strangerLeaf.identity.certPem + stranger.pem };

const mayCertify = KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign;
const named = (...uriNames: string[]) => ({ uriNames });

/** The detail shows who refused: OpenSSL in the handshake gives a cause, our own reader says what it saw. */
const refusedPeers: [what: string, client: object, code: DenialCode, detail: Detail][] = [
  [
    'without a certificate',
    {},
    'transport.certificate_missing',
    { cause: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' },
  ],
  [
    'with an expired certificate',
    await issue({ fromSeconds: now - 100, untilSeconds: now - 1 }),
    'transport.certificate_expired',
    { cause: 'CERT_HAS_EXPIRED' },
  ],
  [
    'with a certificate of tomorrow',
    await issue({ fromSeconds: now + 1000 }),
    'transport.certificate_expired',
    { cause: 'CERT_NOT_YET_VALID' },
  ],
  [
    'of a trust domain we hold no bundle of',
    present(strangerLeaf.identity),
    'transport.trust_domain_unknown',
    { cause: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  ],
  [
    'of an unknown trust domain that sends its root too',
    present(strangerWithRoot),
    'transport.trust_domain_unknown',
    { cause: 'SELF_SIGNED_CERT_IN_CHAIN' },
  ],
  [
    'whose identity a partner forged',
    await issue({ uris: ['spiffe://our.test/a/b'] }, partner),
    'transport.certificate_invalid',
    { cause: 'UNSPECIFIED', says: 'its issuer may not speak for this trust domain, most likely' },
  ],
  [
    'whose identity an imitation of our root forged',
    await issue({ uris: ['spiffe://our.test/a/b'] }, imitation),
    'transport.certificate_invalid',
    { cause: 'CERT_SIGNATURE_FAILURE' },
  ],
  [
    'with two URI names',
    await issue({ uris: ['spiffe://our.test/a/b', 'spiffe://our.test/c/d'] }),
    'transport.identity_invalid',
    named('spiffe://our.test/a/b', 'spiffe://our.test/c/d'),
  ],
  [
    'whose trust domain carries a port, which OpenSSL lets pass',
    await issue({ uris: ['spiffe://partner.test:80/a'] }, partner),
    'transport.identity_invalid',
    named('spiffe://partner.test:80/a'),
  ],
  [
    'with no path in its identity',
    await issue({ uris: ['spiffe://our.test'] }),
    'transport.identity_invalid',
    named('spiffe://our.test'),
  ],
  ['with only a DNS name', await issue({ uris: [], dnsNames: ['our.test'] }), 'transport.identity_invalid', named()],
  [
    "with an authority's certificate",
    await issue({ ca: true, keyUsage: mayCertify }),
    'transport.certificate_invalid',
    { says: 'it is the certificate of an authority' },
  ],
  [
    'with a key that may sign certificates',
    await issue({ keyUsage: mayCertify }),
    'transport.certificate_invalid',
    { says: 'the key may sign certificates or revocation lists' },
  ],
  [
    'with TLS 1.2',
    { ...(await issue()), maxVersion: 'TLSv1.2' },
    'transport.certificate_missing',
    { cause: 'ERR_SSL_UNSUPPORTED_PROTOCOL' },
  ],
];

for (const [what, client, code, detail] of refusedPeers) {
  test(`a peer ${what} is refused as ${code}, and the refusal has its source`, async (t) => {
    const { port, served, refusals, codes } = await start(t);
    const { answer } = await rawExchange(port, client, request);
    assert.equal(answer, '');
    assert.deepEqual(served, []);
    assert.deepEqual(codes(), [code], JSON.stringify(refusals));
    assert.deepEqual(refusals[0]!.refused.detail, detail);
    assert.equal(refusals[0]!.info.source, '127.0.0.1');
  });
}

test('a self-signed certificate is no identity', async (t) => {
  const { port, served, codes } = await start(t);
  const dir = await temporaryFolder(t);
  const [key, cert] = [join(dir, 'k'), join(dir, 'c')];
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/',
    '-keyout',
    key,
    '-out',
    cert,
    '-addext',
    'subjectAltName=critical,URI:spiffe://our.test/a/b',
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ]);
  if (made.status !== 0) return t.skip('openssl is not installed');
  const { answer } = await rawExchange(port, { key: await readFile(key), cert: await readFile(cert) }, request);
  assert.equal(answer, '');
  assert.deepEqual(served, []);
  assert.deepEqual(codes(), ['transport.certificate_invalid']);
});

test('a peer that nobody admits is closed before a byte of HTTP is parsed', async (t) => {
  // A parser would answer this with 400 and report it; the admitted peer shows that it does.
  const noise = 'THIS IS NOT HTTP\r\n\r\n';
  const seen: MtlsPeer[] = [];
  const refusing = await start(t, {
    admit(peer) {
      seen.push(peer);
      return denial('transport.edge_not_allowed', { peer: peer.spiffeId });
    },
  });
  assert.equal((await rawExchange(refusing.port, await issue(), noise)).answer, '');
  assert.equal((await rawExchange(refusing.port, await issue(), request)).answer, '');
  assert.deepEqual(refusing.codes(), ['transport.edge_not_allowed', 'transport.edge_not_allowed']);
  assert.equal(refusing.refusals[0]!.info.peer, caller);
  assert.deepEqual(
    seen.map((peer) => peer.spiffeId),
    [caller, caller],
  );
  assert.deepEqual(refusing.served, []);
  assert.equal(refusing.listener.connectionCount(), 0);

  const admitting = await start(t);
  assert.match((await rawExchange(admitting.port, await issue(), noise)).answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.deepEqual(admitting.codes(), ['gateway.malformed']);
  assert.equal(admitting.refusals[0]!.info.peer, caller);
});

test('a peer that only knocks is not counted as refused', async (t) => {
  const { port, refusals } = await start(t);
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.end();
  await once(socket, 'close');
  await rawExchange(port, await issue(), request);
  assert.deepEqual(refusals, []);
});

test('what speaks no TLS at all is refused with its cause', async (t) => {
  const { port, refusals } = await start(t);
  const socket = connectTcp(port, '127.0.0.1').on('error', () => {});
  socket.resume();
  socket.write(request);
  await once(socket, 'close');
  assert.deepEqual(refusals[0]!.refused.detail, { cause: 'ERR_SSL_HTTP_REQUEST' });
});
