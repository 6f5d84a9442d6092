// One line per credential, out of the configuration (what may be used), the encrypted store (what is kept) and the notes of the
// broker (what was used, and where it was seen and should not have been).

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { credentialName, secretsBehind } from '../action/broker/names.ts';
import { type CredentialNote, listNotes } from '../action/broker/notes.ts';
import type { Config, CredentialRef } from '../config/config.ts';
import { openStoredCredentials } from '../main/broker.ts';
import { openStore } from '../store/store.ts';

/** Times in RFC 3339; null: not known. */
export interface CredentialLine {
  readonly name: string;
  readonly servers: readonly string[];
  /** Since when it has its value: stored then, or used with it first. */
  readonly since: string | null;
  readonly ageSeconds: number | null;
  readonly lastUsed: string | null;
  /** Of this value. */
  readonly exposures: number;
  readonly lastExposed: string | null;
  readonly exposedBy: string | null;
  /** Somebody may know it who should not. */
  readonly rotate: boolean;
}

export async function credentialLines(
  config: Config,
  clock: { nowSeconds(): number },
): Promise<readonly CredentialLine[]> {
  const servers = serversByName(config);
  const kept = await (await openStoredCredentials(config.dataDir, clock)).list();
  const sinceByName = new Map(kept.map(({ name, sinceSeconds }) => [`stored ${name}`, sinceSeconds]));
  const notes = new Map((await notesOf(config, clock)).map((note) => [note.name, note]));
  const names = new Set([...servers.keys(), ...sinceByName.keys(), ...notes.keys()]);
  return [...names].sort().map((name) => {
    const note = notes.get(name);
    const stored = sinceByName.get(name);
    const since = stored ?? note?.sinceSeconds ?? null;
    // A stored value that was replaced after it was seen has not been seen.
    const stale = stored !== undefined && note?.exposedSeconds != null && note.exposedSeconds < stored;
    const exposures = stale ? 0 : (note?.exposures ?? 0);
    return {
      name,
      servers: servers.get(name) ?? serversOfPattern(name, servers),
      since: since === null ? null : timeOf(since),
      ageSeconds: since === null ? null : Math.max(0, clock.nowSeconds() - since),
      lastUsed: note ? timeOf(note.lastUsedSeconds) : null,
      exposures,
      lastExposed: exposures === 0 || note?.exposedSeconds == null ? null : timeOf(note.exposedSeconds),
      exposedBy: exposures === 0 ? null : (note?.exposedBy ?? null),
      rotate: exposures > 0,
    };
  });
}

function serversByName({ servers }: Config): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [server, { credential, mcp }] of servers) {
    const variables = mcp?.kind === 'command' ? [...mcp.env.values()] : [];
    const refs: (CredentialRef | null)[] = [
      credential,
      ...variables.flatMap((one) => (one.kind === 'text' || one.kind === 'credential' ? [] : [one])),
    ];
    for (const ref of refs.flatMap((one) => (one === null ? [] : [one, ...secretsBehind(one)]))) {
      const name = credentialName(ref);
      found.set(name, [...new Set([...(found.get(name) ?? []), server])]);
    }
  }
  return found;
}

/** `stored mail/howard` is one of `stored mail/{user}`. */
function serversOfPattern(name: string, servers: ReadonlyMap<string, readonly string[]>): readonly string[] {
  for (const [pattern, names] of servers) {
    const parts = pattern.split('{user}');
    const person = name.slice(parts[0]!.length, name.length - parts.at(-1)!.length);
    if (parts.length === 2 && person !== '' && !person.includes('/') && parts.join(person) === name) return names;
  }
  return [];
}

async function notesOf(
  { store, dataDir }: Config,
  clock: { nowSeconds(): number },
): Promise<readonly CredentialNote[]> {
  const file = join(dataDir, 'state.db');
  if (store.url === null && !existsSync(file)) return [];
  const times = { ...clock, nowMillis: () => clock.nowSeconds() * 1000 };
  const opened = await openStore(store.url === null ? { file, clock: times } : { url: store.url, clock: times });
  try {
    return await listNotes(opened);
  } finally {
    await opened.close();
  }
}

/** RFC 3339, UTC. */
export function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
