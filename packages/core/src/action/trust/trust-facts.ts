// One call, looked at in the light of its task: which levels do its targets, values, dates and payloads have, and does anything
// secret leave? Matching ends here; from here on there are levels and no text, so that policy never reads what an outsider wrote
// (rules §3.10).

import { isJsonObject, type JsonObject, type JsonValue } from '../../std/json.ts';
import { ANSWERS_MEMBER } from '../call.ts';
import { activeTokensIn } from './active.ts';
import type { SentValue } from './echo.ts';
import { withEndorsement } from './endorsed.ts';
import { effortForOneCall } from './evidence.ts';
import { isTainted, type Level, lowestOf } from './levels.ts';
import { type Effect, riskOfCall, type ToolTrust } from './manifest.ts';
import { asksFor, directPart, findInPrompt, originOf, type Prompt } from './prompt.ts';
import { type Knowledge, type Origin, type Provenance, provenanceOf, provenanceOfGroup } from './provenance.ts';
import { type ArgumentLeaf, argumentLeaves } from './roles.ts';
import { firstCarrier } from './secrecy.ts';
import { finderOf } from './tokens.ts';
import type { Scalar } from './typed-value.ts';
import { everyWord, wordsIn } from './words.ts';

/** Levels, counts and yes or no; nothing that anybody wrote. What Cedar sees. */
export interface TrustFacts {
  /** Of this call, raised by its arguments. */
  readonly risk: number;
  readonly baseRisk: number;
  readonly effect: Effect;
  readonly manifest: boolean;
  /** `missing`: the task has one, and it did not arrive or its signature did not hold. */
  readonly prompt: 'direct' | 'relayed' | 'mandate' | 'none' | 'missing';
  readonly floor: Level;
  readonly tainted: boolean;
  /** The prompt asks for this kind of act; true where the rule does not apply. */
  readonly inTask: boolean;
  /** Lowest of the targets; null without one. */
  readonly target: Level | null;
  readonly value: Level | null;
  /** Every date stands in the direct prompt; true without dates. */
  readonly datesGiven: boolean;
  /** Lowest of the links, addresses and account numbers in payloads; null without one. */
  readonly activeToken: Level | null;
  /** `unknown`: a secret was read that no longer fitted into the evidence. */
  readonly secret: 'none' | 'leaves' | 'unknown';
}

/** The argument that each fact is about, as a JSON pointer. Goes into questions and records, not into policy. */
export interface TrustPlaces {
  readonly target: string | null;
  readonly value: string | null;
  readonly date: string | null;
  readonly activeToken: string | null;
  readonly secret: string | null;
}

export interface ArgumentProvenance {
  readonly role: ArgumentLeaf['role'];
  readonly level: Level;
  readonly from: readonly Origin[];
  /** Lowest active token in a payload that has one. */
  readonly active?: Level;
}

export interface TrustSeen {
  readonly facts: TrustFacts;
  readonly places: TrustPlaces;
  /** By pointer, in the order of the arguments. Levels and places, never a value. */
  readonly provenance: { readonly [pointer: string]: ArgumentProvenance };
  /** What leaves when the call is made, for the echo memory. */
  readonly sent: readonly SentValue[];
}

export interface TrustAsk {
  readonly server: string;
  readonly tool: ToolTrust;
  /** A person reviewed a manifest that says so. */
  readonly manifest: boolean;
  readonly arguments: JsonObject;
  /** What the caller answered to a question of the callee: level 0, whatever it says (rules §4.4). */
  readonly answers?: JsonObject | undefined;
}

export interface TaskKnowledge extends Omit<Knowledge, 'server' | 'effort'> {
  /** False when the task has a prompt that did not arrive here. */
  readonly promptArrived: boolean;
}

export function trustFacts(ask: TrustAsk, task: TaskKnowledge): TrustSeen {
  const { tool } = ask;
  const known: Knowledge = { ...task, server: ask.server, effort: effortForOneCall() };
  const judged = [
    ...judgeLeaves(argumentLeaves(ask.arguments, tool.args, tool.spelt), known),
    ...unvouched(ask.answers),
  ];
  const secret = secretFact(ask, tool, judged, known);
  const target = lowestIn(judged, 'target');
  const value = lowestIn(judged, 'value');
  const date = judged.find((one) => one.leaf.role === 'date' && !isGiven(one.leaf, task.prompt));
  const active = lowestActive(judged);
  const origin = originOf(task.prompt);
  return {
    facts: {
      risk: riskOfCall(tool, ask.arguments),
      baseRisk: tool.risk,
      effect: tool.effect,
      manifest: ask.manifest,
      prompt: task.promptArrived ? (origin ?? 'none') : 'missing',
      floor: task.floor,
      tainted: isTainted(task.floor),
      inTask: origin === null || tool.intent === undefined || asksFor(task.prompt, tool.intent),
      target: target?.level ?? null,
      value: value?.level ?? null,
      datesGiven: date === undefined,
      activeToken: active?.active ?? null,
      secret: secret.fact,
    },
    places: {
      target: target?.leaf.pointer ?? null,
      value: value?.leaf.pointer ?? null,
      date: date?.leaf.pointer ?? null,
      activeToken: active?.leaf.pointer ?? null,
      secret: secret.pointer,
    },
    provenance: Object.fromEntries(judged.filter(({ leaf }) => leaf.role !== 'ignored').map(entryOf)),
    sent: judged.map(({ leaf, unaided }) => ({ value: leaf.value, level: unaided })),
  };
}

interface Judged extends Provenance {
  readonly leaf: ArgumentLeaf;
  /** Without anybody's endorsement: what a server says back of it is no better. */
  readonly unaided: Level;
  /** Lowest active token in it; null for none, or where none is looked for. */
  readonly active: Level | null;
}

function judgeLeaves(leaves: readonly ArgumentLeaf[], known: Knowledge): readonly Judged[] {
  const groups = groupsOf(leaves, known);
  return leaves.map((leaf) => {
    const group = leaf.compose === null ? undefined : groups.get(leaf.compose);
    const isTarget = leaf.role === 'target';
    const found = group ?? provenanceOf({ type: leaf.type, value: leaf.value, isTarget }, known);
    // Parts of a group are judged as one, so a word for one of them says nothing.
    const { level, from } = group ? found : withEndorsement(found, leaf, known);
    return {
      leaf,
      level,
      from,
      unaided: found.level,
      active: leaf.role === 'payload' ? activeLevel(leaf, known) : null,
    };
  });
}

/** Nobody has said what an answer may be, so it is a target like any argument without a role. */
function unvouched(answers: JsonObject | undefined): readonly Judged[] {
  const leaves = answers === undefined ? [] : argumentLeaves({ [ANSWERS_MEMBER]: answers });
  return leaves.map((leaf) => ({ leaf, level: 0, from: [], unaided: 0, active: null }));
}

function groupsOf(leaves: readonly ArgumentLeaf[], known: Knowledge): ReadonlyMap<string, Provenance> {
  const groups = new Map<string, Provenance>();
  for (const [name, parts] of Map.groupBy(leaves, ({ compose }) => compose)) {
    if (name === null || parts.length < 2) continue;
    const ordered = parts.toSorted((a, b) => a.order - b.order).map(({ value }) => value);
    groups.set(name, provenanceOfGroup(ordered, known));
  }
  return groups;
}

function activeLevel(leaf: ArgumentLeaf, known: Knowledge): Level | null {
  if (typeof leaf.value !== 'string') return null;
  const { tokens, more } = activeTokensIn(leaf.value);
  if (more) return 0; // too many to look at one by one
  return lowestOf(tokens.map(({ type, text }) => provenanceOf({ type, value: text, isTarget: false }, known).level));
}

function lowestIn(judged: readonly Judged[], role: ArgumentLeaf['role']): Judged | null {
  return judged.reduce<Judged | null>(
    (low, one) => (one.leaf.role === role && (low === null || one.level < low.level) ? one : low),
    null,
  );
}

function lowestActive(judged: readonly Judged[]): Judged | null {
  return judged.reduce<Judged | null>(
    (low, one) => (one.active !== null && (low === null || one.active < low.active!) ? one : low),
    null,
  );
}

function isGiven({ type, value }: ArgumentLeaf, prompt: Prompt): boolean {
  return findInPrompt(directPart(prompt), finderOf(type, value)) !== null;
}

/** Effects by which something leaves for somebody else to read. */
const OUTGOING = new Set<Effect>(['network', 'message', 'money', 'membership', 'publish', 'unknown']);

function secretFact(
  { server, arguments: args }: TrustAsk,
  { effect }: ToolTrust,
  judged: readonly Judged[],
  { evidence, prompt }: Knowledge,
): { readonly fact: TrustFacts['secret']; readonly pointer: string | null } {
  const isNamed = namedIn(directPart(prompt));
  const guarded = evidence.fields
    .secrets()
    .filter((field) => (OUTGOING.has(effect) || field.server !== server) && !isNamed(field.value));
  if (guarded.length > 0) {
    const at = firstCarrier(
      judged.map(({ leaf }) => String(leaf.value)),
      guarded,
    );
    if (at !== null) return { fact: 'leaves', pointer: judged[at]!.leaf.pointer };
    // Names of members leave like values; a place would repeat the name.
    if (firstCarrier(namesIn(args), guarded) !== null) return { fact: 'leaves', pointer: null };
  }
  return { fact: evidence.secretsEvicted && OUTGOING.has(effect) ? 'unknown' : 'none', pointer: null };
}

/** Of the members below the arguments themselves, whose own names are the tool's. */
function namesIn(args: JsonObject): readonly string[] {
  const below = (value: JsonValue): readonly string[] => {
    if (Array.isArray(value)) return value.flatMap((one) => below(one as JsonValue));
    return isJsonObject(value) ? Object.entries(value).flatMap(([name, one]) => [name, ...below(one)]) : [];
  };
  return Object.values(args).flatMap(below);
}

/** For many values: most of them have a word that the prompt lacks, which is quicker to see. */
function namedIn(prompt: Prompt): (value: Scalar) => boolean {
  const words = new Set(prompt.instructions.flatMap(({ text }) => [...wordsIn(text)]));
  return (value) => everyWord(String(value), words) && findInPrompt(prompt, finderOf('id', value)) !== null;
}

function entryOf({ leaf, level, from, active }: Judged): readonly [string, ArgumentProvenance] {
  return [leaf.pointer, { role: leaf.role, level, from, ...(active === null ? {} : { active }) }];
}
