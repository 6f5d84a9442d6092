// The roots of an authority on disk: one file each, key and certificate together, so that there is never one without the
// other. What they sign is ca.ts's business.

import 'reflect-metadata'; // @peculiar/x509 needs it at import time

import { createPrivateKey, type webcrypto, X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { readCertificate } from '@writ/core';
import { createPrivateFile, readPrivateFile } from './tls-files.ts';
import { fromPem, toPem } from './tls-pem.ts';

export interface Root {
  readonly signingKey: webcrypto.CryptoKey;
  readonly der: Uint8Array;
  readonly subject: Name;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyInfo: Uint8Array<ArrayBuffer>;
  readonly notAfterSeconds: number;
}

export interface RootOptions {
  readonly dir: string;
  readonly trustDomain: string;
  readonly nowSeconds: number;
}

/** EC P-256 for leaf and root: Ed25519 is refused by Envoy and other BoringSSL peers. */
export const ecdsaP256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Peers' clocks run a little behind. */
export const backdateSeconds = 30;
const serialOctets = 16;

/** Roots in the order of their numbers; empty when there are none yet. Throws a sentence for the operator. */
export async function loadRoots(options: RootOptions): Promise<readonly Root[]> {
  const number = (file: string) => Number(file.slice('root-'.length, -'.pem'.length));
  const files = (await readdir(options.dir)).filter((file) => /^root-[1-9][0-9]*\.pem$/.test(file));
  files.sort((a, b) => number(a) - number(b));
  return Promise.all(files.map((file) => loadRoot(join(options.dir, file), options)));
}

/** Makes the first root. When another process was quicker, its root stays and is the one to load. */
export async function createFirstRoot(
  options: RootOptions & { readonly ttlSeconds: number; readonly randomBytes: (length: number) => Uint8Array },
): Promise<void> {
  const { dir, trustDomain, nowSeconds, ttlSeconds, randomBytes } = options;
  const pair = await crypto.subtle.generateKey(ecdsaP256, true, ['sign', 'verify']);
  const serialHex = serialNumber(randomBytes);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // Every root has a subject of its own: verifiers try each key under one name, and give up after a few.
    name: [{ O: ['SPIFFE'] }, { CN: ['Writ root'] }, { '2.5.4.5': [serialHex] }],
    serialNumber: serialHex,
    notBefore: new Date((nowSeconds - backdateSeconds) * 1000),
    notAfter: new Date((nowSeconds + ttlSeconds) * 1000),
    keys: pair,
    signingAlgorithm: ecdsaP256,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${trustDomain}` }]),
      await SubjectKeyIdentifierExtension.create(pair.publicKey),
      await AuthorityKeyIdentifierExtension.create(pair.publicKey),
    ],
  });
  const key = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
  const text = toPem('PRIVATE KEY', key) + toPem('CERTIFICATE', new Uint8Array(certificate.rawData));
  await createPrivateFile(join(dir, 'root-1.pem'), text, serialHex);
}

/** 16 random octets, positive and always of that length (RFC 5280 §4.1.2.2). */
export function serialNumber(randomBytes: (length: number) => Uint8Array): string {
  const octets = Uint8Array.from(randomBytes(serialOctets));
  octets[0] = (octets[0]! & 0x7f) | 0x40;
  return Buffer.from(octets).toString('hex');
}

async function loadRoot(path: string, { trustDomain, nowSeconds }: RootOptions): Promise<Root> {
  const text = (await readPrivateFile(path)) ?? '';
  const [key, ...moreKeys] = fromPem('PRIVATE KEY', text);
  const [der, ...moreCertificates] = fromPem('CERTIFICATE', text);
  const fields = der === undefined ? null : readCertificate(der);
  if (key === undefined || der === undefined || fields === null || moreKeys.length + moreCertificates.length > 0) {
    throw new Error(`\`${path}\` does not hold one private key and one certificate: restore it from a backup`);
  }
  const certificate = new X509Certificate(der);
  if (!certificate.checkPrivateKey(createPrivateKey({ key: Buffer.from(key), type: 'pkcs8', format: 'der' }))) {
    throw new Error(`the key and the certificate in \`${path}\` do not belong together: restore it from a backup`);
  }
  if (certificate.subjectAltName !== `URI:spiffe://${trustDomain}`) {
    const named = certificate.subjectAltName?.replace(/^URI:spiffe:\/\//, '');
    throw new Error(`\`${path}\` is a root of \`${named}\`, not of \`${trustDomain}\`: name another data folder`);
  }
  if (fields.notAfterSeconds <= nowSeconds) {
    const until = certificate.validToDate.toISOString();
    throw new Error(`the root in \`${path}\` expired at ${until}: move it away to have a new one made`);
  }
  return {
    signingKey: await crypto.subtle.importKey('pkcs8', key, ecdsaP256, false, ['sign']),
    der,
    subject: new Name(Uint8Array.from(fields.subject)),
    publicKeyInfo: Uint8Array.from(fields.publicKeyInfo),
    notAfterSeconds: fields.notAfterSeconds,
  };
}
