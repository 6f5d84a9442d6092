// Where a log is read from, a folder or a URL, and whose keys open it. Trusts nothing but the keys it was given.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Engine, parseVkey, utf8Text, type VerifierKey, type WitnessPolicy } from '@writ/core';
import { readIfThere } from './disk.ts';
import { remoteLog } from './verify-remote.ts';

export interface LogSource {
  /** Null when it is read over HTTP. */
  readonly dir: string | null;
  /** The file of that path below the log, or null when there is none. Throws when the log cannot be reached. */
  get(name: string): Promise<Uint8Array | null>;
}

export interface LogKeys {
  /** Of logs and of witnesses. */
  readonly keys: readonly VerifierKey[];
  /** ML-DSA keys of the log that were given, so that their signature is expected. */
  readonly secondKeys: readonly VerifierKey[];
  /** `log`: the keys came from the log that they were to prove. */
  readonly keyFrom: 'flag' | 'log';
}

export function logSource(source: string | URL, fetcher: typeof fetch = fetch): LogSource {
  const url = source instanceof URL ? source : URL.parse(source);
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return { dir: null, ...remoteLog(url, fetcher) };
  const dir = source instanceof URL ? fileURLToPath(source) : source;
  return { dir, get: (name) => readIfThere(join(dir, name)) };
}

/** The keys given, and without any of a log among them those of its `log.vkey`. Throws a TypeError for what is no key. */
export async function logKeys(
  engine: Engine,
  { get }: LogSource,
  vkeys: readonly string[],
  policy: WitnessPolicy | null = null,
): Promise<LogKeys> {
  const given = [
    ...vkeys.map((text) => givenKey(engine, text)),
    ...(policy?.logs ?? []),
    ...(policy?.witnesses ?? []).map(({ key }) => key),
  ];
  const logs = new Set(given.filter(({ role }) => role === 'log').map(({ name }) => name));
  const secondKeys = given.filter(({ role, name }) => role === 'cosigner' && logs.has(name));
  if (logs.size > 0) return { keys: given, secondKeys, keyFrom: 'flag' };
  return { keys: [...given, ...keysIn(engine, await get('log.vkey'))], secondKeys, keyFrom: 'log' };
}

function givenKey(engine: Engine, text: string): VerifierKey {
  const key = parseVkey(engine, text.trim());
  if (!key)
    throw new TypeError(
      `\`${text}\` is not a verifier key: expected \`<name>+<key id>+<base64>\` with an Ed25519 or ML-DSA-44 key`,
    );
  return key;
}

/** Lines of other algorithms are for other readers. */
function keysIn(engine: Engine, file: Uint8Array | null): VerifierKey[] {
  const lines = (file && utf8Text(file))?.split('\n') ?? [];
  return lines.map((line) => parseVkey(engine, line)).filter((key) => key !== null);
}
