// Digests of launch tokens, in one file of the data folder. Few and rarely changed, so the file is rewritten whole.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LaunchTokenRow, LaunchTokenStore } from '../transport/launch-tokens.ts';

export function launchTokenFile(dataDir: string): LaunchTokenStore {
  const file = join(dataDir, 'launch-tokens.json');
  const read = (): { [digest: string]: LaunchTokenRow } => {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as { [digest: string]: LaunchTokenRow };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
  };
  const write = (rows: { [digest: string]: LaunchTokenRow }): void => {
    writeFileSync(`${file}.new`, JSON.stringify(rows), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  return {
    async put(digest, row) {
      write({ ...read(), [digest]: row });
    },
    async get(digest) {
      const rows = read();
      return Object.hasOwn(rows, digest) ? rows[digest]! : null;
    },
    async remove(agent) {
      write(Object.fromEntries(Object.entries(read()).filter(([, row]) => row.agent !== agent)));
    },
  };
}
