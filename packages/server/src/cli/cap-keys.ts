// Keys and roots of `writ cap`: read from files or from the command line, and made with mode 0600. Ed25519 only.

import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { cap, fromHex, isJsonObject, type JsonObject, parseStrictJson, toHex, utf8Text } from '@writ/core';
import { ed25519KeyOf, nodeEngine } from '@writ/core/node';
import { readStdin } from './stdin.ts';
import { refused, usage } from './stop.ts';

export const capEngine: cap.CapEngine = {
  ...nodeEngine,
  publicKeyOf: (seed) => ed25519KeyOf(seed).publicKey,
  sealBox: (message, nonce, key) => xsalsa20poly1305(key, nonce).encrypt(message),
  openBox(sealed, nonce, key) {
    try {
      return xsalsa20poly1305(key, nonce).decrypt(sealed);
    } catch {
      return null; // of a wrong length or key it says so by throwing
    }
  },
};

/** A key used for one block and kept nowhere but in the token. */
export const freshKey = (): cap.SeedSigner => ed25519KeyOf(new Uint8Array(randomBytes(32)));
export const freshId = (): string => randomBytes(16).toString('base64url');

/** Bytes of a file. */
export function readInput(file: string, what: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw usage(`\`${file}\` does not exist; name a file with ${what}`);
    throw usage(`\`${file}\` cannot be read (${code}); name a file with ${what}`);
  }
}

// Shorter than any capability, longer than most names of files.
const literalCharsMin = 80;

/** One capability: of a file, of stdin for `-`, or the word itself where no file is called that. */
export function readCapability(given: string): string {
  const isWord = given.length >= literalCharsMin && !existsSync(given);
  const bytes = () => (given === '-' ? readStdin() : readInput(given, 'a capability'));
  const text = (isWord ? given : (utf8Text(bytes()) ?? '')).trim();
  // JSON of macaroons has spaces in its conditions.
  if (text === '' || (/^[[{]/.test(text) ? /[\r\n]/ : /\s/).test(text))
    throw refused(`\`${given.slice(0, 60)}\` does not hold one capability on one line`);
  return text;
}

/** PKCS #8 (PEM), a JWK, or the seed in hex. */
export function readKey(file: string): cap.SeedSigner {
  const text = (utf8Text(readInput(file, 'an Ed25519 private key')) ?? '').trim();
  const seed = fromHex(text.replace(/^ed25519-private\//, '')) ?? seedOf(text);
  if (seed?.length !== 32)
    throw usage(`\`${file}\` holds no Ed25519 private key (PEM, JWK or hex); \`--new-key\` makes one`);
  return ed25519KeyOf(seed);
}

function seedOf(text: string): Uint8Array | null {
  try {
    const key = text.startsWith('{') ? { key: JSON.parse(text), format: 'jwk' as const } : text;
    const { d, crv } = createPrivateKey(key).export({ format: 'jwk' });
    return crv === 'Ed25519' && d !== undefined ? new Uint8Array(Buffer.from(d, 'base64url')) : null;
  } catch {
    return null; // whatever it is, it is no key
  }
}

/** A new key, written before it is used. The file must not exist. */
export function makeKey(file: string): cap.SeedSigner {
  if (existsSync(file)) throw usage(`\`${file}\` exists already; a key is never overwritten`);
  const made = freshKey();
  const handle = openSync(file, 'wx', 0o600);
  try {
    writeFileSync(handle, `ed25519-private/${toHex(made.seed)}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return made;
}

/** What `--root` names. */
export interface GivenRoot {
  readonly authority: cap.RootAuthority;
  /** Of a macaroon: whatever the file holds, less the line feed at its end. */
  readonly secret: Uint8Array | null;
  /** Of a JWT: its issuer's keys. */
  readonly jwks: JsonObject | null;
}

/** `ed25519:<hex>`, an `aip:key` id, or a file: an identity document, a public key (PEM, hex), JWKS, or a macaroon's secret. */
export function readRoot(text: string, nowSeconds: number): GivenRoot {
  const nothing = { secret: null, jwks: null };
  const hex = /^ed25519[:/](.*)$/.exec(text);
  if (hex) {
    const key = fromHex(hex[1]!);
    if (key?.length !== 32) throw usage(`\`${text}\` is not \`ed25519:\` and 64 hex digits`);
    return { ...nothing, authority: { id: null, keys: [key] } };
  }
  if (text.startsWith('aip:')) {
    const id = cap.parseAipId(text);
    if (id?.kind === 'key') return { ...nothing, authority: { id: text, keys: [id.key] } };
    const url = cap.documentUrlOf(text);
    throw usage(
      url === null ? `\`${text}\` is not an AIP identifier` : `fetch ${url} and name the file; nothing is fetched here`,
    );
  }
  const bytes = readInput(text, 'the root: an identity document, a public key, or a macaroon’s secret');
  return rootIn(bytes, text, nowSeconds);
}

function rootIn(bytes: Uint8Array, file: string, nowSeconds: number): GivenRoot {
  const words = (utf8Text(bytes) ?? '').trim();
  const json = words.startsWith('{') ? parseStrictJson(bytes) : null;
  if (json?.ok && isJsonObject(json.value)) {
    if (Array.isArray(json.value.keys)) return { authority: { id: null, keys: [] }, secret: null, jwks: json.value };
    return { authority: documentRoot(bytes, json.value, file, nowSeconds), secret: null, jwks: null };
  }
  const key = fromHex(words.replace(/^ed25519[:/]/, '')) ?? publicKeyOf(words);
  const keys = key?.length === 32 ? [key] : [];
  const end = bytes.at(-1) === 0x0a ? bytes.length - 1 : bytes.length;
  return { authority: { id: null, keys }, secret: bytes.subarray(0, end), jwks: null };
}

function documentRoot(bytes: Uint8Array, { id }: JsonObject, file: string, nowSeconds: number): cap.RootAuthority {
  const document = cap.readDocument(bytes, String(id), capEngine, nowSeconds);
  if (typeof document === 'string')
    throw refused(`\`${file}\` is not an identity document to be believed: ${document}`);
  return { id: document.id, keys: cap.keysAt(document, nowSeconds) };
}

function publicKeyOf(text: string): Uint8Array | null {
  try {
    const { x, crv } = createPublicKey(text).export({ format: 'jwk' });
    return crv === 'Ed25519' && x !== undefined ? new Uint8Array(Buffer.from(x, 'base64url')) : null;
  } catch {
    return null; // not PEM
  }
}
