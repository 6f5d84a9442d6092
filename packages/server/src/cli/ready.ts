// The ready line of a running plane (contract §4), as `writ up` leaves it in the data folder for the other commands.

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject, type JsonObject, parseStrictJson } from '@writ/core';

/** The members that commands use; the line holds more. */
export interface Ready {
  readonly pid: number;
  readonly trustDomain: string;
  readonly issuer: string;
  readonly admin: { readonly url: string; readonly socket: string | null; readonly viewerTokenFile: string | null };
  readonly workloadApi: string | null;
  readonly logDir: string | null;
  /** The whole line. */
  readonly line: JsonObject;
}

export function readyFile(dataDir: string): string {
  return join(dataDir, 'ready.json');
}

/** Without the one-time link of the first admin: that one is for whoever started the plane, not for who reads its folder. */
export function writeReady(dataDir: string, line: JsonObject): void {
  const file = readyFile(dataDir);
  const { adminLink: _forTheTerminal, ...kept } = line;
  writeFileSync(`${file}.new`, `${JSON.stringify(kept)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function removeReady(dataDir: string): void {
  rmSync(readyFile(dataDir), { force: true });
}

/** Null when no plane has left one there. */
export function readReady(dataDir: string): Ready | null {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(readyFile(dataDir));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
  const parsed = parseStrictJson(bytes);
  return parsed.ok && isJsonObject(parsed.value) ? readyOf(parsed.value) : null;
}

function readyOf(line: JsonObject): Ready | null {
  const { pid, trustDomain, issuer, admin, workloadApi, log } = line;
  if (typeof pid !== 'number' || typeof trustDomain !== 'string' || typeof issuer !== 'string') return null;
  if (!isJsonObject(admin) || typeof admin.url !== 'string') return null;
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return {
    pid,
    trustDomain,
    issuer,
    admin: { url: admin.url, socket: text(admin.socket), viewerTokenFile: text(admin.viewerTokenFile) },
    workloadApi: text(workloadApi),
    logDir: isJsonObject(log) ? text(log.dir) : null,
    line,
  };
}
