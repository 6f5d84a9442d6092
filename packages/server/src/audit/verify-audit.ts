// `writ audit verify`: reads a log from its folder or over HTTP and has core judge it. From a folder every segment is
// read and compared with the tiles made of it; over HTTP the entry bundles are. Trusts nothing but the keys it was given.

import { type Engine, type LogEntry, type LogQuestion, type LogReport, logVerifier, ofLog } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { logKeys, logSource } from './log-source.ts';
import { readFolder } from './verify-folder.ts';
import { readRemote } from './verify-remote.ts';
import { witnessedFile } from './witnessed.ts';

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

export interface VerifyOptions extends Pick<LogQuestion, 'checkDecision' | 'replayDecision' | 'kept' | 'policy'> {
  /** Keys of the log and of witnesses, as vkey text. Without any of a log, those of `log.vkey` are used. */
  readonly vkeys?: readonly string[];
  /** Called now and then. */
  readonly onProgress?: (progress: Progress) => void;
  readonly engine?: Engine;
  readonly fetch?: typeof fetch;
}

/** Throws when the log cannot be reached or a vkey cannot be read; what is wrong with the log stands in the findings. */
export async function verifyAudit(source: string | URL, options: VerifyOptions = {}): Promise<AuditReport> {
  const { engine = nodeEngine, policy, kept, checkDecision, replayDecision } = options;
  const from = logSource(source, options.fetch);
  const { keys, secondKeys, keyFrom } = await logKeys(engine, from, options.vkeys ?? [], policy);
  // The older one first, and both before the records: a log in use grows meanwhile, and then holds more than they say.
  const witnessed = await from.get(witnessedFile);
  const checkpoint = await from.get('checkpoint');
  const question = { engine, checkpoint, witnessed, keys, secondKeys, policy, kept, checkDecision, replayDecision };
  const verifier = logVerifier(question);
  const warnings: string[] = [];
  if (keyFrom === 'log') {
    warnings.push('the key came from the log itself, and so may a forged one: pass the vkey that you were given');
    if (!keys.some(({ role }) => role === 'log'))
      verifier.note(ofLog('key.missing', 'the log names no key that can be read', 'log.vkey'));
  }
  const counted = { ...verifier, take: counting(verifier.take, verifier.checkpoint?.size ?? null, options.onProgress) };
  if (from.dir === null) await readRemote(from, counted);
  else warnings.push(...(await readFolder(from.dir, engine, counted)));
  const report = verifier.finish();
  const { size, witnessedSize, cosignatures } = report;
  if (size !== null && witnessedSize !== null && witnessedSize < size) {
    const seen = new Date(Math.max(...cosignatures.map(({ timeSeconds }) => timeSeconds)) * 1000).toISOString();
    warnings.push(
      `${size - witnessedSize} records are newer than what witnesses have seen, ${witnessedSize} at ${seen}`,
    );
  }
  if (report.anchor === 'self') {
    warnings.push('self-signed only: that nothing was removed holds from a checkpoint that a witness or you have kept');
  }
  return { ...report, keyFrom, warnings };
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
