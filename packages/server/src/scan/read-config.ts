// From a file to a configuration, or to why it could not be read. Opens files; writes none.

import { readFileSync } from 'node:fs';
import { type Configuration, configurationOf, placesIn } from './configuration.ts';
import { type FoundFile, statOf } from './find-files.ts';
import type { Place } from './finding.ts';
import { readJsonc } from './read-jsonc.ts';
import { readToml } from './read-toml.ts';

export type ReadConfig =
  | { readonly ok: true; readonly configuration: Configuration; readonly mode: number }
  | { readonly ok: false; readonly client: string; readonly place: Place; readonly says: string };

const fileBytesMax = 64 * 1024 * 1024;

export function readConfig({ file, location }: FoundFile): ReadConfig {
  const failed = (says: string, place: Place = { file, line: 1, column: 1, endColumn: null }): ReadConfig => ({
    ok: false,
    client: location.client,
    place,
    says,
  });
  const stat = statOf(file);
  if (stat === null) return failed('it cannot be reached');
  if (stat.size > fileBytesMax) return failed(`it is larger than ${fileBytesMax / 1024 / 1024} MiB`);
  const text = readText(file);
  if (text === null) return failed('its owner does not let you read it');
  // An empty file is what some clients leave behind; it configures nothing.
  const reading = file.endsWith('.toml') ? readToml(text) : readJsonc(text.trim() === '' ? '{}' : text);
  if (!reading.ok) {
    const place = placesIn(file, text)({ start: reading.offset, end: reading.offset });
    return failed(reading.says, { ...place, endColumn: null });
  }
  return { ok: true, configuration: configurationOf(file, location, text, reading.root), mode: stat.mode };
}

/** Null where it cannot be read. Bytes that are no UTF-8 become replacement characters: a scanner looks anyway. */
export function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
