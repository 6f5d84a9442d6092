// The checkpoint key of the audit log: Ed25519, in a private file of its own (rules §7.4).

import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { fromBase64Url, type NoteSigner } from '@writ/core';
import { keyFile } from '../token/key-files.ts';
import { readKey } from '../token/keys.ts';

export async function openLogKey(dir: string, origin: string): Promise<NoteSigner> {
  const file = 'checkpoint-ed25519.pem';
  const pem = await keyFile(dir, file, () => {
    return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  });
  const key = readKey(pem, `${dir}/${file}`);
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return { name: origin, publicKey: fromBase64Url(x!)!, sign: (message) => sign(null, message, key) };
}
