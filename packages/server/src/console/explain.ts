// One decision, whole (contract §6): its record, what became of it, and the proof that the record stands in the log. Also
// what was refused before it was a call, at the token endpoint or at the API: the event, under the id the caller was told.

import { isJsonObject, type JsonObject, parseVkey, verifyProofFile } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import type { ConsoleDeps } from './ports.ts';

export type Explain = (decisionId: string) => Promise<JsonObject | null>;

export function createExplain({ decisions, log, report }: Pick<ConsoleDeps, 'decisions' | 'log' | 'report'>): Explain {
  return async (decisionId) => {
    const row = decisions.decision(decisionId);
    if (!row) return refusedEvent(decisionId);
    const entry = await log.read(row.sequence);
    if (!entry) return null;
    const { kind: _kind, id: _id, ...record } = entry.record;
    const closing = await closingOf(decisionId);
    return {
      ...record,
      sequence: row.sequence,
      digests: { ...object(record.digests), ...object(closing?.record.digests) },
      result: resultOf(row.outcome, closing),
      proof: await proofOf(row.sequence, entry.bytes),
    };
  };

  /** `{event, sequence, proof}`. Other events are for who may read the whole log. */
  async function refusedEvent(id: string): Promise<JsonObject | null> {
    const row = decisions.event(id);
    const entry = row && refusals.has(row.event) && (await log.read(row.sequence));
    if (!row || !entry) return null;
    return { event: entry.record, sequence: row.sequence, proof: await proofOf(row.sequence, entry.bytes) };
  }

  async function closingOf(decisionId: string) {
    const outcome = decisions.outcomeOf(decisionId);
    const entry = outcome && (await log.read(outcome.sequence));
    return outcome && entry && { sequence: outcome.sequence, record: entry.record };
  }

  /** `verified`: with the log's own key. Whoever trusts neither plane nor key asks `writ audit verify`. */
  async function proofOf(sequence: number, entry: Uint8Array): Promise<JsonObject | null> {
    try {
      const key = parseVkey(nodeEngine, log.vkey);
      if (!key) throw new Error('the key of the log cannot be read');
      const file = await log.prove(sequence);
      const checked = verifyProofFile(nodeEngine, file, { entry, origin: key.name, keys: [key] });
      if (!checked.ok) return { index: sequence, size: null, verified: false, says: checked.says };
      return { index: checked.value.index, size: checked.value.checkpoint.size, verified: true };
    } catch (error) {
      report(`proof of record ${sequence}`, error);
      return null;
    }
  }
}

const refusals: ReadonlySet<string> = new Set(['token.refused', 'api.refused']);

/** Decided is not happened: an allowed call without a closing record may have reached its target or not. */
function resultOf(outcome: string, closing: { sequence: number; record: JsonObject } | null): JsonObject {
  if (closing) return { ...object(closing.record.result), sequence: closing.sequence };
  return { state: outcome === 'allow' ? 'unknown' : 'none', sequence: null };
}

function object(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
