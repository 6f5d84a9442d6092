// `<data>/viewer.token`: lets programs on this machine read status and decisions, and nothing else (rules §7.1).

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { toBase64Url } from '@writ/core';

export interface ViewerToken {
  readonly file: string;
  readonly token: string;
}

const FORM = /^wrv_[A-Za-z0-9_-]{43}$/;

/** Reads it, or makes it, readable by its owner alone. Throws when the file holds something else. */
export function openViewerToken(dataDir: string, randomBytes: (count: number) => Uint8Array): ViewerToken {
  const file = join(dataDir, 'viewer.token');
  try {
    const fd = openSync(file, 'wx', 0o600);
    const made = `wrv_${toBase64Url(randomBytes(32))}`;
    writeSync(fd, `${made}\n`);
    closeSync(fd);
    return { file, token: made };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const token = readFileSync(file, 'utf8').trim();
  if (!FORM.test(token)) throw new Error(`\`${file}\` holds no viewer token; remove it and the next start makes one`);
  return { file, token };
}
