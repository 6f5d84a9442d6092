// Which checkpoint of a log witnesses vouch for. The newest is often too new for them; then the one that the log keeps for
// this counts, and the tree has to contain it (verify-log.ts).

import { type OpenedCheckpoint, openCheckpoint } from './checkpoint.ts';
import { type Finding, ofLog } from './finding.ts';
import type { NoteSignature } from './note.ts';
import type { LogQuestion } from './verify-log.ts';
import { isQuorum } from './witness-policy.ts';

export interface Cosignature {
  readonly name: string;
  readonly keyId: string;
  readonly timeSeconds: number;
}

export interface WitnessVerdict {
  /** The checkpoint kept apart, to be compared with the records; null when there is none or it is not acceptable. */
  readonly kept: OpenedCheckpoint | null;
  readonly cosignatures: readonly Cosignature[];
  /** Null: no checkpoint has been seen by enough of them. */
  readonly witnessedSize: number | null;
}

export function judgeWitnesses(
  question: LogQuestion,
  newest: OpenedCheckpoint | null,
  note: (finding: Finding) => void,
): WitnessVerdict {
  const { policy } = question;
  const kept = openWitnessed(question, newest, note);
  const enough = (signatures: readonly NoteSignature[]) =>
    signatures.length > 0 && (!policy || isQuorum(policy, signatures));
  const all = [newest, kept].filter((one) => one !== null);
  const best = all.find((one) => enough(witnessesOf(one)));
  if (!best && policy?.quorum) {
    const most = Math.max(0, ...all.map((one) => witnessesOf(one).length));
    const says = `no checkpoint has the quorum of the policy: ${most} of its ${policy.witnesses.length} witnesses have signed`;
    note(ofLog('witness.quorum_missing', says, 'checkpoint'));
  }
  const told = best ?? newest;
  return {
    kept,
    cosignatures: told
      ? witnessesOf(told).map(({ key, timeSeconds }) => ({ name: key.name, keyId: key.id, timeSeconds: timeSeconds! }))
      : [],
    witnessedSize: best?.size ?? null,
  };
}

function openWitnessed(
  { engine, witnessed = null, keys }: LogQuestion,
  newest: OpenedCheckpoint | null,
  note: (finding: Finding) => void,
): OpenedCheckpoint | null {
  if (!witnessed) return null;
  const opened = openCheckpoint(engine, witnessed, keys);
  if (opened.ok && (!newest || newest.origin === opened.value.origin)) return opened.value;
  const says = opened.ok ? `it is of the log \`${opened.value.origin}\`` : opened.says;
  note(
    ofLog(
      'checkpoint.witnessed_invalid',
      `the witnessed checkpoint is not acceptable: ${says}`,
      'checkpoint.witnessed',
    ),
  );
  return null;
}

/** Those who say when they saw it, the log itself apart. */
function witnessesOf({ origin, signatures }: OpenedCheckpoint): readonly NoteSignature[] {
  return signatures.filter(({ key, timeSeconds }) => timeSeconds !== null && key.name !== origin);
}
