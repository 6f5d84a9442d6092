// The keys of this room, one per purpose (rules §7.4): access tokens and continuations, contexts and quotes, cookies,
// states that callers carry.
// Each is a file of its own; a key is named by its RFC 7638 thumbprint.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { fromBase64Url, type JsonObject, type PublicKey } from '@writ/core';
import { keyFile } from './key-files.ts';

export interface SigningKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly alg: 'EdDSA' | 'ES256';
  readonly publicKey: PublicKey;
  /** With `kid`, `alg` and `use`. */
  readonly publicJwk: JsonObject;
  /** 64 bytes; R and S side by side for ES256 (RFC 7518 §3.4). */
  sign(message: Uint8Array): Uint8Array;
}

export interface Keys {
  /** Access tokens and continuations. */
  readonly token: SigningKey;
  /** Access tokens for clients that cannot verify EdDSA. */
  readonly tokenEs256: SigningKey;
  /** Contexts, quotes and labels of the gateway. */
  readonly context: SigningKey;
  /** Signs the cookies of the pages. */
  readonly cookieSecret: string;
  /** Seals what callers carry between two rounds of a request (rules §4.4). 32 bytes, base64url. */
  readonly stateSecret: string;
  /** Private JWKs of the token keys. For `oidc-provider` alone, which signs what the front channel issues. */
  libraryJwks(): readonly JsonObject[];
}

/** Opens the keys in `dir`, making the ones that are missing. Throws a sentence for the operator. */
export async function openKeys({ dir }: { readonly dir: string }): Promise<Keys> {
  const token = await openKey(dir, 'token-ed25519.pem', 'EdDSA');
  const tokenEs256 = await openKey(dir, 'token-p256.pem', 'ES256');
  const context = await openKey(dir, 'context-ed25519.pem', 'EdDSA');
  const cookieSecret = await keyFile(dir, 'cookies.key', () => randomBytes(32).toString('base64url'));
  const stateSecret = await keyFile(dir, 'request-state.key', () => randomBytes(32).toString('base64url'));
  return {
    token: token.key,
    tokenEs256: tokenEs256.key,
    context: context.key,
    cookieSecret,
    stateSecret,
    libraryJwks: () => [token, tokenEs256].map(({ key, secret }) => ({ ...privateJwk(secret), ...named(key) })),
  };
}

/** The public half as a key set (RFC 7517 §5). */
export function jwksOf(...keys: readonly SigningKey[]): JsonObject {
  return { keys: keys.map((key) => key.publicJwk) };
}

/** What a verifier looks keys up in: key id → key. */
export function keysById(...keys: readonly SigningKey[]): ReadonlyMap<string, PublicKey> {
  return new Map(keys.map((key) => [key.kid, key.publicKey]));
}

async function openKey(dir: string, file: string, alg: SigningKey['alg']) {
  const secret = readKey(await keyFile(dir, file, () => newKey(alg)), `${dir}/${file}`);
  const wanted = alg === 'EdDSA' ? 'ed25519' : 'ec';
  if (secret.asymmetricKeyType !== wanted) throw new Error(`\`${file}\` in \`${dir}\` does not hold a key for ${alg}`);
  return { secret, key: signingKey(secret, alg) };
}

/** Throws a sentence for the operator: the library's own words name neither file nor way out. */
export function readKey(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new Error(
      `\`${path}\` holds no private key that can be read; put the key back from a copy, or remove the file to make a new one`,
      {
        cause,
      },
    );
  }
}

function newKey(alg: SigningKey['alg']): string {
  const { privateKey } =
    alg === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

function signingKey(secret: KeyObject, alg: SigningKey['alg']): SigningKey {
  const { kty, crv, x, y } = createPublicKey(secret).export({ format: 'jwk' });
  // RFC 7638 §3.2: the required members in lexical order, without white space.
  const members = alg === 'EdDSA' ? { crv, kty, x } : { crv, kty, x, y };
  const kid = hash('sha256', JSON.stringify(members), 'base64url');
  return {
    kid,
    alg,
    publicKey: alg === 'EdDSA' ? { alg, x: bytes(x) } : { alg, x: bytes(x), y: bytes(y) },
    publicJwk: { ...(members as JsonObject), kid, alg, use: 'sig' },
    sign: (message) =>
      alg === 'EdDSA'
        ? sign(null, message, secret)
        : sign('sha256', message, { key: secret, dsaEncoding: 'ieee-p1363' }),
  };
}

function named(key: SigningKey): JsonObject {
  return { kid: key.kid, alg: key.alg, use: 'sig' };
}

function privateJwk(secret: KeyObject): JsonObject {
  return secret.export({ format: 'jwk' }) as JsonObject;
}

function bytes(member: string | undefined): Uint8Array {
  return fromBase64Url(member!)!;
}
