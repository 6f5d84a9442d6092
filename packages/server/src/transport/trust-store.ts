// What a listener trusts when peers of several trust domains may call: each domain's roots, for that domain only.
// One union of roots would let any partner's authority mint our identities (SPIFFE Federation §4 forbids it). Instead a
// private anchor certifies every root again with a name constraint (RFC 5280 §4.2.1.10), and OpenSSL does the rest in
// the handshake, intermediates included. Anchor and cross-certificates never leave the process.

import 'reflect-metadata'; // @peculiar/x509 needs it at import time

import { randomBytes as systemRandomBytes, type webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import {
  concat,
  equalBytes,
  extensionId,
  readBasicConstraints,
  readCertificate,
  type UnverifiedCertificate,
  utf8,
} from '@writ/core';
import { ecdsaP256, serialNumber } from './ca-root.ts';
import { toPem } from './tls-pem.ts';

/** Roots as DER by trust domain. Our own domain comes first: where two domains claim one name, the earlier keeps it. */
export type Bundles = ReadonlyMap<string, readonly Uint8Array[]>;

export interface Trust {
  /** For Node's `ca`; never empty, because an empty list there can mean the public roots. */
  readonly caPem: readonly string[];
  /** The domains with at least one root. */
  readonly trustDomains: ReadonlySet<string>;
  /** Roots left out, each with a sentence for the operator. */
  readonly leftOut: readonly { readonly trustDomain: string; readonly says: string }[];
}

export interface TrustStore {
  caList(bundles: Bundles): Promise<Trust>;
}

interface BundleRoot {
  readonly fields: UnverifiedCertificate;
  readonly pathLength: number | null;
  /** More than one only when several domains publish the very same root. */
  readonly trustDomains: string[];
}

interface Anchor {
  readonly signingKey: webcrypto.CryptoKey;
  readonly name: Name;
  readonly publicKeyInfo: Uint8Array<ArrayBuffer>;
  readonly pem: string;
}

// The anchor lives as long as the process; what may expire are the roots below it.
const anchorFrom = new Date('2000-01-01T00:00:00Z');
const anchorUntil = new Date('2099-12-31T23:59:59Z');
const mayCertify = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;

export async function openTrustStore(
  randomBytes: (length: number) => Uint8Array = systemRandomBytes,
): Promise<TrustStore> {
  const anchor = await createAnchor(randomBytes);
  return {
    async caList(bundles) {
      const { roots, leftOut } = sortRoots(bundles);
      const crossed = await Promise.all(roots.map((root) => crossCertify(root, anchor, randomBytes)));
      return {
        caPem: [anchor.pem, ...crossed],
        trustDomains: new Set(roots.flatMap((root) => root.trustDomains)),
        leftOut,
      };
    },
  };
}

async function createAnchor(randomBytes: (length: number) => Uint8Array): Promise<Anchor> {
  const keys = await crypto.subtle.generateKey(ecdsaP256, true, ['sign', 'verify']);
  const serialHex = serialNumber(randomBytes);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['Writ private anchor'] }, { '2.5.4.5': [serialHex] }],
    serialNumber: serialHex,
    notBefore: anchorFrom,
    notAfter: anchorUntil,
    keys,
    signingAlgorithm: ecdsaP256,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(mayCertify, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    signingKey: keys.privateKey,
    name: certificate.subjectName,
    publicKeyInfo: new Uint8Array(certificate.publicKey.rawData),
    pem: toPem('CERTIFICATE', new Uint8Array(certificate.rawData)),
  };
}

/** The roots that can be held apart, and a sentence for each that cannot. */
function sortRoots(bundles: Bundles) {
  const roots: BundleRoot[] = [];
  const leftOut: { trustDomain: string; says: string }[] = [];
  for (const [trustDomain, ders] of bundles) {
    for (const der of ders) {
      const says = addRoot(roots, trustDomain, der);
      if (says !== null) leftOut.push({ trustDomain, says });
    }
  }
  return { roots, leftOut };
}

function addRoot(roots: BundleRoot[], trustDomain: string, der: Uint8Array): string | null {
  const fields = readCertificate(der);
  // The trust domain comes from configuration: roots are known to carry names that no strict parser takes.
  const constraints = fields?.extensions.get(extensionId.basicConstraints);
  const basic = constraints && readBasicConstraints(constraints.value);
  if (fields === null || fields.subjectEmpty || !basic?.ca)
    return `a root of \`${trustDomain}\` is not the certificate of an authority`;
  // In a name constraint a leading dot means "everything below".
  if (trustDomain.startsWith('.'))
    return `the trust domain \`${trustDomain}\` begins with a dot and cannot be held apart from those below it`;
  const same = roots.find(
    (root) =>
      equalBytes(root.fields.subject, fields.subject) && equalBytes(root.fields.publicKeyInfo, fields.publicKeyInfo),
  );
  if (same !== undefined) {
    if (!same.trustDomains.includes(trustDomain)) same.trustDomains.push(trustDomain);
    return null;
  }
  // OpenSSL picks an issuer by name and key identifier and does not try a second one. A partner whose root copies both
  // could not speak for us, but could have all our agents refused.
  const clash = roots.find((root) => !root.trustDomains.includes(trustDomain) && isLookalike(root.fields, fields));
  if (clash === undefined) roots.push({ fields, pathLength: basic.pathLength, trustDomains: [trustDomain] });
  return clash === undefined
    ? null
    : `a root of \`${trustDomain}\` has the name and key identifier of one of \`${clash.trustDomains[0]}\``;
}

function isLookalike(a: UnverifiedCertificate, b: UnverifiedCertificate): boolean {
  const keyA = a.extensions.get(extensionId.subjectKeyIdentifier);
  const keyB = b.extensions.get(extensionId.subjectKeyIdentifier);
  const keysApart = keyA !== undefined && keyB !== undefined && !equalBytes(keyA.value, keyB.value);
  return !keysApart && equalBytes(a.subject, b.subject);
}

/** The root again — its name, key, key identifier, path length and end — under the anchor, for its domains only. */
async function crossCertify(
  root: BundleRoot,
  anchor: Anchor,
  randomBytes: (length: number) => Uint8Array,
): Promise<string> {
  const { fields, pathLength, trustDomains } = root;
  const keyIdentifier = fields.extensions.get(extensionId.subjectKeyIdentifier);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(randomBytes),
    subject: new Name(Uint8Array.from(fields.subject)),
    issuer: anchor.name,
    notBefore: new Date(fields.notBeforeSeconds * 1000),
    notAfter: new Date(fields.notAfterSeconds * 1000),
    publicKey: Uint8Array.from(fields.publicKeyInfo),
    signingKey: anchor.signingKey,
    signingAlgorithm: ecdsaP256,
    extensions: [
      new BasicConstraintsExtension(true, pathLength ?? undefined, true),
      new KeyUsagesExtension(mayCertify, true),
      new Extension(extensionId.nameConstraints, true, Uint8Array.from(permittedUris(trustDomains))),
      ...(keyIdentifier
        ? [new Extension(extensionId.subjectKeyIdentifier, false, Uint8Array.from(keyIdentifier.value))]
        : []),
      await AuthorityKeyIdentifierExtension.create(anchor.publicKeyInfo),
    ],
  });
  return toPem('CERTIFICATE', new Uint8Array(certificate.rawData));
}

/** `NameConstraints { permittedSubtrees [0] { GeneralSubtree { uniformResourceIdentifier [6] host } … } }`: exact hosts. */
function permittedUris(trustDomains: readonly string[]): Uint8Array {
  const subtrees = trustDomains.map((trustDomain) => der(0x30, der(0x86, utf8(trustDomain))));
  return der(0x30, der(0xa0, ...subtrees));
}

/** One DER value of fewer than 65,536 octets. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concat(...parts);
  const { length } = content;
  const prefix = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concat(Uint8Array.of(tag, ...prefix), content);
}
