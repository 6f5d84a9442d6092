// Everything the log knows of one task: under whose authority it ran, what it touched, what was refused, and what became of
// each call. Every record told of here was proven to stand in the log under the checkpoint that is named.

import { isJsonObject, type JsonObject, type JsonValue, toBase64 } from '@writ/core';
import type { AuditEntry } from './group-commit.ts';
import type { IndexReader } from './index-rows.ts';
import type { PublishedLog } from './published.ts';

export interface Incident {
  readonly task: string;
  /** What the records below are proven against. */
  readonly log: {
    readonly origin: string;
    readonly size: number;
    /** Base64, RFC 6962. */
    readonly root: string;
    readonly keyFrom: 'flag' | 'log';
  };
  /** First and last record told of, RFC 3339; null when there is none. */
  readonly from: string | null;
  readonly until: string | null;
  /** The record that opened the task, as it stands in the log; null when this log does not have it. */
  readonly opened: JsonObject | null;
  /** Who asked for something in this task, the principal first. */
  readonly parties: readonly Party[];
  readonly touched: readonly Touched[];
  /** In log order. */
  readonly decisions: readonly IncidentDecision[];
  /** Tokens issued and refused, approvals, withdrawals: in log order. */
  readonly events: readonly JsonObject[];
  /** Decisions that are durable but not yet under the checkpoint; ask again in a second. */
  readonly unpublished: number;
  /** More decisions than one report tells of. */
  readonly more: boolean;
}

export interface Party {
  readonly actor: string;
  /** Decisions in whose chain it stands. */
  readonly decisions: number;
  /** Everything it held in one of them. */
  readonly scopes: readonly string[];
}

export interface Touched {
  readonly server: string;
  /** Null: the server itself, as in listing its tools. */
  readonly name: string | null;
  readonly allowed: number;
  readonly refused: number;
  /** Asked a person. */
  readonly asked: number;
  /** Of the allowed, those of which nobody knows what came of them. */
  readonly unknown: number;
}

export interface IncidentDecision {
  readonly sequence: number;
  readonly decisionId: string;
  readonly time: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly sentence: string;
  readonly server: string;
  readonly name: string | null;
  /** From the principal to the one who asked. */
  readonly chain: readonly string[];
  /** Policies that decided. */
  readonly determining: readonly string[];
  readonly policy: string | null;
  readonly argumentsDigest: string | null;
  readonly approval: JsonObject | null;
  readonly result: { readonly state: string; readonly sequence: number | null };
}

/** More than this is no longer read by people; the query tells the rest. */
const incidentDecisionsMax = 10_000;

/** Throws `AuditRefused` when a record that the index names is not proven. */
export async function incidentOf(log: PublishedLog, index: IndexReader, task: string): Promise<Incident> {
  const found = index.find({ task }, incidentDecisionsMax + 1).toReversed();
  const { checkpoint, keyFrom } = log;
  const { origin, size, root } = checkpoint;
  const published = found.slice(-incidentDecisionsMax).filter(({ sequence }) => sequence < size);
  const decisions: IncidentDecision[] = [];
  const chains: JsonObject[][] = [];
  for (const { sequence, decisionId, outcome: decided } of published) {
    const outcome = index.outcomeOf(decisionId);
    const closing = outcome && outcome.sequence < size ? await log.prove(outcome.sequence) : null;
    const { record } = await log.prove(sequence);
    const state = closing ? textOf(member(closing.record.result, 'state')) : decided === 'allow' ? 'unknown' : 'none';
    decisions.push(decisionOf(sequence, record, { state: state ?? 'unknown', sequence: closing?.sequence ?? null }));
    chains.push(objectsIn(record.chain));
  }
  const events = await eventsOf(log, index, task, decisions);
  const times = [...decisions, ...events].map(({ time }) => String(time)).toSorted();
  return {
    task,
    log: { origin, size, root: toBase64(root), keyFrom },
    from: times[0] ?? null,
    until: times.at(-1) ?? null,
    opened: events.find(({ event }) => event === 'task.opened') ?? null,
    parties: partiesIn(chains),
    touched: touchedBy(decisions),
    decisions,
    events,
    unpublished: found.filter(({ sequence }) => sequence >= size).length,
    more: found.length > incidentDecisionsMax,
  };
}

function decisionOf(sequence: number, record: JsonObject, result: IncidentDecision['result']): IncidentDecision {
  const { target, policy, approval } = record;
  return {
    sequence,
    decisionId: record.decisionId as string,
    time: record.time as string,
    outcome: record.outcome as string,
    code: textOf(record.code),
    sentence: textOf(record.sentence) ?? textOf(record.says) ?? '',
    server: textOf(member(target, 'server')) ?? '',
    name: textOf(member(target, 'name')),
    chain: objectsIn(record.chain).flatMap(({ actor }) => textOf(actor) ?? []),
    determining: textsIn(member(policy, 'determining')),
    policy: textOf(member(policy, 'version')),
    argumentsDigest: textOf(member(record.arguments, 'digest')),
    approval: isJsonObject(approval) ? approval : null,
    result,
  };
}

/** Events about the task, its decisions, the approvals they asked for, and the tokens it was given. */
async function eventsOf(
  log: PublishedLog,
  index: IndexReader,
  task: string,
  decisions: readonly IncidentDecision[],
): Promise<JsonObject[]> {
  const approvals = decisions.flatMap(({ approval }) => textOf(approval?.id) ?? []);
  const proven = new Map<number, JsonObject>();
  async function take(words: Iterable<string>): Promise<void> {
    for (const word of new Set(words)) {
      for (const { sequence } of index.eventsAbout(word)) {
        if (sequence < log.checkpoint.size && !proven.has(sequence)) {
          proven.set(sequence, toldOf(await log.prove(sequence)));
        }
      }
    }
  }
  await take([task, ...decisions.map(({ decisionId }) => decisionId), ...approvals]);
  // A token is withdrawn under its own id, which only the record of its issue connects with the task.
  await take([...proven.values()].flatMap(({ row }) => textOf(row) ?? []));
  return [...proven].toSorted(([a], [b]) => a - b).map(([, told]) => told);
}

function toldOf({ sequence, record: { kind: _, ...members } }: AuditEntry): JsonObject {
  return { sequence, ...members };
}

function partiesIn(chains: readonly (readonly JsonObject[])[]): Party[] {
  const parties = new Map<string, { decisions: number; scopes: Set<string> }>();
  for (const chain of chains) {
    const counted = new Set<string>();
    for (const link of chain) {
      const actor = textOf(link.actor) ?? '';
      const party = parties.get(actor) ?? { decisions: 0, scopes: new Set() };
      parties.set(actor, party);
      if (!counted.has(actor)) party.decisions += 1;
      counted.add(actor);
      for (const scope of textsIn(link.scopes)) party.scopes.add(scope);
    }
  }
  return [...parties].map(([actor, { decisions, scopes }]) => ({ actor, decisions, scopes: [...scopes].toSorted() }));
}

function touchedBy(decisions: readonly IncidentDecision[]): Touched[] {
  const groups = Map.groupBy(decisions, ({ server, name }) => `${server}/${name ?? ''}`);
  const rows = [...groups.values()].map((group) => {
    const count = (is: (one: IncidentDecision) => boolean) => group.filter(is).length;
    return {
      server: group[0]!.server,
      name: group[0]!.name,
      allowed: count(({ outcome }) => outcome === 'allow'),
      refused: count(({ outcome }) => outcome === 'deny'),
      asked: count(({ outcome }) => outcome === 'approval'),
      unknown: count(({ result }) => result.state === 'unknown'),
    };
  });
  return rows.toSorted((a, b) => `${a.server}/${a.name}`.localeCompare(`${b.server}/${b.name}`, 'en'));
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) ? value[name] : undefined;
}

function textOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function textsIn(value: JsonValue | undefined): string[] {
  return (Array.isArray(value) ? value : []).filter((one) => typeof one === 'string');
}

function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return (Array.isArray(value) ? value : []).filter(isJsonObject);
}
