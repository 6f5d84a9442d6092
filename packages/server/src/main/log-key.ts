// The checkpoint keys of the audit log, each in a private file of its own (rules §7.4): Ed25519, and ML-DSA-44 beside it
// where this runtime has it.

import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type Cosigner, fromBase64Url, type NoteSigner } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { keyFile } from '../token/key-files.ts';
import { readKey } from '../token/keys.ts';

export interface LogKeys {
  readonly key: NoteSigner;
  /** Null where the runtime has no ML-DSA; a file from another runtime then stays as it is. */
  readonly secondKey: Cosigner | null;
}

export async function openLogKeys(dir: string, origin: string): Promise<LogKeys> {
  const first = await openKey(dir, 'checkpoint-ed25519.pem', () => generateKeyPairSync('ed25519').privateKey);
  const key: NoteSigner = {
    name: origin,
    publicKey: publicBytes(first, 'x'),
    sign: (message) => sign(null, message, first),
  };
  if (!nodeEngine.knows('ML-DSA-44')) return { key, secondKey: null };
  const second = await openKey(dir, 'checkpoint-ml-dsa-44.pem', () => generateKeyPairSync('ml-dsa-44').privateKey);
  const secondKey: Cosigner = {
    ...{ name: origin, role: 'cosigner', publicKey: publicBytes(second, 'pub') },
    sign: (message) => sign(null, message, second),
  };
  return { key, secondKey };
}

async function openKey(dir: string, file: string, make: () => KeyObject): Promise<KeyObject> {
  const pem = await keyFile(dir, file, () => make().export({ type: 'pkcs8', format: 'pem' }) as string);
  return readKey(pem, `${dir}/${file}`);
}

/** RFC 8037 §2 has Ed25519's in `x`, the JOSE registration of ML-DSA in `pub`. */
function publicBytes(key: KeyObject, member: 'x' | 'pub'): Uint8Array {
  const jwk = createPublicKey(key).export({ format: 'jwk' });
  const text = jwk[member];
  if (typeof text !== 'string')
    throw new Error(`a checkpoint key is a \`${key.asymmetricKeyType}\` key; remove its file to make a new one`);
  return fromBase64Url(text)!;
}
