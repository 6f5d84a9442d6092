// One call, looked at in the light of its task: which levels do its targets, values, dates and payloads have, and does anything
// secret leave? Matching ends here; from here on there are levels and no text, so that policy never reads what an outsider wrote
// (rules §3.10).

import type { JsonObject } from '../../std/json.ts';
import { activeTokensIn } from './active.ts';
import type { SentValue } from './echo.ts';
import { isTainted, type Level, lowestOf } from './levels.ts';
import { type Effect, riskOfCall, type ToolTrust } from './manifest.ts';
import { asksFor, directPart, findInPrompt, originOf, type Prompt } from './prompt.ts';
import { type Knowledge, type Origin, type Provenance, provenanceOf, provenanceOfGroup } from './provenance.ts';
import { type ArgumentLeaf, argumentLeaves } from './roles.ts';
import { carrierOf, carries } from './secrecy.ts';
import { finderOf } from './tokens.ts';

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
}

export interface TaskKnowledge extends Omit<Knowledge, 'server'> {
  /** False when the task has a prompt that did not arrive here. */
  readonly promptArrived: boolean;
}

export function trustFacts(ask: TrustAsk, task: TaskKnowledge): TrustSeen {
  const { tool } = ask;
  const known: Knowledge = { ...task, server: ask.server };
  const judged = judgeLeaves(argumentLeaves(ask.arguments, tool.args), known);
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
    sent: judged.map(({ leaf, level }) => ({ value: leaf.value, level })),
  };
}

interface Judged extends Provenance {
  readonly leaf: ArgumentLeaf;
  /** Lowest active token in it; null for none, or where none is looked for. */
  readonly active: Level | null;
}

function judgeLeaves(leaves: readonly ArgumentLeaf[], known: Knowledge): readonly Judged[] {
  const groups = groupsOf(leaves, known);
  return leaves.map((leaf) => {
    const group = leaf.compose === null ? undefined : groups.get(leaf.compose);
    const isTarget = leaf.role === 'target';
    const { level, from } = group ?? provenanceOf({ type: leaf.type, value: leaf.value, isTarget }, known);
    return { leaf, level, from, active: leaf.role === 'payload' ? activeLevel(leaf, known) : null };
  });
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
  { server }: TrustAsk,
  { effect }: ToolTrust,
  judged: readonly Judged[],
  { evidence, prompt }: Knowledge,
): { readonly fact: TrustFacts['secret']; readonly pointer: string | null } {
  const guarded = evidence.fields.filter(
    (field) =>
      field.secret &&
      (OUTGOING.has(effect) || field.server !== server) &&
      findInPrompt(directPart(prompt), finderOf('id', field.value)) === null,
  );
  for (const { leaf } of guarded.length === 0 ? [] : judged) {
    const carrier = carrierOf(String(leaf.value));
    if (guarded.some((field) => carries(carrier, String(field.value))))
      return { fact: 'leaves', pointer: leaf.pointer };
  }
  return { fact: evidence.secretsEvicted && OUTGOING.has(effect) ? 'unknown' : 'none', pointer: null };
}

function entryOf({ leaf, level, from, active }: Judged): readonly [string, ArgumentProvenance] {
  return [leaf.pointer, { role: leaf.role, level, from, ...(active === null ? {} : { active }) }];
}
