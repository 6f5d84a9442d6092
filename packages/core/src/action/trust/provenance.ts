// Where does a value come from, and how far is that to be trusted? The prompt, else the best output that holds it, else it was
// composed by the agent out of everything it has read, and counts as the floor (rules §3.8).

import type { EchoMemory } from './echo.ts';
import { type Effort, handleOf, heldIn, type Ref, type TaskEvidence } from './evidence.ts';
import { type Level, lower } from './levels.ts';
import { directPart, findInPrompt, type Prompt } from './prompt.ts';
import { finderOf } from './tokens.ts';
import { isShortNumber, type Scalar, type ValueType, valueKey } from './typed-value.ts';

export interface Knowledge {
  readonly prompt: Prompt;
  readonly evidence: TaskEvidence;
  readonly echoes: EchoMemory;
  /** The one the call goes to. */
  readonly server: string;
  /** The floor that counts: task and residue. */
  readonly floor: Level;
  /** Addresses registered for the root: its own account, mailbox, name. */
  readonly rootAddresses: readonly string[];
  /** Has a person vouched for this in the task? Keys are those of `endorsementKey`. */
  endorsed?(key: string): boolean;
  /** Shared by all values of a call. */
  readonly effort: Effort;
}

/** Where a level comes from: an output, a place in the prompt, the root's own registration, or a person's word for the value. */
export type Origin =
  | { readonly ref: Ref; readonly pointer: string }
  /** Offset in the NFKC text of the instruction. */
  | { readonly prompt: number }
  | { readonly root: true }
  | { readonly endorsed: true };

export interface Provenance {
  readonly level: Level;
  /** Empty: composed. */
  readonly from: readonly Origin[];
}

export interface Asked {
  readonly type: ValueType;
  readonly value: Scalar;
  readonly isTarget: boolean;
}

export function provenanceOf(asked: Asked, known: Knowledge): Provenance {
  if (asked.isTarget && isShortNumber(asked.value)) {
    return handleOf(known.evidence, { ...asked, server: known.server }, known.echoes) ?? composed(known);
  }
  const find = finderOf(asked.type, asked.value);
  const hit = findInPrompt(known.prompt, find);
  if (hit?.level === 4) return { level: 4, from: [{ prompt: hit.offset }] };
  // Without the person's own words there is no level 4 at all (rules §3.10).
  const own: Level = directPart(known.prompt).instructions.length > 0 ? 4 : 3;
  if (asked.isTarget && isOwnAddress(asked, known.rootAddresses)) return { level: own, from: [{ root: true }] };
  const held = heldIn(known.evidence, { ...asked, find, effort: known.effort }, known.echoes);
  if (hit !== null && (held === null || hit.level >= held.level))
    return { level: hit.level, from: [{ prompt: hit.offset }] };
  return held ?? composed(known);
}

function composed({ floor }: Knowledge): Provenance {
  return { level: lower(floor, 3), from: [] };
}

function isOwnAddress({ type, value }: Asked, addresses: readonly string[]): boolean {
  return addresses.some((address) => valueKey(type, address) === valueKey(type, value));
}

/** Ways in which parts of one target are written together. */
const JOINTS = ['', ' ', '@', '/', '.', ':', ', '];

/** Parts that are trusted one by one may make a target that nobody ever named, so they are judged as one (rules §3.8). */
export function provenanceOfGroup(parts: readonly Scalar[], known: Knowledge): Provenance {
  const joined = JOINTS.map((joint) => parts.map(String).join(joint));
  const found = joined.map((value) => provenanceOf({ type: 'text', value, isTarget: true }, known));
  return found.reduce((a, b) => (b.level > a.level ? b : a));
}
