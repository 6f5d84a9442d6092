// For tests only: a certificate authority of one trust domain, and SVIDs as the Workload API would hand them out.

import 'reflect-metadata'; // @peculiar/x509 needs it at import time

import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { DialSvid } from './dial.ts';

export interface TestAuthority {
  svid(spiffeId: string, lifeSeconds?: number): Promise<DialSvid>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const fromNow = (seconds: number) => new Date(Date.now() + seconds * 1000);
const makeKeys = () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

export async function testAuthority(): Promise<TestAuthority> {
  const root = await makeKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=test root',
    keys: root,
    signingAlgorithm: algorithm,
    notBefore: fromNow(-60),
    notAfter: fromNow(3600),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return {
    async svid(spiffeId, lifeSeconds = 600) {
      const keys = await makeKeys();
      const leaf = await X509CertificateGenerator.create({
        issuer: certificate.subject,
        publicKey: keys.publicKey,
        signingKey: root.privateKey,
        signingAlgorithm: algorithm,
        notBefore: fromNow(-60),
        notAfter: fromNow(lifeSeconds),
        extensions: [
          new SubjectAlternativeNameExtension([{ type: 'url', value: spiffeId }], true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        ],
      });
      const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
      const keyPem = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`;
      return { spiffeId, certPem: leaf.toString('pem'), keyPem, bundlePem: certificate.toString('pem') };
    },
  };
}
