// Makes x509-svids.json, jwt-svids.json and bundles.json: genuine shapes, and each rule of the standards broken once. The keys are
// thrown away; run again, it makes others. `node test/vectors/spiffe/make.ts`

import 'reflect-metadata'; // @peculiar/x509 needs it at import time

import { constants, createHmac, generateKeyPairSync, type KeyObject, sign, type webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const nowSeconds = 1_790_000_000;
const [from, until] = [new Date('2024-01-01T00:00:00Z'), new Date('2049-01-01T00:00:00Z')];
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const one = 'spiffe://our.test/a/b';
const [serverAuth, clientAuth] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'] as const;
const { digitalSignature, keyCertSign, cRLSign, keyEncipherment, keyAgreement } = KeyUsageFlags;
const here = import.meta.dirname;
const write = (file: string, value: unknown) => writeFileSync(join(here, file), `${JSON.stringify(value, null, 2)}\n`);

// ── X509-SVIDs

interface Signer {
  readonly certificate: X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

async function authorityOf(name: string, uri: string, under: Signer | null, ca = true): Promise<Signer> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: under?.certificate.subjectName ?? `CN=${name}`,
    notBefore: from,
    notAfter: until,
    publicKey: keys.publicKey,
    signingKey: (under?.keys ?? keys).privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(ca, undefined, true),
      new KeyUsagesExtension(ca ? keyCertSign : digitalSignature, true),
      new SubjectAlternativeNameExtension([{ type: 'url', value: uri }]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, keys };
}

interface Leaf {
  readonly uris?: readonly string[];
  readonly names?: readonly { readonly type: 'dns' | 'email'; readonly value: string }[];
  readonly namesCritical?: boolean;
  readonly subject?: string;
  readonly ca?: boolean | null;
  readonly usage?: number | null;
  readonly usageCritical?: boolean;
  readonly extended?: readonly string[] | null;
  readonly from?: Date;
  readonly until?: Date;
  readonly more?: readonly Extension[];
}

async function leafOf(signer: Signer, leaf: Leaf): Promise<string> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { uris = [one], ca = false, usage = digitalSignature, extended = [serverAuth, clientAuth] } = leaf;
  const names = [
    ...uris.slice(0, 1).map((value) => ({ type: 'url', value }) as const),
    ...(leaf.names ?? []),
    ...uris.slice(1).map((value) => ({ type: 'url', value }) as const),
  ];
  const identifier = signer.certificate.getExtension(SubjectKeyIdentifierExtension)!;
  const certificate = await X509CertificateGenerator.create({
    ...(leaf.subject === undefined ? {} : { subject: leaf.subject }),
    issuer: signer.certificate.subjectName,
    notBefore: leaf.from ?? from,
    notAfter: leaf.until ?? until,
    publicKey: keys.publicKey,
    signingKey: signer.keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names, leaf.namesCritical ?? true)]),
      ...(ca === null ? [] : [new BasicConstraintsExtension(ca, undefined, true)]),
      ...(usage === null ? [] : [new KeyUsagesExtension(usage, leaf.usageCritical ?? true)]),
      ...(extended === null ? [] : [new ExtendedKeyUsageExtension([...extended])]),
      ...(leaf.more ?? []),
      new AuthorityKeyIdentifierExtension(identifier.keyId),
    ],
  });
  return Buffer.from(certificate.rawData).toString('base64');
}

/** Alternative names as they stand: tag and text of each. */
function rawNames(...names: readonly (readonly [tag: number, text: string])[]): Extension {
  const list = names.flatMap(([tag, text]) => [tag, text.length, ...Buffer.from(text)]);
  return new Extension('2.5.29.17', true, Uint8Array.of(0x30, list.length, ...list));
}

const invalid = 'transport.certificate_invalid';
const unnamed = 'transport.identity_invalid';
const expired = 'transport.certificate_expired';
type GoSays = 'accepts' | 'refuses' | undefined;
const leaves: [name: string, spec: string, leaf: Leaf, code: string | null, goSpiffe?: GoSays][] = [
  ['the plain profile', '§4', {}, null],
  [
    'an e-mail and a DNS name beside the URI',
    '§2',
    {
      names: [
        { type: 'email', value: 'a@our.test' },
        { type: 'dns', value: 'localhost' },
      ],
    },
    null,
  ],
  ['no extended key usage', '§4.4', { extended: null }, null],
  ['a further extended key usage', '§4.4', { extended: [serverAuth, clientAuth, '1.3.6.1.5.5.7.3.4'] }, null],
  ['keyEncipherment and keyAgreement', '§4.3', { usage: digitalSignature | keyEncipherment | keyAgreement }, null],
  ['no basic constraints', '§4.1', { ca: null }, null],
  ['names that are not critical beside a subject', '§2', { subject: 'CN=a', namesCritical: false }, null],
  [
    'an unknown extension that is not critical',
    'RFC 5280 §4.2',
    { more: [new Extension('1.2.3.4', false, Uint8Array.of(5, 0))] },
    null,
  ],
  ['no name at all', '§2', { uris: [], subject: 'CN=a' }, unnamed],
  ['two URI names', '§2', { uris: [one, 'spiffe://our.test/c/d'] }, unnamed],
  ['one URI name twice', '§2', { uris: [one, one] }, unnamed],
  [
    'a second URI name behind a DNS name',
    '§2',
    { uris: [one, 'https://our.test/'], names: [{ type: 'dns', value: 'localhost' }] },
    unnamed,
  ],
  [
    'a name of no kind beside the URI',
    '§2',
    { uris: [], more: [rawNames([0xa8, 'spiffe://our.test/c/d'], [0x86, one])] },
    unnamed,
    'accepts',
  ],
  [
    'a name of another class beside the URI',
    '§2',
    { uris: [], more: [rawNames([0x86, one], [0x47, 'spiffe://our.test/c/d'])] },
    unnamed,
    'accepts',
  ],
  ['only a DNS name', '§2', { uris: [], names: [{ type: 'dns', value: 'our.test' }] }, unnamed],
  ['the trust domain itself', '§5.2', { uris: ['spiffe://our.test'] }, unnamed, 'accepts'],
  ['a trailing slash', 'SPIFFE-ID §2.2', { uris: ['spiffe://our.test/a/'] }, unnamed],
  ['a port', 'SPIFFE-ID §2.1', { uris: ['spiffe://our.test:80/a'] }, unnamed],
  ['a user', 'SPIFFE-ID §2.1', { uris: ['spiffe://me@our.test/a'] }, unnamed],
  ['an upper-case trust domain', 'SPIFFE-ID §2.1', { uris: ['spiffe://OUR.test/a'] }, unnamed],
  ['another scheme', 'SPIFFE-ID §2', { uris: ['https://our.test/a'] }, unnamed],
  [
    'a name of 2049 bytes',
    'SPIFFE-ID §2.3',
    { uris: [`spiffe://our.test/${'a'.repeat(2049 - 18)}`] },
    unnamed,
    'accepts',
  ],
  [
    'names that are not critical under an empty subject',
    'RFC 5280 §4.2.1.6',
    { namesCritical: false },
    invalid,
    'accepts',
  ],
  ['cA true', '§4.1', { ca: true }, invalid],
  ['no key usage', '§4.3', { usage: null }, invalid, 'accepts'],
  ['a key usage that is not critical', '§4.3', { usageCritical: false }, invalid, 'accepts'],
  ['no digitalSignature', '§4.3', { usage: keyEncipherment }, invalid, 'accepts'],
  ['keyCertSign', '§4.3', { usage: digitalSignature | keyCertSign }, invalid],
  ['cRLSign', '§4.3', { usage: digitalSignature | cRLSign }, invalid],
  ['only serverAuth', '§4.4', { extended: [serverAuth] }, invalid, 'accepts'],
  ['only clientAuth', '§4.4', { extended: [clientAuth] }, invalid, 'accepts'],
  [
    'an unknown critical extension',
    'RFC 5280 §4.2',
    { more: [new Extension('1.2.3.4', true, Uint8Array.of(5, 0))] },
    invalid,
  ],
  [
    'one extension twice',
    'RFC 5280 §4.2',
    { more: [new Extension('2.5.29.15', true, Uint8Array.of(3, 2, 7, 128))] },
    invalid,
  ],
  ['a life that is over', 'RFC 5280 §4.1.2.5', { until: new Date('2025-01-01T00:00:00Z') }, expired],
  ['a life that has not begun', 'RFC 5280 §4.1.2.5', { from: new Date('2048-01-01T00:00:00Z') }, expired],
];

async function makeLeaves(): Promise<Signer> {
  const root = await authorityOf('our root', 'spiffe://our.test', null);
  const cases: object[] = [];
  for (const [name, spec, leaf, code, goSpiffe] of leaves) {
    const chain = [await leafOf(root, leaf)];
    const full = spec.startsWith('§') ? `X509-SVID ${spec}` : spec;
    cases.push({
      name,
      spec: full,
      chain,
      code,
      ...(code === null ? { spiffeId: one } : {}),
      ...(goSpiffe ? { goSpiffe } : {}),
    });
  }
  const below = await authorityOf('our intermediate', 'spiffe://our.test', root);
  const raw = ({ certificate }: Signer) => Buffer.from(certificate.rawData).toString('base64');
  cases.push({
    name: 'an intermediate between',
    spec: 'X509-SVID §5.1',
    chain: [await leafOf(below, {}), raw(below)],
    code: null,
    spiffeId: one,
  });
  cases.push({ name: 'a signing certificate as a peer', spec: 'X509-SVID §5.2', chain: [raw(below)], code: invalid });
  write('x509-svids.json', {
    about:
      'X509-SVIDs for peers of our.test. `code` is what the leaf is refused with once its path to the root was checked.',
    nowSeconds,
    trustDomain: 'our.test',
    root: raw(root),
    cases,
  });
  return root;
}

// ── JWT-SVIDs

const pair = (curve: string) => generateKeyPairSync('ec', { namedCurve: curve });
const keys: { readonly [kid: string]: { readonly privateKey: KeyObject; readonly publicKey: KeyObject } } = {
  p256: pair('P-256'),
  p384: pair('P-384'),
  p521: pair('P-521'),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  small: generateKeyPairSync('rsa', { modulusLength: 1024 }),
  ed: generateKeyPairSync('ed25519'),
  // Of another trust domain, under the same name.
  theirs: pair('P-256'),
};
const jwkOf = (name: string, kid = name) => ({
  ...keys[name]!.publicKey.export({ format: 'jwk' }),
  kid,
  use: 'jwt-svid',
});

function signed(alg: string, key: KeyObject, input: string): string {
  const bytes = Buffer.from(input);
  if (alg === 'none') return '';
  if (alg === 'HS256')
    return createHmac('sha256', key.export({ type: 'spki', format: 'der' }))
      .update(bytes)
      .digest('base64url');
  if (alg === 'EdDSA') return sign(null, bytes, key).toString('base64url');
  const digest = `sha${alg.slice(2)}`;
  if (alg.startsWith('ES')) return sign(digest, bytes, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  const padding = alg.startsWith('PS') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  const saltLength = alg.startsWith('PS') ? { saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
  return sign(digest, bytes, { key, padding, ...saltLength }).toString('base64url');
}

interface Token {
  readonly alg?: string;
  readonly key?: string;
  readonly header?: object;
  readonly claims?: object;
  /** Claims as text, for what JSON.stringify would not write. */
  readonly text?: string;
  readonly edit?: (token: string) => string;
}
const audience = 'spiffe://our.test/service';
const goodClaims = { sub: one, aud: [audience], exp: 2_490_000_000, iat: nowSeconds - 60, jti: 'x' };

function tokenOf({
  alg = 'ES256',
  key = 'p256',
  header = {},
  claims = {},
  text,
  edit = (token) => token,
}: Token): string {
  const part = (value: string) => Buffer.from(value).toString('base64url');
  const full = JSON.stringify({ alg, kid: key, typ: 'JWT', ...header });
  const input = `${part(full)}.${part(text ?? JSON.stringify({ ...goodClaims, ...claims }))}`;
  const { privateKey, publicKey } = keys[key]!;
  return edit(`${input}.${signed(alg, alg === 'HS256' ? publicKey : privateKey, input)}`);
}

const gone = undefined;
const malformed = 'token.malformed';
const forged = 'token.signature_invalid';
const tokens: [name: string, spec: string, token: Token, code: string | null, goSpiffe?: GoSays][] = [
  ['ES256', '§3.1', {}, null],
  ['ES384', '§3.1', { alg: 'ES384', key: 'p384' }, null],
  ['ES512', '§3.1', { alg: 'ES512', key: 'p521' }, null],
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const).map((alg): [string, string, Token, null] => [
    alg,
    '§3.1',
    { alg, key: 'rsa' },
    null,
  ]),
  ['one audience as text', '§4.2', { claims: { aud: audience } }, null],
  ['our audience among others', '§4.2', { claims: { aud: ['x', audience] } }, null],
  ['typ JOSE', '§2.3', { header: { typ: 'JOSE' } }, null],
  ['no typ', '§2.3', { header: { typ: gone } }, null],
  ['an issuer, which says nothing', '§4', { claims: { iss: 'https://elsewhere.test' } }, null],
  ['no `iat`', '§4', { claims: { iat: gone } }, null],
  ['alg none', '§3.1', { alg: 'none' }, malformed],
  ['alg None', '§3.1', { header: { alg: 'None' } }, malformed],
  ['alg none without signature', '§3.1', { alg: 'none', header: { alg: 'NONE' } }, malformed],
  ['HS256 with the public key as secret', '§3.1', { alg: 'HS256' }, malformed],
  ['EdDSA', '§3.1', { alg: 'EdDSA', key: 'ed' }, malformed],
  ['typ at+jwt', '§2.3', { header: { typ: 'at+jwt' } }, malformed],
  ['typ wit+jwt', '§2.3', { header: { typ: 'wit+jwt' } }, malformed],
  ['typ jwt in small letters', '§2.3', { header: { typ: 'jwt' } }, malformed],
  ['no kid', '§2.2', { header: { kid: gone } }, malformed],
  ['an empty kid', '§2.2', { header: { kid: '' } }, malformed],
  ['a kid of no key', '§5', { header: { kid: 'p255' } }, forged],
  ['a key in the header', '§2', { header: { jwk: jwkOf('theirs') } }, malformed, 'accepts'],
  ['a key by address', '§2', { header: { jku: 'https://elsewhere.test/keys' } }, malformed, 'accepts'],
  ['crit', '§2', { header: { crit: ['exp'] } }, malformed],
  ['ES256 said of an RSA key', 'RFC 8725 §3.1', { alg: 'RS256', key: 'rsa', header: { alg: 'ES256' } }, forged],
  ['RS256 signed, PS256 said', 'RFC 8725 §3.1', { alg: 'RS256', key: 'rsa', header: { alg: 'PS256' } }, forged],
  ['ES384 said of a P-256 key', 'RFC 7518 §3.4', { header: { alg: 'ES384' } }, forged],
  ['an RSA key of 1024 bits', 'RFC 7518 §3.3', { alg: 'RS256', key: 'small' }, forged, 'accepts'],
  ['signed by another trust domain under the same kid', '§5', { key: 'theirs', header: { kid: 'p256' } }, forged],
  [
    'a trust domain whose bundle is not held',
    '§5',
    { claims: { sub: 'spiffe://unknown.test/a' } },
    'transport.trust_domain_unknown',
  ],
  ['the subject of another trust domain under our key', '§5', { claims: { sub: 'spiffe://their.test/a' } }, forged],
  ['no subject', '§4.1', { claims: { sub: gone } }, unnamed],
  ['a subject that is no SPIFFE ID', '§4.1', { claims: { sub: 'howard' } }, unnamed],
  ['a subject that is a trust domain', '§4.1', { claims: { sub: 'spiffe://our.test' } }, unnamed, 'accepts'],
  ['no audience', '§4.2', { claims: { aud: gone } }, malformed],
  ['an empty audience', '§4.2', { claims: { aud: [] } }, malformed],
  ['an audience that is a number', '§4.2', { claims: { aud: [1, audience] } }, malformed],
  ['another audience', '§4.2', { claims: { aud: ['spiffe://our.test/other'] } }, 'token.wrong_audience'],
  ['an audience that only begins like ours', '§4.2', { claims: { aud: [`${audience}/more`] } }, 'token.wrong_audience'],
  ['no expiry', '§4.3', { claims: { exp: gone } }, malformed],
  ['an expiry as text', '§4.3', { claims: { exp: '2490000000' } }, malformed],
  ['an expiry that is past', '§4.3', { claims: { exp: nowSeconds - 1 } }, 'token.expired'],
  ['an expiry that is now', '§4.3', { claims: { exp: nowSeconds } }, 'token.expired'],
  ['a beginning that is to come', 'RFC 7519 §4.1.5', { claims: { nbf: 2_480_000_000 } }, 'token.not_yet_valid'],
  [
    'two subjects',
    'RFC 8725 §2.4',
    { text: `{"sub":"${one}","sub":"spiffe://our.test/admin","aud":"${audience}","exp":2490000000}` },
    malformed,
  ],
  ['claims that are a list', 'RFC 7519 §7.2', { text: '[]' }, malformed],
  ['padding', 'RFC 7515 §2', { edit: (token) => `${token}=` }, malformed],
  ['two parts', 'RFC 7515 §7.1', { edit: (token) => token.split('.').slice(0, 2).join('.') }, malformed],
  ['five parts', 'RFC 7516 §7.1', { edit: (token) => `${token}.x.y` }, malformed],
  [
    'the JSON serialisation',
    '§2',
    {
      edit: (token) => {
        const [protectedHeader, payload, signature] = token.split('.');
        return JSON.stringify({ protected: protectedHeader, payload, signature });
      },
    },
    malformed,
  ],
  ['no signature', 'RFC 7515 §5.2', { edit: (token) => `${token.split('.').slice(0, 2).join('.')}.` }, forged],
  [
    'a changed claim under the old signature',
    'RFC 7515 §5.2',
    {
      edit: (token) => {
        const [head, , tail] = token.split('.');
        return `${head}.${tokenOf({ claims: { sub: 'spiffe://our.test/admin' } }).split('.')[1]}.${tail}`;
      },
    },
    forged,
  ],
];

function makeTokens(): void {
  const bundles = {
    'our.test': { keys: ['p256', 'p384', 'p521', 'rsa', 'small', 'ed'].map((name) => jwkOf(name)) },
    'their.test': { keys: [jwkOf('theirs', 'p256')] },
  };
  const cases = tokens.map(([name, spec, token, code, goSpiffe]) => ({
    name,
    spec: spec.startsWith('§') ? `JWT-SVID ${spec}` : spec,
    token: tokenOf(token),
    code,
    ...(code === null ? { spiffeId: one } : {}),
    ...(goSpiffe ? { goSpiffe } : {}),
  }));
  write('jwt-svids.json', { about: 'JWT-SVIDs as a service gets them.', nowSeconds, audience, bundles, cases });
}

// ── Bundles

async function makeBundles(root: Signer): Promise<void> {
  const x5c = [Buffer.from(root.certificate.rawData).toString('base64')];
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', root.keys.publicKey);
  const jwk = { kty, crv, x, y };
  const x509 = { ...jwk, use: 'x509-svid', x5c };
  const jwt = jwkOf('p256');
  const secret = { ...keys.p256!.privateKey.export({ format: 'jwk' }), kid: 'p256', use: 'jwt-svid' };
  const said = (keys: unknown, more: object = {}) =>
    JSON.stringify({ keys, spiffe_sequence: 1, spiffe_refresh_hint: 300, ...more });
  const cases: [name: string, text: string, kept: { roots: number; jwtKeys: number } | null, goSpiffe?: GoSays][] = [
    ['one key of each kind', said([x509, jwt]), { roots: 1, jwtKeys: 1 }],
    ['no key: everything was revoked', said([]), { roots: 0, jwtKeys: 0 }],
    [
      'keys of unknown use are passed over',
      said([{ ...jwt, use: 'sig' }, { ...jwt, use: 'wit-svid' }, x509]),
      { roots: 1, jwtKeys: 0 },
    ],
    ['keys without use are passed over', said([{ ...jwt, use: undefined }]), { roots: 0, jwtKeys: 0 }],
    ['keys without kty are passed over', said([{ ...jwt, kty: undefined }]), { roots: 0, jwtKeys: 0 }, 'refuses'],
    ['neither sequence nor hint', JSON.stringify({ keys: [x509] }), { roots: 1, jwtKeys: 0 }],
    ['no `keys`', JSON.stringify({ spiffe_sequence: 1 }), null],
    ['`keys` that are no list', JSON.stringify({ keys: {} }), null],
    ['a list', '[]', null],
    ['nothing', '', null],
    ['a page of HTML', '<html></html>', null],
    ['`keys` twice', `{"keys":[],"keys":[${JSON.stringify(x509)}]}`, null, 'accepts'],
    ['something behind it', `${said([x509])} {}`, null],
    ['a root with a kid', said([{ ...x509, kid: 'a' }]), null, 'accepts'],
    ['a root without a certificate', said([{ ...jwk, use: 'x509-svid' }]), null],
    ['a root of two certificates', said([{ ...x509, x5c: [...x5c, ...x5c] }]), null],
    [
      'a root in base64url',
      said([{ ...x509, x5c: [Buffer.from(root.certificate.rawData).toString('base64url')] }]),
      null,
    ],
    ['a JWT key without kid', said([{ ...jwt, kid: undefined }]), null],
    ['two JWT keys of one kid', said([jwt, jwt]), null, 'accepts'],
    ['a private key', said([secret]), null, 'accepts'],
    ['a sequence that is text', said([], { spiffe_sequence: '1' }), null],
    ['a sequence below nothing', said([], { spiffe_sequence: -1 }), null],
    ['a hint below nothing', said([], { spiffe_refresh_hint: -1 }), null, 'accepts'],
  ];
  write('bundles.json', {
    about: 'SPIFFE bundle documents of our.test. `kept` counts the keys of each kind; null: the document is refused.',
    trustDomain: 'our.test',
    cases: cases.map(([name, text, kept, goSpiffe]) => ({
      name,
      spec: 'SPIFFE Trust Domain and Bundle §4',
      text,
      kept,
      ...(goSpiffe ? { goSpiffe } : {}),
    })),
  });
}

makeTokens();
await makeBundles(await makeLeaves());
