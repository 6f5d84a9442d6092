// The manifests that a configuration names, for `writ validate`: what is wrong with them, and where they are silent about what a
// person has reviewed (rules §3.7, §3.10). Reads the data folder where there is one, and asks no server.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { operationsOf, type ToolNotice } from '../action/definitions.ts';
import { builtinManifest, builtinNames, type ManifestResult, readManifest } from '../action/manifest.ts';
import { listingOfPins, type PinStore } from '../action/pins.ts';
import type { Config } from '../config/config.ts';
import type { Problem } from '../config/problems.ts';
import { pinStore } from '../main/policy.ts';
import { openStore } from '../store/store.ts';

interface Manifests {
  readonly problems: readonly Problem[];
  readonly notices: readonly ToolNotice[];
}

export async function manifestsIn(config: Config): Promise<Manifests> {
  const problems: Problem[] = [];
  const notices: ToolNotice[] = [];
  await withPins(config, async (store) => {
    for (const [key, { trustAnnotations }] of config.servers) {
      const read = manifestOf(config, key);
      if (read === null) continue;
      if ('problems' in read) {
        problems.push(...read.problems);
        continue;
      }
      const pins = (await store?.get(key)) ?? [];
      if (pins.length === 0) continue;
      const server = { key, pins, listing: listingOfPins(pins), manifest: read.manifest, trustAnnotations };
      notices.push(...operationsOf([], [server], () => null).notices);
    }
  });
  return { problems, notices };
}

function manifestOf(config: Config, key: string): ManifestResult | null {
  const manifest = config.servers.get(key)?.manifest ?? null;
  if (manifest === null) return null;
  if (manifest.kind === 'file')
    return readManifest({ path: manifest.path, text: readFileSync(manifest.path, 'utf8') }, key);
  const builtin = builtinManifest(manifest.name);
  if (builtin !== null) return { manifest: builtin };
  const names = builtinNames().map((name) => `\`builtin:${name}\``);
  const says = `there is no \`builtin:${manifest.name}\``;
  const at = { file: config.file, line: 1, column: 1, path: `servers.${key}.manifest` };
  return { problems: [{ ...at, says, expected: `one of ${names.join(', ')}, or the path of a manifest` }] };
}

/** Null: nothing was reviewed here yet, or the reviews are in a database that a check of a file does not dial. */
async function withPins(config: Config, look: (store: PinStore | null) => Promise<void>): Promise<void> {
  const file = join(config.dataDir, 'state.db');
  if (config.store.url !== null || !existsSync(file)) return look(null);
  const clock = { nowSeconds: () => Math.floor(Date.now() / 1000), nowMillis: () => Date.now() };
  const store = await openStore({ file, clock });
  try {
    await look(pinStore(store));
  } finally {
    await store.close();
  }
}
