// `writ audit verify`: reads a log from its folder or over HTTP and has core judge it. From a folder every segment is
// read and compared with the tiles made of it; over HTTP the entry bundles are. Trusts nothing but the keys it was given.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Engine,
  type LogEntry,
  type LogQuestion,
  type LogReport,
  logVerifier,
  ofLog,
  parseVkey,
  utf8Text,
  type VerifierKey,
} from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { readIfThere } from './disk.ts';
import { readFolder } from './verify-folder.ts';
import { readRemote, remoteLog } from './verify-remote.ts';

export interface AuditReport extends LogReport {
  /** `log`: the keys came from the log that they were to prove. */
  readonly keyFrom: 'flag' | 'log';
  /** What is not wrong but limits what the report means. */
  readonly warnings: readonly string[];
}

export interface Progress {
  readonly records: number;
  /** Records under the checkpoint; null when it could not be opened. */
  readonly size: number | null;
}

export interface VerifyOptions extends Pick<LogQuestion, 'checkDecision' | 'replayDecision' | 'kept'> {
  /** Keys of the log and of witnesses, as vkey text. Without any of a log, those of `log.vkey` are used. */
  readonly vkeys?: readonly string[];
  /** Called now and then. */
  readonly onProgress?: (progress: Progress) => void;
  readonly engine?: Engine;
  readonly fetch?: typeof fetch;
}

/** Throws when the log cannot be reached or a vkey cannot be read; what is wrong with the log stands in the findings. */
export async function verifyAudit(source: string | URL, options: VerifyOptions = {}): Promise<AuditReport> {
  const { engine = nodeEngine, kept, checkDecision, replayDecision } = options;
  const url = httpUrl(source);
  const dir = source instanceof URL && !url ? fileURLToPath(source) : String(source);
  const remote = url && remoteLog(url, options.fetch ?? fetch);
  const read = (name: string) => (remote ? remote.get(name) : readIfThere(join(dir, name)));

  const given = (options.vkeys ?? []).map((text) => givenKey(engine, text));
  const keyFrom = given.some(({ role }) => role === 'log') ? 'flag' : 'log';
  const own = keyFrom === 'log' ? keysIn(engine, await read('log.vkey')) : [];
  // Before the records: a log in use grows meanwhile and must then hold more than the checkpoint says, never less.
  const checkpoint = await read('checkpoint');
  const keys = [...given, ...own];
  const verifier = logVerifier({ engine, checkpoint, keys, kept, checkDecision, replayDecision });
  const warnings: string[] = [];
  if (keyFrom === 'log') {
    warnings.push('the key came from the log itself, and so may a forged one: pass the vkey that you were given');
    if (own.length === 0) verifier.note(ofLog('key.missing', 'the log names no key that can be read', 'log.vkey'));
  }
  const counted = { ...verifier, take: counting(verifier.take, verifier.checkpoint?.size ?? null, options.onProgress) };
  if (remote) await readRemote(remote, counted);
  else warnings.push(...(await readFolder(dir, engine, counted)));
  const report = verifier.finish();
  if (report.anchor === 'self') {
    warnings.push('self-signed only: that nothing was removed holds from a checkpoint that a witness or you have kept');
  }
  return { ...report, keyFrom, warnings };
}

function httpUrl(source: string | URL): URL | null {
  const url = source instanceof URL ? source : URL.parse(source);
  return url && (url.protocol === 'http:' || url.protocol === 'https:') ? url : null;
}

function givenKey(engine: Engine, text: string): VerifierKey {
  const key = parseVkey(engine, text.trim());
  if (!key)
    throw new TypeError(`\`${text}\` is not a verifier key: expected \`<name>+<key id>+<base64>\` with an Ed25519 key`);
  return key;
}

/** Lines of other algorithms are for other readers. */
function keysIn(engine: Engine, file: Uint8Array | null): VerifierKey[] {
  const lines = (file && utf8Text(file))?.split('\n') ?? [];
  return lines.map((line) => parseVkey(engine, line)).filter((key) => key !== null);
}

const recordsPerProgress = 4096;

function counting(take: (entry: LogEntry) => void, size: number | null, onProgress: VerifyOptions['onProgress']) {
  let records = 0;
  return (entry: LogEntry) => {
    take(entry);
    records += 1;
    if (records % recordsPerProgress === 0) onProgress?.({ records, size });
  };
}
