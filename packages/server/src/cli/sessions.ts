// The session of the person at this terminal, kept in their own configuration folder, readable by nobody else.
// `WRIT_SESSION` overrides it. Never written to a log or a terminal.

import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { isJsonObject, type JsonObject, parseStrictJson } from '@writ/core';

export interface Session {
  /** Sent as a bearer token to the plane's own API, and to nothing else. */
  readonly session: string;
  readonly roles: readonly string[];
  /** RFC 3339, or null where the plane did not say. */
  readonly expires: string | null;
}

export function sessionsFile(env: NodeJS.ProcessEnv): string {
  // XDG Base Directory: relative values are ignored.
  const folder = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : join(env.HOME ?? homedir(), '.config');
  return join(folder, 'writ', 'sessions.json');
}

/** The session for the plane at `adminOrigin`, unless it has run out. */
export function readSession(env: NodeJS.ProcessEnv, adminOrigin: string, nowMillis: number): Session | null {
  if (env.WRIT_SESSION) return { session: env.WRIT_SESSION, roles: [], expires: null };
  const entry = readAll(env)[adminOrigin];
  if (!isJsonObject(entry) || typeof entry.session !== 'string') return null;
  const expires = typeof entry.expires === 'string' ? entry.expires : null;
  if (expires !== null && !(Date.parse(expires) > nowMillis)) return null;
  const roles = Array.isArray(entry.roles) ? entry.roles.filter((role) => typeof role === 'string') : [];
  return { session: entry.session, roles, expires };
}

export function writeSession(env: NodeJS.ProcessEnv, adminOrigin: string, session: Session): void {
  store(env, { ...readAll(env), [adminOrigin]: { ...session, roles: [...session.roles] } });
}

export function forgetSession(env: NodeJS.ProcessEnv, adminOrigin: string): void {
  const { [adminOrigin]: _forgotten, ...others } = readAll(env);
  store(env, others);
}

function readAll(env: NodeJS.ProcessEnv): JsonObject {
  try {
    const parsed = parseStrictJson(readFileSync(sessionsFile(env)));
    return parsed.ok && isJsonObject(parsed.value) ? parsed.value : {};
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/** Written beside and moved over, so that a crash leaves the old file or the new one, and 0600 from its first byte. */
function store(env: NodeJS.ProcessEnv, all: JsonObject): void {
  const file = sessionsFile(env);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.${process.pid}`;
  try {
    writeFileSync(beside, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    chmodSync(beside, 0o600);
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
