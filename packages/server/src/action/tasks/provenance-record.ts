// Where the arguments of a call came from, as the record keeps it (contract §6). Levels and places, never a value; bounded, because
// a caller chooses how many arguments it sends.

import type { ArgumentProvenance, JsonObject, JsonValue } from '@writ/core';

const leavesMax = 64;
const pointerCharsMax = 256;

/** The least trusted arguments first count; how many more there were stands under the pointer of the whole, ''. */
export function provenanceRecord(provenance: { readonly [pointer: string]: ArgumentProvenance }): JsonObject {
  const all = Object.entries(provenance);
  const kept = all.filter(([pointer]) => pointer.length <= pointerCharsMax);
  const shown =
    kept.length <= leavesMax ? kept : kept.toSorted(([, a], [, b]) => a.level - b.level).slice(0, leavesMax);
  const record = shown.map(([pointer, one]) => [pointer, leafRecord(one)] as const);
  const left = all.filter((entry) => !shown.includes(entry));
  if (left.length === 0) return Object.fromEntries(record);
  const lowest = Math.min(...left.map(([, { level }]) => level));
  return Object.fromEntries([...record, ['', { level: lowest, more: left.length }]]);
}

function leafRecord({ role, level, from, active }: ArgumentProvenance): JsonObject {
  const places = from.map(
    (origin): JsonValue => ('ref' in origin ? { decision: origin.ref, pointer: origin.pointer } : { ...origin }),
  );
  return { role, level, from: places, ...(active === undefined ? {} : { active }) };
}
