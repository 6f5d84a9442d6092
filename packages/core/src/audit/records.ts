// What every record of the log has in common, and which record belongs to which: an outcome closes the allowed
// decision it names. What a decision means is for `decide` and the replay; what the tree says is verify-log.ts.

import { utf8Text } from '../std/bytes.ts';
import { canonicalJson, isJsonObject, type JsonObject } from '../std/json.ts';

export type RecordKind = 'decision' | 'outcome' | 'event';

export interface RecordProblem {
  readonly code: string;
  readonly says: string;
}

/** The record an entry holds: RFC 8785 JSON, byte for byte. Null for anything else. */
export function readRecord(entry: Uint8Array): JsonObject | null {
  const text = utf8Text(entry);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    // Canonical text has each member once, so comparing also refuses doubled names, which JSON.parse lets through.
    return isJsonObject(value) && canonicalJson(value) === text ? value : null;
  } catch {
    return null; // not JSON, or JSON that RFC 8785 cannot carry
  }
}

/** What a record lacks of the members that all have, as one sentence; null when it has them. */
export function missingMember(record: JsonObject): string | null {
  const { kind, id, time } = record;
  if (kind !== 'decision' && kind !== 'outcome' && kind !== 'event') return '`kind` is not decision, outcome or event';
  if (typeof id !== 'string' || id === '') return '`id` is missing';
  if (typeof time !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time)) {
    return '`time` is not RFC 3339 in UTC with milliseconds';
  }
  if (kind === 'decision' && !(typeof record.decisionId === 'string' && typeof record.outcome === 'string')) {
    return 'a decision needs `decisionId` and `outcome`';
  }
  if (kind === 'outcome') {
    const state = isJsonObject(record.result) ? record.result.state : undefined;
    if (typeof record.decision !== 'string' || typeof state !== 'string') {
      return 'an outcome needs `decision` and `result.state`';
    }
  }
  return null;
}

export interface RecordPairing {
  /** Takes a record that has its members; answers what is wrong with its place among the others. */
  take(record: JsonObject, sequence: number): readonly RecordProblem[];
  decisions(): number;
  /** Decision ids, in log order: allowed, and nothing says what came of it. */
  unknownOutcomes(): readonly string[];
}

export function recordPairing(): RecordPairing {
  const ids = new Set<string>();
  const decided = new Map<string, number>();
  const unclosed = new Set<string>();
  const closed = new Set<string>();

  function takeDecision(record: JsonObject, sequence: number): RecordProblem[] {
    const decisionId = record.decisionId as string;
    if (decided.has(decisionId)) {
      return [
        { code: 'decision.duplicate', says: `decision \`${decisionId}\` stands already at ${decided.get(decisionId)}` },
      ];
    }
    decided.set(decisionId, sequence);
    if (record.outcome === 'allow') unclosed.add(decisionId);
    return [];
  }

  function takeOutcome(record: JsonObject): RecordProblem[] {
    const decisionId = record.decision as string;
    const sequence = decided.get(decisionId);
    if (sequence === undefined) {
      return [{ code: 'outcome.without_decision', says: `no decision \`${decisionId}\` stands before this outcome` }];
    }
    if (record.decisionSequence !== sequence) {
      const says = `it points at ${JSON.stringify(record.decisionSequence)}, decision \`${decisionId}\` stands at ${sequence}`;
      return [{ code: 'outcome.wrong_sequence', says }];
    }
    if (closed.has(decisionId)) {
      return [{ code: 'outcome.duplicate', says: `decision \`${decisionId}\` has an outcome already` }];
    }
    closed.add(decisionId);
    // "unknown" is an honest record of not knowing; it stays on the list an investigator reads.
    if ((record.result as JsonObject).state !== 'unknown') unclosed.delete(decisionId);
    return [];
  }

  function take(record: JsonObject, sequence: number): RecordProblem[] {
    const id = record.id as string;
    const problems = ids.has(id) ? [{ code: 'entry.duplicate_id', says: `id \`${id}\` stands in the log twice` }] : [];
    ids.add(id);
    if (record.kind === 'decision') problems.push(...takeDecision(record, sequence));
    if (record.kind === 'outcome') problems.push(...takeOutcome(record));
    return problems;
  }

  return { take, decisions: () => decided.size, unknownOutcomes: () => [...unclosed] };
}
