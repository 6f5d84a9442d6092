import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DenialCode } from '@writ/core';
import { readSvid } from './svid.ts';
import { Extension, KeyUsageFlags, type LeafOptions, testAuthority, wallClock } from './tls-fixtures.ts';

const now = wallClock.nowSeconds();
const { digitalSignature, keyCertSign, cRLSign, keyEncipherment, keyAgreement } = KeyUsageFlags;
const [serverAuth, clientAuth] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
const one = 'spiffe://our.test/a/b';
const authority = await testAuthority();

const accepted: [what: string, leaf: LeafOptions][] = [
  ['the plain profile', {}],
  ['a URI name beside an e-mail and a DNS name', { emails: ['a@our.test'], dnsNames: ['localhost'] }],
  ['no extended key usage', { extendedKeyUsage: null }],
  ['a further extended key usage', { extendedKeyUsage: [serverAuth!, clientAuth!, '1.3.6.1.5.5.7.3.4'] }],
  [
    'keyEncipherment and keyAgreement beside digitalSignature',
    { keyUsage: digitalSignature | keyEncipherment | keyAgreement },
  ],
  ['no basic constraints', { ca: null }],
  ['names that are not critical beside a subject', { subject: 'CN=a', namesCritical: false }],
  ['an unknown extension that is not critical', { more: [new Extension('1.2.3.4', false, Uint8Array.of(5, 0))] }],
];

const refused: [what: string, leaf: LeafOptions, code: DenialCode][] = [
  ['no name', { uris: [], subject: 'CN=a' }, 'transport.identity_invalid'],
  ['two URI names', { uris: [one, 'spiffe://our.test/c/d'] }, 'transport.identity_invalid'],
  ['the same URI name twice', { uris: [one, one] }, 'transport.identity_invalid'],
  [
    'a second URI name behind a DNS name',
    { uris: [one, 'https://our.test/'], dnsNames: ['localhost'] },
    'transport.identity_invalid',
  ],
  ['only a DNS name', { uris: [], dnsNames: ['our.test'] }, 'transport.identity_invalid'],
  ['the trust domain itself', { uris: ['spiffe://our.test'] }, 'transport.identity_invalid'],
  ['a trailing slash', { uris: ['spiffe://our.test/a/'] }, 'transport.identity_invalid'],
  ['a port', { uris: ['spiffe://our.test:80/a'] }, 'transport.identity_invalid'],
  ['a user', { uris: ['spiffe://me@our.test/a'] }, 'transport.identity_invalid'],
  ['an upper-case trust domain', { uris: ['spiffe://OUR.test/a'] }, 'transport.identity_invalid'],
  ['another scheme', { uris: ['https://our.test/a'] }, 'transport.identity_invalid'],
  ['2049 bytes', { uris: [`spiffe://our.test/${'a'.repeat(2049 - 18)}`] }, 'transport.identity_invalid'],
  ['names that are not critical under an empty subject', { namesCritical: false }, 'transport.certificate_invalid'],
  ['cA true', { ca: true }, 'transport.certificate_invalid'],
  ['no key usage', { keyUsage: null }, 'transport.certificate_invalid'],
  ['a key usage that is not critical', { keyUsageCritical: false }, 'transport.certificate_invalid'],
  ['no digitalSignature', { keyUsage: keyEncipherment }, 'transport.certificate_invalid'],
  ['keyCertSign', { keyUsage: digitalSignature | keyCertSign }, 'transport.certificate_invalid'],
  ['cRLSign', { keyUsage: digitalSignature | cRLSign }, 'transport.certificate_invalid'],
  ['only serverAuth', { extendedKeyUsage: [serverAuth!] }, 'transport.certificate_invalid'],
  ['only clientAuth', { extendedKeyUsage: [clientAuth!] }, 'transport.certificate_invalid'],
  [
    'an unknown critical extension',
    { more: [new Extension('1.2.3.4', true, Uint8Array.of(5, 0))] },
    'transport.certificate_invalid',
  ],
  [
    'one extension twice',
    { more: [new Extension('2.5.29.15', true, Uint8Array.of(3, 2, 7, 128))] },
    'transport.certificate_invalid',
  ],
  ['the past', { fromSeconds: now - 100, untilSeconds: now }, 'transport.certificate_expired'],
  ['the future', { fromSeconds: now + 1, untilSeconds: now + 100 }, 'transport.certificate_expired'],
];

for (const [what, leaf] of accepted) {
  test(`a leaf with ${what} is an SVID`, async () => {
    const read = readSvid((await authority.issue(leaf)).der, { nowSeconds: now });
    assert.equal(read.outcome, 'pass', JSON.stringify(read));
    assert.equal(read.facts.spiffeId, one);
  });
}

for (const [what, leaf, code] of refused) {
  test(`a leaf with ${what} is refused`, async () => {
    const read = readSvid((await authority.issue(leaf)).der, { nowSeconds: now });
    assert.equal(read.outcome, 'deny');
    assert.equal(read.denial.code, code, JSON.stringify(read.denial.detail));
  });
}

test('validity begins with its first second and is over with its last', async () => {
  const { der } = await authority.issue({ fromSeconds: 1000, untilSeconds: 2000 });
  const outcomes = [999, 1000, 1999, 2000].map((nowSeconds) => readSvid(der, { nowSeconds }).outcome);
  assert.deepEqual(outcomes, ['deny', 'pass', 'pass', 'deny']);
});

test('a signing certificate is never a peer, whatever path its name has', async () => {
  for (const uri of ['spiffe://our.test', 'spiffe://our.test/a/b']) {
    const read = readSvid((await authority.intermediate(uri)).der, { nowSeconds: now });
    assert.ok(read.outcome === 'deny' && read.denial.code === 'transport.certificate_invalid');
  }
});

test('no prefix of a certificate and nothing behind it is read', async () => {
  const { der } = await authority.issue();
  for (let length = 0; length < der.length; length++) {
    assert.equal(readSvid(der.subarray(0, length), { nowSeconds: now }).outcome, 'deny', `first ${length} octets`);
  }
  assert.equal(readSvid(Buffer.concat([der, Buffer.of(0)]), { nowSeconds: now }).outcome, 'deny');
});

test('one changed octet never reads as another workload without a changed name', async () => {
  const { der } = await authority.issue();
  const from = Buffer.from(der).indexOf(one);
  for (let at = 0; at < der.length; at++) {
    if (at >= from && at < from + one.length) continue;
    for (const flip of [0x01, 0x20, 0x80, 0xff]) {
      const changed = Uint8Array.from(der);
      changed[at]! ^= flip;
      const read = readSvid(changed, { nowSeconds: now });
      if (read.outcome === 'pass') assert.equal(read.facts.spiffeId, one, `octet ${at}`);
    }
  }
});
