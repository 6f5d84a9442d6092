// The authority of one trust domain: mints X509-SVIDs (X509-SVID §3–4) and JWT-SVIDs under keys that ca-generations.ts keeps.
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
import { isMemberOf, isTrustDomain, type JsonObject, parseSpiffeId, pathOf, type SpiffeId } from '@writ/core';
import { keyFiles } from './ca-files.ts';
import { type Generations, openGenerations, type Rotation } from './ca-generations.ts';
import type { Generation } from './ca-life.ts';
import {
  backdateSeconds,
  ecdsaP256,
  newRoot,
  newSigner,
  type Root,
  readRoot,
  type Signer,
  serialNumber,
} from './ca-root.ts';
import { type JwtSigner, newJwtKey, readJwtKey } from './jwt-authority.ts';
import { openPrivateFolder } from './tls-files.ts';

export interface Svid {
  readonly spiffeId: SpiffeId;
  /** Leaf first, then the intermediate, without the root. */
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
  /** Default: the authority's. Cut at the end of its issuer's own life. */
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
  /** A JWT-SVID of a workload of this trust domain for these audiences, at least one. */
  mintJwt(request: JwtSvidRequest): JwtSvid;
  /** The roots that peers must trust, DER, newest last. */
  bundle(): readonly Uint8Array[];
  /** Public keys of JWT-SVIDs, with `kid`. */
  jwtKeys(): readonly JsonObject[];
  /** Raised with every change of what is published. SPIFFE Trust Domain and Bundle §4.1.1. */
  sequence(): number;
  keys(): AuthorityKeys;
  /** A new root or JWT key by an operator's wish. */
  rotate(kind: KeyKind, how: Rotation): Promise<void>;
  /** Prepares, activates and lets go of keys as time goes on; to be called every minute or so. */
  maintain(): Promise<void>;
  /** Something is published, signs or has gone that did not before; `revoked` when nothing signed before holds any more. */
  onChange(listener: (change: { readonly revoked: boolean }) => void): void;
}

export type KeyKind = 'root' | 'jwt';

export interface KeyState {
  readonly number: number;
  readonly state: 'next' | 'signs' | 'former';
  readonly signsFromSeconds: number;
  readonly notAfterSeconds: number;
}
export type AuthorityKeys = { readonly [kind in KeyKind]: readonly KeyState[] };

export interface JwtSvidRequest {
  readonly spiffeId: string;
  readonly audience: readonly string[];
}

export interface JwtSvid {
  readonly spiffeId: SpiffeId;
  readonly token: string;
  readonly expiresSeconds: number;
}

export interface AuthorityOptions {
  /** Folder of the keys, mode 0700; made when missing. */
  readonly dir: string;
  readonly trustDomain: string;
  readonly clock: { nowSeconds(): number };
  /** Life of an SVID. Default: one hour. */
  readonly ttlSeconds?: number;
  /** Life of a JWT-SVID, which whoever holds it may use. Default: five minutes. */
  readonly jwtTtlSeconds?: number;
  /** Life of a root. Default: a year. */
  readonly caTtlSeconds?: number;
  /** How long a key is published before it signs. Default: 25 minutes, five times the interval at which partners ask. */
  readonly noticeSeconds?: number;
  readonly randomBytes?: (length: number) => Uint8Array;
}

const hourSeconds = 3600;
const daySeconds = 24 * hourSeconds;
const generate = promisify(generateKeyPair);

interface Issuing {
  readonly root: Root;
  readonly signer: Signer;
  readonly fromSeconds: number;
  readonly renewSeconds: number;
}

/** Opens the authority in `dir`, making its first keys when there are none. Throws a sentence for the operator. */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const { dir, trustDomain, clock, ttlSeconds = hourSeconds, randomBytes = systemRandomBytes } = options;
  const { jwtTtlSeconds = 300, caTtlSeconds = 365 * daySeconds, noticeSeconds = 1500 } = options;
  if (!isTrustDomain(trustDomain)) {
    throw new Error(
      `\`${trustDomain}\` cannot be a trust domain: use a-z, 0-9, \`.\`, \`-\` and \`_\`, at most 255 of them`,
    );
  }
  await openPrivateFolder(dir);
  // Twice as long as what it signs at least, so that a leaf asked for in its second half is not cut short.
  const signerSeconds = Math.max(daySeconds, 2 * ttlSeconds);
  const common = { clock, suffix: () => serialNumber(randomBytes) };
  const roots = await openGenerations<Root>({
    ...common,
    files: keyFiles(dir, 'root'),
    policy: { ttlSeconds: caTtlSeconds, signedSecondsMax: signerSeconds, noticeSeconds },
    read: (file) => readRoot(file, trustDomain),
    make: async (times) => newRoot({ trustDomain, randomBytes, ...times }),
    expired: ({ notAfterSeconds }, { path }) =>
      `the root in \`${path}\` expired at ${isoOf(notAfterSeconds)}: move it away to have a new one made`,
  });
  const jwtKeys = await openGenerations<JwtSigner>({
    ...common,
    files: keyFiles(dir, 'jwt'),
    policy: { ttlSeconds: Math.min(caTtlSeconds, 90 * daySeconds), signedSecondsMax: jwtTtlSeconds, noticeSeconds },
    read: async (file) => readJwtKey(file),
    make: async (times) => newJwtKey(times.nowSeconds + times.ttlSeconds),
    expired: null,
  });
  const listeners: ((change: { readonly revoked: boolean }) => void)[] = [];
  const changed = (revoked: boolean) => {
    for (const listener of listeners) listener({ revoked });
  };

  let issuing: Promise<Issuing> | null = null;
  /** The signer below the present root, made anew at half of its life, after a rotation, and when the clock went back before it. */
  async function signer(): Promise<Signer> {
    const nowSeconds = clock.nowSeconds();
    const root = roots.signer();
    const held = await issuing?.catch(() => null);
    if (held?.root === root && held.fromSeconds <= nowSeconds && nowSeconds < held.renewSeconds) return held.signer;
    issuing = newSigner(root, { trustDomain, nowSeconds, ttlSeconds: signerSeconds, randomBytes }).then((made) => {
      const renewSeconds = nowSeconds + (made.notAfterSeconds - nowSeconds) / 2;
      return { root, signer: made, fromSeconds: nowSeconds, renewSeconds };
    });
    return (await issuing).signer;
  }

  function workloadOf(text: string): SpiffeId {
    const spiffeId = parseSpiffeId(text);
    if (spiffeId === null || pathOf(spiffeId) === '' || !isMemberOf(spiffeId, trustDomain)) {
      throw new Error(`\`${text}\` is not a workload of \`${trustDomain}\``);
    }
    return spiffeId;
  }

  async function sign(request: SvidRequest, publicKeyInfo: Buffer): Promise<Svid> {
    const spiffeId = workloadOf(request.spiffeId);
    const nowSeconds = clock.nowSeconds();
    const issuer = await signer();
    const notBeforeSeconds = nowSeconds - backdateSeconds;
    const notAfterSeconds = Math.min(nowSeconds + (request.ttlSeconds ?? ttlSeconds), issuer.notAfterSeconds);
    const serialHex = serialNumber(randomBytes);
    const leaf = await X509CertificateGenerator.create({
      serialNumber: serialHex,
      issuer: issuer.subject,
      notBefore: new Date(notBeforeSeconds * 1000),
      notAfter: new Date(notAfterSeconds * 1000),
      publicKey: Uint8Array.from(publicKeyInfo),
      signingKey: issuer.signingKey,
      signingAlgorithm: ecdsaP256,
      extensions: await leafExtensions(spiffeId, request, Uint8Array.from(publicKeyInfo), issuer),
    });
    const chainDer = [new Uint8Array(leaf.rawData), ...issuer.chainDer];
    return { spiffeId, chainDer, notBeforeSeconds, notAfterSeconds, serialHex };
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
    mintJwt({ spiffeId: text, audience }) {
      const spiffeId = workloadOf(text);
      if (audience.length === 0 || audience.includes('')) throw new Error('a JWT-SVID is for a named audience');
      const iat = clock.nowSeconds();
      const key = jwtKeys.signer();
      const exp = Math.min(iat + jwtTtlSeconds, key.notAfterSeconds);
      const jti = serialNumber(randomBytes);
      return { spiffeId, token: key.sign({ sub: spiffeId, aud: [...audience], exp, iat, jti }), expiresSeconds: exp };
    },
    bundle: () => roots.published().map((root) => root.der),
    jwtKeys: () => jwtKeys.published().map(({ publicJwk }) => publicJwk),
    sequence: () => roots.sequence() + jwtKeys.sequence(),
    keys: () => ({ root: statesOf(roots), jwt: statesOf(jwtKeys) }),
    async rotate(kind, how) {
      await (kind === 'root' ? roots : jwtKeys).rotate(how);
      // Certificates stay what they are when the keys of tokens are thrown away.
      changed(kind === 'root' && how.revoke);
    },
    async maintain() {
      const both = [await roots.maintain(), await jwtKeys.maintain()];
      if (both.includes(true)) changed(false);
    },
    onChange: (listener) => void listeners.push(listener),
  };
}

function statesOf(generations: Generations<Generation>): readonly KeyState[] {
  const signer = generations.signer();
  return generations.published().map(({ number, signsFromSeconds, notAfterSeconds }) => {
    const state = number === signer.number ? 'signs' : signsFromSeconds > signer.signsFromSeconds ? 'next' : 'former';
    return { number, state, signsFromSeconds, notAfterSeconds };
  });
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

/** The leaf profile of X509-SVID §4; readers refuse anything else (svid.ts). */
async function leafExtensions(
  spiffeId: SpiffeId,
  { dnsNames = [], ipAddresses = [] }: SvidRequest,
  publicKeyInfo: Uint8Array<ArrayBuffer>,
  signer: Signer,
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
