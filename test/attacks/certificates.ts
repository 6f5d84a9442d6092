// Certificates as somebody would make them who has the wrong key, or who got hold of the right one and writes what an authority of
// ours never would.

import 'reflect-metadata'; // @peculiar/x509 needs it at import time

import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Name, X509Certificate, X509CertificateGenerator } from '@peculiar/x509';
import { type Authority, openAuthority } from '../../packages/server/src/transport/ca.ts';
import {
  KeyUsageFlags,
  type LeafOptions,
  leafExtensions,
  testAuthority,
} from '../../packages/server/src/transport/tls-fixtures.ts';
import { fromPem, type TlsIdentity, tlsIdentity, toPem } from '../../packages/server/src/transport/tls-pem.ts';
import type { TestPlane } from '../plane.fixture.ts';

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const nowSeconds = () => Math.floor(Date.now() / 1000);
const uriOf = (path: string) => `spiffe://zylos.local/${path}`;

/** Signed with the plane's own root: the profile is the only thing that is wrong. */
const outOfProfile: { readonly [kind: string]: (path: string) => LeafOptions } = {
  'two identities': (path) => ({ uris: [uriOf(path), uriOf('claude/orchestrator')] }),
  'a second identity behind a host name': (path) => ({ uris: [uriOf(path), uriOf('x/y')], dnsNames: ['localhost'] }),
  'no identity': () => ({ uris: [], subject: 'CN=claude/orchestrator' }),
  'only a host name': () => ({ uris: [], dnsNames: ['localhost'] }),
  'the trust domain alone': () => ({ uris: ['spiffe://zylos.local'] }),
  'a trailing slash': (path) => ({ uris: [`${uriOf(path)}/`] }),
  'a step up in the path': (path) => ({ uris: [uriOf(`x/../${path}`)] }),
  'an escaped path': (path) => ({ uris: [uriOf(path.replace('/', '%2f'))] }),
  'an upper-case trust domain': (path) => ({ uris: [`spiffe://ZYLOS.local/${path}`] }),
  'a port': (path) => ({ uris: [`spiffe://zylos.local:80/${path}`] }),
  'a user': (path) => ({ uris: [`spiffe://admin@zylos.local/${path}`] }),
  'a name without end': (path) => ({ uris: [uriOf(`${path}/${'a'.repeat(4000)}`)] }),
  'the mark of an authority': (path) => ({ uris: [uriOf(path)], ca: true }),
  'a key that may sign certificates': (path) => ({
    uris: [uriOf(path)],
    keyUsage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign,
  }),
  'a key for nothing in particular': (path) => ({ uris: [uriOf(path)], keyUsage: null }),
  'a key for servers only': (path) => ({ uris: [uriOf(path)], extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] }),
};

/** Throws for a kind there is not. */
export async function certificateOf(kind: string, path: string, world: TestPlane): Promise<TlsIdentity> {
  const { trustDomain } = world.authority;
  const made = outOfProfile[kind];
  if (made !== undefined) return signedByRoot(world, made(path));
  const spiffeId = uriOf(path);
  switch (kind) {
    case 'genuine':
      return tlsIdentity(await world.authority.mint({ spiffeId }));
    case 'expired':
      return tlsIdentity(await (await ownAt(world, -120)).mint({ spiffeId, ttlSeconds: 60 }));
    case 'not yet valid':
      return tlsIdentity(await (await ownAt(world, 3600)).mint({ spiffeId }));
    case 'forged':
      return tlsIdentity(await (await stranger(world, trustDomain)).mint({ spiffeId }));
    case 'of another trust domain':
      return tlsIdentity(
        await (await stranger(world, 'elsewhere.example')).mint({ spiffeId: `spiffe://elsewhere.example/${path}` }),
      );
    case 'forged, with the real root in its chain': {
      const { certPem, keyPem } = tlsIdentity(await (await stranger(world, trustDomain)).mint({ spiffeId }));
      return { certPem: certPem + toPem('CERTIFICATE', world.authority.bundle()[0]!), keyPem };
    }
    case "under a root of the real one's name and key identifier": {
      const certificate = new X509Certificate(Uint8Array.from(world.authority.bundle()[0]!));
      const imitation = await testAuthority({ imitates: { certificate } as Awaited<ReturnType<typeof testAuthority>> });
      return (await imitation.issue({ uris: [spiffeId] })).identity;
    }
    case 'self-signed': {
      const keys = await crypto.subtle.generateKey(p256, true, ['sign', 'verify']);
      const times = {
        notBefore: new Date((nowSeconds() - 30) * 1000),
        notAfter: new Date((nowSeconds() + 3600) * 1000),
      };
      const extensions = leafExtensions({ uris: [spiffeId] });
      const { rawData } = await X509CertificateGenerator.createSelfSigned({
        ...times,
        keys,
        extensions,
        name: 'CN=me',
        signingAlgorithm: p256,
      });
      const keyPkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
      return tlsIdentity({ chainDer: [new Uint8Array(rawData)], keyPkcs8 });
    }
    case "an agent's, used as an authority": {
      const { chainDer, keyPkcs8 } = await world.authority.mint({ spiffeId: uriOf('db/reader') });
      const name = new X509Certificate(Uint8Array.from(chainDer[0]!)).subjectName;
      return signed({ uris: [spiffeId] }, name, keyPkcs8, chainDer);
    }
    default:
      throw new Error(`\`${kind}\` is no kind of certificate`);
  }
}

async function ownAt(world: TestPlane, offsetSeconds: number): Promise<Authority> {
  const clock = { nowSeconds: () => nowSeconds() + offsetSeconds };
  return openAuthority({ dir: join(world.dataDir, 'data', 'ca'), trustDomain: world.authority.trustDomain, clock });
}

async function stranger(world: TestPlane, trustDomain: string): Promise<Authority> {
  const dir = join(world.dataDir, `ca-${crypto.randomUUID()}`);
  mkdirSync(dir, { mode: 0o700 });
  return openAuthority({ dir, trustDomain, clock: { nowSeconds } });
}

async function signedByRoot(world: TestPlane, leaf: LeafOptions): Promise<TlsIdentity> {
  const text = readFileSync(join(world.dataDir, 'data', 'ca', 'root-1.pem'), 'utf8');
  const name = new X509Certificate(fromPem('CERTIFICATE', text)[0]!).subjectName;
  return signed(leaf, name, fromPem('PRIVATE KEY', text)[0]!, []);
}

async function signed(
  leaf: LeafOptions,
  issuer: Name,
  issuerPkcs8: Uint8Array,
  chain: readonly Uint8Array[],
): Promise<TlsIdentity> {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = createPrivateKey({ key: Buffer.from(issuerPkcs8), type: 'pkcs8', format: 'der' });
  const pkcs8 = Uint8Array.from(key.export({ type: 'pkcs8', format: 'der' }));
  const certificate = await X509CertificateGenerator.create({
    ...(leaf.subject === undefined ? {} : { subject: leaf.subject }),
    issuer,
    notBefore: new Date((nowSeconds() - 30) * 1000),
    notAfter: new Date((nowSeconds() + 3600) * 1000),
    publicKey: Uint8Array.from(own.publicKey.export({ type: 'spki', format: 'der' })),
    signingKey: await crypto.subtle.importKey('pkcs8', pkcs8, p256, false, ['sign']),
    signingAlgorithm: p256,
    extensions: leafExtensions(leaf),
  });
  const keyPkcs8 = own.privateKey.export({ type: 'pkcs8', format: 'der' });
  return tlsIdentity({ chainDer: [new Uint8Array(certificate.rawData), ...chain], keyPkcs8 });
}
