// Generations of keys on disk: one private file each, `<kind>-<number>.pem`, whose first lines say when it signs (text before the
// first boundary is allowed: RFC 7468 §2). So there is never a key without its times, or times without their key.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createPrivateFile, readPrivateFile, removeFile, replacePrivateFile } from './tls-files.ts';

export interface KeyFile {
  readonly number: number;
  readonly path: string;
  /** PEM, and the lines before it. */
  readonly text: string;
  /** Null in a file that says nothing about it: the first one. */
  readonly signsFromSeconds: number | null;
}

export interface KeyFiles {
  /** By number, lowest first. */
  list(): Promise<readonly KeyFile[]>;
  /** False when a file of this number is there already. */
  add(number: number, pem: string, signsFromSeconds: number, suffix: string): Promise<boolean>;
  /** The same key, signing from another time. */
  reschedule(number: number, signsFromSeconds: number, suffix: string): Promise<void>;
  remove(number: number): Promise<void>;
}

const signsFromLine = /^signs-from: (\d{1,12})$/m;

export function keyFiles(dir: string, kind: 'root' | 'jwt'): KeyFiles {
  const named = new RegExp(`^${kind}-([1-9][0-9]*)\\.pem$`);
  const pathOf = (number: number) => join(dir, `${kind}-${number}.pem`);

  async function read(number: number): Promise<KeyFile> {
    const path = pathOf(number);
    const text = (await readPrivateFile(path)) ?? '';
    const found = signsFromLine.exec(text.slice(0, text.indexOf('-----BEGIN')));
    return { number, path, text, signsFromSeconds: found ? Number(found[1]) : null };
  }

  return {
    async list() {
      const numbers = (await readdir(dir)).flatMap((file) => named.exec(file)?.[1] ?? []).map(Number);
      return Promise.all(numbers.sort((a, b) => a - b).map(read));
    },
    add: (number, pem, signsFromSeconds, suffix) =>
      createPrivateFile(pathOf(number), scheduled(pem, signsFromSeconds), suffix),
    async reschedule(number, signsFromSeconds, suffix) {
      const { path, text } = await read(number);
      await replacePrivateFile(path, scheduled(text.slice(text.indexOf('-----BEGIN')), signsFromSeconds), suffix);
    },
    remove: (number) => removeFile(pathOf(number)),
  };
}

function scheduled(pem: string, signsFromSeconds: number): string {
  return `signs-from: ${signsFromSeconds}\n${pem}`;
}
