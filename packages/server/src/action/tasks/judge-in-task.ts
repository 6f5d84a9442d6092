// One call in the light of its task, whoever kept that light: the desk of a running plane, or whoever tells `writ decide` about one.

import {
  type Call,
  type Definition,
  judgeFloorRule,
  judgeTrust,
  type SentValue,
  type TaskKnowledge,
  type TrustAnswer,
  trustFacts,
} from '@writ/core';
import { provenanceRecord } from './provenance-record.ts';

/** `floor` is the plain rule (rules §3.14). */
export type TrustRule = 'provenance' | 'floor';

export function judgeInTask(
  { target, arguments: args, answers }: Call,
  { trust, manifest }: Definition,
  known: Omit<TaskKnowledge, 'floor'>,
  floor: TrustAnswer['floor'],
  rule: TrustRule,
): { readonly answer: TrustAnswer; readonly sent: readonly SentValue[] } {
  const ask = { server: target.server, tool: trust, manifest, arguments: args, answers };
  const { facts, places, provenance, sent } = trustFacts(ask, { ...known, floor: floor.used });
  // The plain rule knows no values: where nobody vouches for an answer that goes along, nobody vouches for the call.
  const lowest = answers && Object.keys(answers).length > 0 ? { ...facts, floor: 0 as const } : facts;
  const verdict = rule === 'floor' ? judgeFloorRule(lowest) : judgeTrust(facts, places);
  return { answer: { ...verdict, facts, provenance: provenanceRecord(provenance), floor }, sent };
}
