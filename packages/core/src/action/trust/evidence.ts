// The evidence of one task: every leaf of every output that was released to it, with its label, and the floor that sank with
// them. Bounded: what no longer fits still lowers the floor, and values in it count as composed (rules §3.5, §3.8).

import type { JsonValue } from '../../std/json.ts';
import { activeTokensIn } from './active.ts';
import { type EchoMemory, echoCap } from './echo.ts';
import { FieldList } from './fields.ts';
import { type LabelledLeaf, labelOutput } from './labels.ts';
import { higher, type Level, lower } from './levels.ts';
import type { OutputRule } from './manifest.ts';
import { type Finder, finderOf } from './tokens.ts';
import { normal, type Scalar, typedKey, type ValueType } from './typed-value.ts';

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
  readonly fields: FieldList;
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
  return { floor, fields: FieldList.empty, evicted: false, secretsEvicted: false, chars: 0 };
}

/** Before the first byte of the output is released. */
export function observe(evidence: TaskEvidence, { ref, server, output, rules, echoes }: Observation): TaskEvidence {
  const fields = labelOutput(rules, output).map((leaf) => fieldOf(heldDown(leaf, server, echoes), ref, server));
  return withFields(evidence, fields, echoes);
}

/** Also for fields that came with signed labels. */
export function withFields(evidence: TaskEvidence, fields: Iterable<Field>, echoes: EchoMemory): TaskEvidence {
  let { floor, chars, evicted, secretsEvicted } = evidence;
  const kept: Field[] = [];
  let secrets = evidence.fields.secretCount;
  for (const field of fields) {
    if (typeof field.value === 'string') floor = lower(floor, floorOf(field, echoes));
    const hasRoom = evidence.fields.length + kept.length < evidenceFieldsMax;
    const fits = hasRoom && chars + field.searched.length <= evidenceCharsMax;
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
  return { floor, fields: evidence.fields.with(kept), evicted, secretsEvicted, chars };
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

/** How much text may still be looked through for one call: whoever chooses outputs and arguments must not hold up the plane with them. */
export interface Effort {
  chars: number;
}

/** UTF-16 units; many times what any call needs whose values stand in few places. */
export function effortForOneCall(): Effort {
  return { chars: 64 * 1024 * 1024 };
}

/** Each look into a field costs a little, however short it is. */
const lookChars = 64;
/** And how many times what a search for a word costs. */
const looksAs: { readonly [Type in ValueType]: number } = {
  iban: 1,
  id: 1,
  text: 1,
  date: 4,
  number: 8,
  email: 16,
  url: 16,
};

interface Search {
  readonly type: ValueType;
  readonly value: Scalar;
  readonly find: Finder;
  /** Only what this server said. */
  readonly server?: string;
  readonly effort: Effort;
}

/**
 * The best field that holds the value: as a whole by its handle, else by its text. Null when none does; level 0 where it would take
 * too long to say.
 */
export function heldIn({ fields }: TaskEvidence, search: Search, echoes: EchoMemory): Held | null {
  const { effort } = search;
  if (effort.chars < 0) return { level: 0, from: [] };
  const { whole, inText, perhaps } = fields.index.candidatesFor(search.type, search.value);
  const best = bestOf(fields, search, echoes);
  for (const at of whole) best.take(at, ({ handle, text }) => (handle === null ? text : higher(handle, text)));
  for (const list of inText) for (const at of list) best.take(at, textOf);
  for (const list of perhaps) {
    for (const at of list) {
      // Long searches are for fields that would make a difference.
      if (!best.wants(at, textOf)) continue;
      const { searched } = fields.at(at)!;
      effort.chars -= (searched.length + lookChars) * looksAs[search.type];
      if (effort.chars < 0) return { level: 0, from: [] };
      if (search.find(searched) >= 0) best.take(at, textOf);
    }
  }
  return best.held();
}

function textOf({ text }: Field): Level {
  return text;
}

/** Only whole handle fields of one server: for values too short to be looked for anywhere else. */
export function handleOf(
  { fields }: TaskEvidence,
  search: { readonly type: ValueType; readonly value: Scalar; readonly server: string },
  echoes: EchoMemory,
): Held | null {
  const best = bestOf(fields, search, echoes);
  for (const at of fields.index.whole(search.type, search.value)) best.take(at, ({ handle }) => handle);
  return best.held();
}

/**
 * At which level this server itself had said a value before the call, whatever it was taken for; null when it had not. One answer for
 * all values of one call.
 */
export function returnedBy(
  evidence: TaskEvidence,
  server: string,
  echoes: EchoMemory,
): (value: Scalar) => Level | null {
  const effort = effortForOneCall();
  return (value) => {
    let level: Level | null = null;
    for (const type of ['text', 'url', 'email', 'iban'] as const) {
      if (typedKey(type, value) === null) continue;
      const held = heldIn(evidence, { type, value, find: finderOf(type, value), server, effort }, echoes);
      if (held !== null) level = level === null ? held.level : higher(level, held.level);
    }
    return level;
  };
}

interface Best {
  /** A null level is no hit. Fields may come in any order and more than once. */
  take(at: number, levelIn: (field: Field) => Level | null): void;
  /** Whether that field at that level would change the answer. */
  wants(at: number, levelIn: (field: Field) => Level | null): boolean;
  held(): Held | null;
}

function bestOf(
  fields: FieldList,
  { value, server }: { readonly value: Scalar; readonly server?: string },
  echoes: EchoMemory,
): Best {
  let best: Level | null = null;
  /** Ascending, at most `sourcesMax`. */
  let from: number[] = [];
  const caps = new Map<string, Level | null>();
  const capOf = (name: string): Level | null => {
    const known = caps.get(name);
    if (known !== undefined) return known;
    const cap = echoCap(echoes, name, value);
    caps.set(name, cap);
    return cap;
  };

  /** Null: changes nothing. */
  function better(at: number, levelIn: (field: Field) => Level | null): Level | null {
    const field = fields.at(at);
    const own = field && (server === undefined || field.server === server) ? levelIn(field) : null;
    if (own === null || (best !== null && own < best)) return null;
    const cap = capOf(field!.server);
    const level = cap === null ? own : lower(own, cap);
    if (best === null || level > best) return level;
    const hasRoom = from.length < sourcesMax || at < from.at(-1)!;
    return level === best && hasRoom && !from.includes(at) ? level : null;
  }

  return {
    wants: (at, levelIn) => better(at, levelIn) !== null,
    take(at, levelIn) {
      const level = better(at, levelIn);
      if (level === null) return;
      from = level === best ? [...from, at].sort((a, b) => a - b).slice(0, sourcesMax) : [at];
      best = level;
    },
    held() {
      if (best === null) return null;
      const sources = from.map((at) => fields.at(at)!).map(({ ref, pointer }) => ({ ref, pointer }));
      return { level: best, from: sources };
    },
  };
}
