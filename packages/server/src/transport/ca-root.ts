// The roots of an authority, key and certificate together, and the intermediate that signs for one of them. Where they are kept is
// ca-files.ts, when they come and go ca-life.ts, what they sign ca.ts.

import 'reflect-metadata'; // @peculiar/x509 needs it at import time

import { createPrivateKey, type webcrypto, X509Certificate } from 'node:crypto';
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
import { extensionId, readBasicConstraints, readCertificate } from '@writ/core';
import type { KeyFile } from './ca-files.ts';
import type { Generation } from './ca-life.ts';
import { fromPem, toPem } from './tls-pem.ts';

export interface Root extends Generation {
  readonly signingKey: webcrypto.CryptoKey;
  readonly der: Uint8Array;
  readonly subject: Name;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyInfo: Uint8Array<ArrayBuffer>;
  /** False for a root of an early Writ, which may sign leaves only. */
  readonly mayHaveIntermediate: boolean;
}

/** What signs leaves: an intermediate below a root, or such an early root itself. */
export interface Signer {
  readonly signingKey: webcrypto.CryptoKey;
  readonly subject: Name;
  readonly publicKeyInfo: Uint8Array<ArrayBuffer>;
  readonly notAfterSeconds: number;
  /** Goes with every leaf; empty when a root signs. */
  readonly chainDer: readonly Uint8Array[];
}

export interface RootOptions {
  readonly trustDomain: string;
  readonly nowSeconds: number;
}

export interface NewKeyOptions extends RootOptions {
  readonly ttlSeconds: number;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** EC P-256 for leaf and root: Ed25519 is refused by Envoy and other BoringSSL peers. */
export const ecdsaP256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Peers' clocks run a little behind. */
export const backdateSeconds = 30;
const serialOctets = 16;

/** A new root as PEM: private key, then certificate. */
export async function newRoot(options: NewKeyOptions): Promise<string> {
  const { trustDomain, nowSeconds, ttlSeconds, randomBytes } = options;
  const pair = await crypto.subtle.generateKey(ecdsaP256, true, ['sign', 'verify']);
  const serialHex = serialNumber(randomBytes);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // Every root has a subject of its own: verifiers try each key under one name, and give up after a few.
    name: nameOf('Writ root', serialHex),
    serialNumber: serialHex,
    notBefore: new Date((nowSeconds - backdateSeconds) * 1000),
    notAfter: new Date((nowSeconds + ttlSeconds) * 1000),
    keys: pair,
    signingAlgorithm: ecdsaP256,
    extensions: await authorityExtensions(trustDomain, 1, pair.publicKey, pair.publicKey),
  });
  const key = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
  return toPem('PRIVATE KEY', key) + toPem('CERTIFICATE', new Uint8Array(certificate.rawData));
}

/**
 * The signer of leaves below a root. Its key never leaves the process: the root's is used once for each intermediate and not for
 * each leaf, and whoever reads this process's memory has a signer of hours, not of years.
 */
export async function newSigner(root: Root, options: NewKeyOptions): Promise<Signer> {
  const { trustDomain, nowSeconds, ttlSeconds, randomBytes } = options;
  if (!root.mayHaveIntermediate) return { ...root, chainDer: [] };
  const pair = await crypto.subtle.generateKey(ecdsaP256, false, ['sign', 'verify']);
  const serialHex = serialNumber(randomBytes);
  const notAfterSeconds = Math.min(nowSeconds + ttlSeconds, root.notAfterSeconds);
  const certificate = await X509CertificateGenerator.create({
    subject: new Name(nameOf('Writ intermediate', serialHex)),
    serialNumber: serialHex,
    issuer: root.subject,
    notBefore: new Date((nowSeconds - backdateSeconds) * 1000),
    notAfter: new Date(notAfterSeconds * 1000),
    publicKey: pair.publicKey,
    signingKey: root.signingKey,
    signingAlgorithm: ecdsaP256,
    extensions: await authorityExtensions(trustDomain, 0, pair.publicKey, root.publicKeyInfo),
  });
  return {
    signingKey: pair.privateKey,
    subject: certificate.subjectName,
    publicKeyInfo: new Uint8Array(certificate.publicKey.rawData),
    notAfterSeconds,
    chainDer: [new Uint8Array(certificate.rawData)],
  };
}

function nameOf(commonName: string, serialHex: string): { [attribute: string]: string[] }[] {
  return [{ O: ['SPIFFE'] }, { CN: [commonName] }, { '2.5.4.5': [serialHex] }];
}

async function authorityExtensions(
  trustDomain: string,
  pathLength: number,
  own: webcrypto.CryptoKey,
  issuer: webcrypto.CryptoKey | Uint8Array<ArrayBuffer>,
) {
  return [
    new BasicConstraintsExtension(true, pathLength, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    new SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${trustDomain}` }]),
    await SubjectKeyIdentifierExtension.create(own),
    await AuthorityKeyIdentifierExtension.create(issuer),
  ];
}

/** 16 random octets, positive and always of that length (RFC 5280 §4.1.2.2). */
export function serialNumber(randomBytes: (length: number) => Uint8Array): string {
  const octets = Uint8Array.from(randomBytes(serialOctets));
  octets[0] = (octets[0]! & 0x7f) | 0x40;
  return Buffer.from(octets).toString('hex');
}

/** Reads a root from its file. Throws a sentence for the operator. */
export async function readRoot({ number, path, text, signsFromSeconds }: KeyFile, trustDomain: string): Promise<Root> {
  const [key, ...moreKeys] = fromPem('PRIVATE KEY', text);
  const [der, ...moreCertificates] = fromPem('CERTIFICATE', text);
  const fields = der === undefined ? null : readCertificate(der);
  const basic = fields?.extensions.get(extensionId.basicConstraints);
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
  return {
    number,
    signsFromSeconds: signsFromSeconds ?? fields.notBeforeSeconds + backdateSeconds,
    notAfterSeconds: fields.notAfterSeconds,
    signingKey: await crypto.subtle.importKey('pkcs8', key, ecdsaP256, false, ['sign']),
    der,
    subject: new Name(Uint8Array.from(fields.subject)),
    publicKeyInfo: Uint8Array.from(fields.publicKeyInfo),
    mayHaveIntermediate: basic !== undefined && (readBasicConstraints(basic.value)?.pathLength ?? 1) > 0,
  };
}
