// For tests only: authorities that issue whatever they are asked for, good or bad, and raw TLS clients to carry it.

import 'reflect-metadata'; // @peculiar/x509 needs it at import time

import type { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { type TlsIdentity, tlsIdentity, toPem } from './tls-pem.ts';

export { Extension, KeyUsageFlags };

export const wallClock = { nowSeconds: () => Math.floor(Date.now() / 1000), nowMillis: () => Date.now() };

export async function temporaryFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'writ-tls-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export interface LeafOptions {
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly emails?: readonly string[];
  readonly subject?: string;
  readonly namesCritical?: boolean;
  /** Null: the extension is left out. */
  readonly ca?: boolean | null;
  readonly keyUsage?: number | null;
  readonly keyUsageCritical?: boolean;
  readonly extendedKeyUsage?: readonly string[] | null;
  readonly fromSeconds?: number;
  readonly untilSeconds?: number;
  readonly authorityKeyIdentifier?: boolean;
  readonly more?: readonly Extension[];
}

export interface Issued {
  readonly der: Uint8Array;
  readonly identity: TlsIdentity;
}

export interface TestAuthority {
  readonly der: Uint8Array;
  readonly pem: string;
  readonly certificate: X509Certificate;
  issue(options?: LeafOptions): Promise<Issued>;
  /** An intermediate below; what it issues carries the chain. */
  intermediate(uri: string): Promise<TestAuthority>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const bothUsages = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
const secondsFromNow = (seconds: number) => new Date((wallClock.nowSeconds() + seconds) * 1000);

/** A root; with `imitates`, under the subject and key identifier of another one but a key of its own. */
export async function testAuthority(
  options: { uri?: string; imitates?: TestAuthority; withoutKeyIdentifier?: boolean } = {},
): Promise<TestAuthority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const identifier =
    options.imitates?.certificate.getExtension(SubjectKeyIdentifierExtension) ??
    (await SubjectKeyIdentifierExtension.create(keys.publicKey));
  const name: Name | string = options.imitates?.certificate.subjectName ?? `CN=root ${crypto.randomUUID()}`;
  const certificate = await X509CertificateGenerator.create({
    subject: name,
    issuer: name,
    notBefore: secondsFromNow(-86_400),
    notAfter: secondsFromNow(86_400),
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      ...(options.uri === undefined
        ? []
        : [new SubjectAlternativeNameExtension([{ type: 'url', value: options.uri }])]),
      ...(options.withoutKeyIdentifier ? [] : [identifier]),
    ],
  });
  return authority(certificate, keys, []);
}

function authority(
  certificate: X509Certificate,
  keys: webcrypto.CryptoKeyPair,
  chain: readonly Uint8Array[],
): TestAuthority {
  const der = new Uint8Array(certificate.rawData);
  const keyIdentifier = certificate.getExtension(SubjectKeyIdentifierExtension);
  return {
    der,
    pem: toPem('CERTIFICATE', der),
    certificate,
    async issue(options = {}) {
      const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const leaf = await X509CertificateGenerator.create({
        ...(options.subject === undefined ? {} : { subject: options.subject }),
        issuer: certificate.subjectName,
        notBefore: new Date((options.fromSeconds ?? wallClock.nowSeconds() - 60) * 1000),
        notAfter: new Date((options.untilSeconds ?? wallClock.nowSeconds() + 3600) * 1000),
        publicKey: pair.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        extensions: [
          ...leafExtensions(options),
          ...(keyIdentifier && options.authorityKeyIdentifier !== false
            ? [new AuthorityKeyIdentifierExtension(keyIdentifier.keyId)]
            : []),
        ],
      });
      const leafDer = new Uint8Array(leaf.rawData);
      const keyPkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
      return { der: leafDer, identity: tlsIdentity({ chainDer: [leafDer, ...chain], keyPkcs8 }) };
    },
    async intermediate(uri) {
      const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const below = await X509CertificateGenerator.create({
        subject: `CN=intermediate ${crypto.randomUUID()}`,
        issuer: certificate.subjectName,
        notBefore: secondsFromNow(-3600),
        notAfter: secondsFromNow(3600),
        publicKey: pair.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        extensions: [
          new BasicConstraintsExtension(true, 0, true),
          new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
          new SubjectAlternativeNameExtension([{ type: 'url', value: uri }]),
          await SubjectKeyIdentifierExtension.create(pair.publicKey),
        ],
      });
      return authority(below, pair, [new Uint8Array(below.rawData), ...chain]);
    },
  };
}

export function leafExtensions(options: LeafOptions): Extension[] {
  const {
    uris = ['spiffe://our.test/a/b'],
    dnsNames = [],
    emails = [],
    ca = false,
    keyUsage = KeyUsageFlags.digitalSignature,
  } = options;
  const extendedKeyUsage = options.extendedKeyUsage === undefined ? bothUsages : options.extendedKeyUsage;
  const names = [
    ...uris.slice(0, 1).map((value) => ({ type: 'url', value }) as const),
    ...dnsNames.map((value) => ({ type: 'dns', value }) as const),
    ...emails.map((value) => ({ type: 'email', value }) as const),
    ...uris.slice(1).map((value) => ({ type: 'url', value }) as const),
  ];
  return [
    ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names, options.namesCritical ?? true)]),
    ...(ca === null ? [] : [new BasicConstraintsExtension(ca, undefined, true)]),
    ...(keyUsage === null ? [] : [new KeyUsagesExtension(keyUsage, options.keyUsageCritical ?? true)]),
    ...(extendedKeyUsage === null ? [] : [new ExtendedKeyUsageExtension([...extendedKeyUsage])]),
    ...(options.more ?? []),
  ];
}

export interface Exchange {
  /** Everything the server sent, as text; empty when it hung up. */
  readonly answer: string;
  readonly error: NodeJS.ErrnoException | null;
}

/** A client without manners: connects, writes `text` as soon as TLS lets it, and collects until the other side ends. */
export async function rawExchange(port: number, options: ConnectionOptions, text: string): Promise<Exchange> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  let answer = '';
  let error: Error | null = null;
  socket.on('error', (failed) => {
    error = failed;
  });
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return { answer, error };
}

/** A connected client that stays; rejects when the handshake fails on this side. */
export async function openClient(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  return socket;
}
