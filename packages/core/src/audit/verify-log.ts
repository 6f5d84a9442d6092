// Verifies a whole log, record by record: the tree against the signed checkpoint, each record's form, and the pairs
// of decision and outcome (contract §10). Reading files is the caller's; so are the rules inside a decision,
// which come in as `checkDecision` and `replayDecision`.

import { toBase64 } from '../std/base64.ts';
import { equalBytes } from '../std/bytes.ts';
import type { Engine } from '../std/engine.ts';
import type { JsonObject } from '../std/json.ts';
import { type OpenedCheckpoint, openCheckpoint } from './checkpoint.ts';
import type { Checkpoint } from './checkpoint-text.ts';
import { type Finding, ofLog } from './finding.ts';
import { emptyFrontier, extend, leafHash, treeRoot } from './merkle.ts';
import type { VerifierKey } from './note.ts';
import { missingMember, type RecordProblem, readRecord, recordPairing } from './records.ts';
import { type Cosignature, judgeWitnesses } from './verify-witnesses.ts';
import type { WitnessPolicy } from './witness-policy.ts';

export interface LogEntry {
  readonly sequence: number;
  readonly entry: Uint8Array;
  readonly file: string;
  readonly offset: number;
  /** The leaf hash stored beside the entry, where the source has one. */
  readonly leaf?: Uint8Array;
}

export interface LogReport {
  /** No findings. */
  readonly ok: boolean;
  /** From the checkpoint; null when that could not be opened. */
  readonly origin: string | null;
  readonly size: number | null;
  /** Base64, RFC 6962. */
  readonly root: string | null;
  /** Records read, those after the checkpoint included. */
  readonly records: number;
  readonly decisions: number;
  /** Ids of allowed decisions of which nothing says what came of them. Not a finding: a crash leaves them honestly. */
  readonly unknownOutcomes: readonly string[];
  readonly replayed: number;
  /** Ids of decisions that could not be replayed. */
  readonly notReplayable: readonly string[];
  /** Of the checkpoint that counts: the newest with enough of them, else the newest. */
  readonly cosignatures: readonly Cosignature[];
  /** Records under the newest checkpoint that witnesses have seen, enough of them where a policy says how many; null for none. */
  readonly witnessedSize: number | null;
  /** From where "nothing was removed" holds: a witness, a checkpoint the verifier kept, or only the log's own word. */
  readonly anchor: 'witness' | 'kept' | 'self';
  readonly findings: readonly Finding[];
}

/** What a replay of one decision came to; a problem means that it came out differently. */
export type ReplayResult = 'same' | 'not_replayable' | RecordProblem;

export interface LogQuestion {
  readonly engine: Engine;
  /** The signed note; null when there is none. */
  readonly checkpoint: Uint8Array | null;
  readonly keys: readonly VerifierKey[];
  /** The newest note that witnesses have cosigned, where the log keeps it apart; null when there is none. */
  readonly witnessed?: Uint8Array | null;
  /** How many witnesses are enough. Without: one whose key is among `keys`. */
  readonly policy?: WitnessPolicy;
  /** The log's own ML-DSA keys: one of them has to have signed the newest checkpoint too. Without: Ed25519 alone is enough. */
  readonly secondKeys?: readonly VerifierKey[];
  /** Signed notes of this log that the verifier kept from before: what they cover must still be there, unchanged. */
  readonly kept?: readonly Uint8Array[];
  /** The rules inside one decision: that each hop of its chain narrows, say. */
  readonly checkDecision?: (record: JsonObject, sequence: number) => readonly RecordProblem[];
  readonly replayDecision?: (record: JsonObject, sequence: number) => ReplayResult;
}

export interface LogVerifier {
  /** The checkpoint as it was opened; null when it could not be. */
  readonly checkpoint: OpenedCheckpoint | null;
  /** Records in log order. */
  take(entry: LogEntry): void;
  /** What the reader of the files found by itself. */
  note(finding: Finding): void;
  finish(): LogReport;
}

/** More than this is one broken log, not a thousand news; the rest is counted. */
const findingsMax = 1000;

/** Verifies everything an iterable yields. */
export async function verifyLog(
  question: LogQuestion,
  entries: Iterable<LogEntry> | AsyncIterable<LogEntry>,
): Promise<LogReport> {
  const verifier = logVerifier(question);
  for await (const entry of entries) verifier.take(entry);
  return verifier.finish();
}

export function logVerifier(question: LogQuestion): LogVerifier {
  const { engine } = question;
  const findings: Finding[] = [];
  let unlisted = 0;
  const note = (finding: Finding) => {
    if (findings.length < findingsMax) findings.push(finding);
    else unlisted += 1;
  };
  const opened = openNewest(question, note);
  const kept = openKept(question, opened, note);
  const witnesses = judgeWitnesses(question, opened, note);
  const pairing = recordPairing();
  const tree = treeCheck(
    engine,
    [...kept, witnesses.kept, opened].filter((one) => one !== null),
    note,
  );
  const notReplayable: string[] = [];
  let records = 0;
  let replayed = 0;

  function take(at: LogEntry): void {
    const report = ({ code, says }: RecordProblem) =>
      note({ code, sequence: at.sequence, file: at.file, offset: at.offset, says });
    records += 1;
    tree.take(at);
    const record = readRecord(at.entry);
    const missing = record && missingMember(record);
    if (!record) {
      report({ code: 'entry.not_canonical', says: 'the record is not a canonical JSON object (RFC 8785)' });
    } else if (missing) {
      report({ code: 'entry.incomplete', says: missing });
    } else {
      for (const problem of pairing.take(record, at.sequence)) report(problem);
      if (record.kind === 'decision') takeDecision(record, at.sequence, report);
    }
  }

  function takeDecision(record: JsonObject, sequence: number, report: (problem: RecordProblem) => void): void {
    for (const problem of question.checkDecision?.(record, sequence) ?? []) report(problem);
    const result = question.replayDecision?.(record, sequence);
    if (result === 'same') replayed += 1;
    else if (result === 'not_replayable') notReplayable.push(record.decisionId as string);
    else if (result) report(result);
  }

  function finish(): LogReport {
    tree.finish();
    if (unlisted > 0) findings.push(ofLog('log.more_findings', `${unlisted} further findings are not listed`));
    return {
      ok: findings.length === 0,
      origin: opened?.origin ?? null,
      size: opened?.size ?? null,
      root: opened && toBase64(opened.root),
      records,
      decisions: pairing.decisions(),
      unknownOutcomes: pairing.unknownOutcomes(),
      replayed,
      notReplayable,
      cosignatures: witnesses.cosignatures,
      witnessedSize: witnesses.witnessedSize,
      anchor: witnesses.witnessedSize !== null ? 'witness' : kept.length > 0 ? 'kept' : 'self',
      findings,
    };
  }

  return { checkpoint: opened, take, note, finish };
}

function openNewest(
  { engine, checkpoint, keys, secondKeys = [] }: LogQuestion,
  note: (finding: Finding) => void,
): OpenedCheckpoint | null {
  if (!checkpoint) {
    const says = 'the log has no checkpoint: nothing says how many records it should hold';
    note(ofLog('checkpoint.missing', says, 'checkpoint'));
    return null;
  }
  const opened = openCheckpoint(engine, checkpoint, keys);
  if (!opened.ok) {
    note(ofLog('checkpoint.invalid', `the checkpoint is not acceptable: ${opened.says}`, 'checkpoint'));
    return null;
  }
  if (secondKeys.length > 0 && !opened.value.signatures.some(({ key }) => secondKeys.includes(key))) {
    const says = `its ML-DSA key \`${secondKeys[0]!.name}\` (${secondKeys[0]!.id}) has not signed the checkpoint`;
    note(ofLog('checkpoint.signature_missing', says, 'checkpoint'));
  }
  return opened.value;
}

function openKept(
  { engine, kept = [], keys }: LogQuestion,
  newest: Checkpoint | null,
  note: (finding: Finding) => void,
): OpenedCheckpoint[] {
  return kept.flatMap((bytes) => {
    const opened = openCheckpoint(engine, bytes, keys);
    if (opened.ok && (!newest || newest.origin === opened.value.origin)) return [opened.value];
    const says = opened.ok ? `it is of the log \`${opened.value.origin}\`` : opened.says;
    note(ofLog('checkpoint.kept_invalid', `a checkpoint kept from before is not acceptable: ${says}`));
    return [];
  });
}

/** Rebuilds the tree and compares it with each checkpoint when it has that size. */
function treeCheck(engine: Engine, checkpoints: readonly Checkpoint[], note: (finding: Finding) => void) {
  let frontier = emptyFrontier;
  let expected = 0;
  let whole = true;

  function compare(): void {
    for (const checkpoint of checkpoints.filter(({ size }) => size === frontier.size)) {
      const root = treeRoot(engine, frontier);
      if (equalBytes(root, checkpoint.root)) continue;
      const says = `the first ${frontier.size} records have the root ${toBase64(root)}, signed was ${toBase64(checkpoint.root)}`;
      note(ofLog('log.root_mismatch', says));
    }
  }

  function take({ sequence, entry, file, offset, leaf }: LogEntry): void {
    const hash = leafHash(engine, entry);
    if (leaf && !equalBytes(hash, leaf)) {
      const says = 'the record is not the one its leaf hash was made of';
      note({ code: 'entry.leaf_mismatch', sequence, file, offset, says });
    }
    if (sequence !== expected) {
      whole = false;
      const code = sequence > expected ? 'log.gap' : 'log.out_of_order';
      const says = `record ${expected} was to follow, record ${sequence} stands here`;
      note({ code, sequence: Math.min(expected, sequence), file, offset, says });
    }
    expected = sequence + 1;
    if (!whole) return;
    frontier = extend(engine, frontier, hash);
    compare();
  }

  function finish(): void {
    const size = Math.max(0, ...checkpoints.map((checkpoint) => checkpoint.size));
    if (expected >= size) return;
    const says = `the log holds ${expected} records, a checkpoint was signed over ${size}`;
    note({ code: 'log.shorter_than_checkpoint', sequence: expected, file: null, offset: null, says });
  }

  compare();
  return { take, finish };
}
