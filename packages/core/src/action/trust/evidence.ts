// The evidence of one task: every leaf of every output that was released to it, with its label, and the floor that sank with
// them. Bounded: what no longer fits still lowers the floor, and values in it count as composed (rules §3.5, §3.8).

import type { JsonValue } from '../../std/json.ts';
import { activeTokensIn } from './active.ts';
import { type EchoMemory, echoCap } from './echo.ts';
import { type LabelledLeaf, labelOutput } from './labels.ts';
import { higher, type Level, lower } from './levels.ts';
import type { OutputRule } from './manifest.ts';
import { type Finder, finderOf } from './tokens.ts';
import { normal, type Scalar, typedKey, type ValueType, valueKey } from './typed-value.ts';

export const evidenceFieldsMax = 20_000;
/** UTF-16 units. */
const evidenceCharsMax = 4 * 1024 * 1024;
/** Secrets beyond the two bounds above, and how long such a one may be. */
const secretsMax = 1_000;
export const secretCharsMax = 64 * 1024;

/** Which result: a decision id in the plane, a step in a replay. */
export type Ref = string | number;

export interface Field extends LabelledLeaf {
  readonly ref: Ref;
  readonly server: string;
  /** NFKC text, for search. */
  readonly searched: string;
}

export interface TaskEvidence {
  readonly floor: Level;
  readonly fields: readonly Field[];
  /** Something did not fit. */
  readonly evicted: boolean;
  /** A secret did not fit, so it could not be recognised. */
  readonly secretsEvicted: boolean;
  readonly chars: number;
}

export interface Observation {
  readonly ref: Ref;
  readonly server: string;
  readonly output: JsonValue;
  readonly rules: readonly OutputRule[];
  readonly echoes: EchoMemory;
}

export function startEvidence(floor: Level): TaskEvidence {
  return { floor, fields: [], evicted: false, secretsEvicted: false, chars: 0 };
}

/** Before the first byte of the output is released. */
export function observe(evidence: TaskEvidence, { ref, server, output, rules, echoes }: Observation): TaskEvidence {
  const fields = labelOutput(rules, output).map((leaf) => fieldOf(heldDown(leaf, server, echoes), ref, server));
  return withFields(evidence, fields, echoes);
}

/** Also for fields that came with signed labels. */
export function withFields(evidence: TaskEvidence, fields: readonly Field[], echoes: EchoMemory): TaskEvidence {
  const strings = fields.filter(({ value }) => typeof value === 'string');
  const floor = strings.reduce((low, field) => lower(low, floorOf(field, echoes)), evidence.floor);
  let { chars, evicted, secretsEvicted } = evidence;
  const kept = [...evidence.fields];
  let secrets = kept.filter(({ secret }) => secret).length;
  for (const field of fields) {
    const fits = kept.length < evidenceFieldsMax && chars + field.searched.length <= evidenceCharsMax;
    // Secrets have their own room, or a flood of text would make them forgotten.
    if (fits || (field.secret && secrets < secretsMax && field.searched.length <= secretCharsMax)) {
      kept.push(field);
      chars += field.searched.length;
      secrets += field.secret ? 1 : 0;
    } else {
      evicted = true;
      secretsEvicted ||= field.secret;
    }
  }
  return { floor, fields: kept, evicted, secretsEvicted, chars };
}

export function fieldOf(leaf: LabelledLeaf, ref: Ref, server: string): Field {
  return { ...leaf, ref, server, searched: normal(String(leaf.value)) };
}

/** A field that says an argument back word for word is that argument, whatever its label says. */
function heldDown(leaf: LabelledLeaf, server: string, echoes: EchoMemory): LabelledLeaf {
  const cap = echoCap(echoes, server, leaf.value);
  if (cap === null) return leaf;
  return { ...leaf, handle: leaf.handle === null ? null : lower(leaf.handle, cap), text: lower(leaf.text, cap) };
}

/** Text is as good as the worst that was put into it. */
function floorOf(field: Field, echoes: EchoMemory): Level {
  if (field.text <= 1 || echoes.isEmpty(field.server)) return field.text;
  const caps = activeTokensIn(field.searched).tokens.map(
    ({ text }) => echoCap(echoes, field.server, text) ?? field.text,
  );
  return caps.reduce(lower, field.text);
}

export interface Source {
  readonly ref: Ref;
  readonly pointer: string;
}

export interface Held {
  readonly level: Level;
  /** The fields that gave this level, first ones first. */
  readonly from: readonly Source[];
}

const sourcesMax = 8;

/** The best field that holds the value: as a whole by its handle, else by its text. Null when none does. */
export function heldIn(
  evidence: TaskEvidence,
  { type, value, find }: { readonly type: ValueType; readonly value: Scalar; readonly find: Finder },
  echoes: EchoMemory,
): Held | null {
  const key = valueKey(type, value);
  return best(evidence.fields, echoes, value, (field) => {
    const isWhole = valueKey(type, field.value) === key;
    if (isWhole) return field.handle === null ? field.text : higher(field.handle, field.text);
    return typeof field.value === 'string' && find(field.searched) >= 0 ? field.text : null;
  });
}

/** Only whole handle fields of one server: for values too short to be looked for anywhere else. */
export function handleOf(
  evidence: TaskEvidence,
  { type, value, server }: { readonly type: ValueType; readonly value: Scalar; readonly server: string },
  echoes: EchoMemory,
): Held | null {
  const key = valueKey(type, value);
  return best(evidence.fields, echoes, value, (field) =>
    field.server === server && field.handle !== null && valueKey(type, field.value) === key ? field.handle : null,
  );
}

/** At which level this server itself had said the value, whatever it was taken for; null when it had not. */
export function returnedBy(evidence: TaskEvidence, server: string, value: Scalar, echoes: EchoMemory): Level | null {
  const own = { ...evidence, fields: evidence.fields.filter((field) => field.server === server) };
  let level: Level | null = null;
  for (const type of ['text', 'url', 'email', 'iban'] as const) {
    if (typedKey(type, value) === null) continue;
    const held = heldIn(own, { type, value, find: finderOf(type, value) }, echoes);
    if (held !== null) level = level === null ? held.level : higher(level, held.level);
  }
  return level;
}

function best(
  fields: readonly Field[],
  echoes: EchoMemory,
  value: Scalar,
  levelIn: (field: Field) => Level | null,
): Held | null {
  let level: Level | null = null;
  let from: Source[] = [];
  for (const field of fields) {
    const own = levelIn(field);
    if (own === null) continue;
    const cap = echoCap(echoes, field.server, value);
    const here = cap === null ? own : lower(own, cap);
    if (level !== null && here < level) continue;
    if (level === null || here > level) from = [];
    level = here;
    if (from.length < sourcesMax) from.push({ ref: field.ref, pointer: field.pointer });
  }
  return level === null ? null : { level, from };
}
