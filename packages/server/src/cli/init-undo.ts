// Keeps what `writ init` writes over, so that it can be taken back. A file that somebody changed since stays.

import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isJsonObject, type JsonObject, parseStrictJson } from '@writ/core';
import { usage } from './stop.ts';

export interface NewFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

export interface Undone {
  readonly removed: readonly string[];
  readonly restored: readonly string[];
  /** Changed since. */
  readonly kept: readonly string[];
}

const backupFileName = '.writ-init.json';

/** Writes the files, after a note of what was there before. The note may hold secrets and is 0600. */
export function writeWithBackup(folder: string, files: readonly NewFile[]): void {
  const before = files.map(({ path, text }): JsonObject => {
    const old = existsSync(path) ? { text: readFileSync(path, 'utf8'), mode: statSync(path).mode & 0o777 } : null;
    return { name: basename(path), written: digest(text), old };
  });
  writeWhole(join(folder, backupFileName), `${JSON.stringify({ files: before }, null, 2)}\n`, 0o600);
  for (const { path, text, mode } of files) writeWhole(path, text, mode);
}

export function undoWrites(folder: string): Undone {
  const note = join(folder, backupFileName);
  if (!existsSync(note)) throw usage(`there is nothing to undo in \`${folder}\``);
  const parsed = parseStrictJson(readFileSync(note));
  const files =
    parsed.ok && isJsonObject(parsed.value) && Array.isArray(parsed.value.files)
      ? parsed.value.files.filter(isJsonObject)
      : [];
  const undone = { removed: [] as string[], restored: [] as string[], kept: [] as string[] };
  for (const { name, written, old } of files) {
    const path = join(folder, basename(String(name)));
    if (!existsSync(path)) continue;
    if (digest(readFileSync(path, 'utf8')) !== written) undone.kept.push(path);
    else if (isJsonObject(old) && typeof old.text === 'string' && typeof old.mode === 'number') {
      writeWhole(path, old.text, old.mode);
      undone.restored.push(path);
    } else {
      rmSync(path);
      undone.removed.push(path);
    }
  }
  if (undone.kept.length === 0) rmSync(note);
  return undone;
}

function writeWhole(path: string, text: string, mode: number): void {
  const beside = `${path}.new`;
  rmSync(beside, { force: true });
  writeFileSync(beside, text, { mode, flag: 'wx' });
  chmodSync(beside, mode);
  renameSync(beside, path);
}

function digest(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
