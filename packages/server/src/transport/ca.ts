// The certificate authority of one trust domain: mints X509-SVIDs (X509-SVID §3–4) under roots that ca-root.ts keeps.
// Who may have which identity was decided by the caller; here it is only refused to sign outside the trust domain.

import 'reflect-metadata'; // @peculiar/x509 needs it at import time

import { createPublicKey, generateKeyPair, randomBytes as systemRandomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { isMemberOf, isTrustDomain, parseSpiffeId, pathOf, type SpiffeId } from '@writ/core';
import { backdateSeconds, createFirstRoot, ecdsaP256, loadRoots, type Root, serialNumber } from './ca-root.ts';
import { openPrivateFolder } from './tls-files.ts';

export interface Svid {
  readonly spiffeId: SpiffeId;
  /** Leaf first, without the root. */
  readonly chainDer: readonly Uint8Array[];
  readonly notBeforeSeconds: number;
  readonly notAfterSeconds: number;
  readonly serialHex: string;
}

export interface SvidWithKey extends Svid {
  /** PKCS#8, DER. Never logged, never stored. */
  readonly keyPkcs8: Uint8Array;
}

export interface SvidRequest {
  /** A workload of this trust domain; anything else is a bug of the caller and throws. */
  readonly spiffeId: string;
  /** Default: the authority's. Cut at the end of the root's own life. */
  readonly ttlSeconds?: number;
  /** Names beside the identity, for peers that know only host names: the gateway's `localhost`, say. */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

export interface Authority {
  readonly trustDomain: string;
  /** An SVID for a key made here. */
  mint(request: SvidRequest): Promise<SvidWithKey>;
  /** An SVID for somebody's own P-256 key (SubjectPublicKeyInfo, DER). The caller has seen proof of possession. */
  certify(request: SvidRequest & { readonly publicKeyInfo: Uint8Array }): Promise<Svid>;
  /** The roots that peers must trust, DER, newest last. */
  bundle(): readonly Uint8Array[];
}

export interface AuthorityOptions {
  /** Folder of the roots, mode 0700; made when missing. */
  readonly dir: string;
  readonly trustDomain: string;
  readonly clock: { nowSeconds(): number };
  /** Life of an SVID. Default: one hour. */
  readonly ttlSeconds?: number;
  /** Life of a new root. Default: five years, because roots do not rotate by themselves yet. */
  readonly caTtlSeconds?: number;
  readonly randomBytes?: (length: number) => Uint8Array;
}

const hourSeconds = 3600;
const fiveYearsSeconds = 5 * 365 * 24 * hourSeconds;
const generate = promisify(generateKeyPair);

/** Opens the authority in `dir`, making its first root when there is none. Throws a sentence for the operator. */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const { dir, trustDomain, clock, ttlSeconds = hourSeconds, randomBytes = systemRandomBytes } = options;
  if (!isTrustDomain(trustDomain)) {
    throw new Error(
      `\`${trustDomain}\` cannot be a trust domain: use a-z, 0-9, \`.\`, \`-\` and \`_\`, at most 255 of them`,
    );
  }
  await openPrivateFolder(dir);
  const here = { dir, trustDomain, nowSeconds: clock.nowSeconds() };
  let roots = await loadRoots(here);
  if (roots.length === 0) {
    await createFirstRoot({ ...here, randomBytes, ttlSeconds: options.caTtlSeconds ?? fiveYearsSeconds });
    roots = await loadRoots(here);
  }
  const signer = roots.at(-1)!;

  async function sign(request: SvidRequest, publicKeyInfo: Buffer): Promise<Svid> {
    const spiffeId = parseSpiffeId(request.spiffeId);
    if (spiffeId === null || pathOf(spiffeId) === '' || !isMemberOf(spiffeId, trustDomain)) {
      throw new Error(`\`${request.spiffeId}\` is not a workload of \`${trustDomain}\``);
    }
    const nowSeconds = clock.nowSeconds();
    const notBeforeSeconds = nowSeconds - backdateSeconds;
    const notAfterSeconds = Math.min(nowSeconds + (request.ttlSeconds ?? ttlSeconds), signer.notAfterSeconds);
    if (notAfterSeconds <= nowSeconds)
      throw new Error('the root of this trust domain has expired and signs nothing more');
    const serialHex = serialNumber(randomBytes);
    const leaf = await X509CertificateGenerator.create({
      serialNumber: serialHex,
      issuer: signer.subject,
      notBefore: new Date(notBeforeSeconds * 1000),
      notAfter: new Date(notAfterSeconds * 1000),
      publicKey: Uint8Array.from(publicKeyInfo),
      signingKey: signer.signingKey,
      signingAlgorithm: ecdsaP256,
      extensions: await leafExtensions(spiffeId, request, Uint8Array.from(publicKeyInfo), signer),
    });
    return { spiffeId, chainDer: [new Uint8Array(leaf.rawData)], notBeforeSeconds, notAfterSeconds, serialHex };
  }

  return {
    trustDomain,
    async mint(request) {
      const pair = await generate('ec', { namedCurve: 'P-256' });
      const svid = await sign(request, pair.publicKey.export({ type: 'spki', format: 'der' }));
      return { ...svid, keyPkcs8: pair.privateKey.export({ type: 'pkcs8', format: 'der' }) };
    },
    async certify({ publicKeyInfo, ...request }) {
      const key = createPublicKey({ key: Buffer.from(publicKeyInfo), type: 'spki', format: 'der' });
      if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
        throw new Error('an SVID is signed for a P-256 key only');
      // Re-encoded, so that what is signed is the key that was read and not a second spelling of it.
      return sign(request, key.export({ type: 'spki', format: 'der' }));
    },
    bundle: () => roots.map((root) => root.der),
  };
}

/** The leaf profile of X509-SVID §4; readers refuse anything else (svid.ts). */
async function leafExtensions(
  spiffeId: SpiffeId,
  { dnsNames = [], ipAddresses = [] }: SvidRequest,
  publicKeyInfo: Uint8Array<ArrayBuffer>,
  signer: Root,
) {
  const names: JsonGeneralName[] = [
    { type: 'url', value: spiffeId },
    ...dnsNames.map((value): JsonGeneralName => ({ type: 'dns', value })),
    ...ipAddresses.map((value): JsonGeneralName => ({ type: 'ip', value })),
  ];
  return [
    // Critical because the subject is empty (RFC 5280 §4.2.1.6).
    new SubjectAlternativeNameExtension(names, true),
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    await SubjectKeyIdentifierExtension.create(publicKeyInfo),
    await AuthorityKeyIdentifierExtension.create(signer.publicKeyInfo),
  ];
}
