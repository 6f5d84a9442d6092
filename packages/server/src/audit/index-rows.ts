// The tables of the index and the questions they answer. What a row keeps is what people ask for: who, for whom, through
// whom, what, when, how it ended. Everything else stays in the log, under the sequence.

import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { isJsonObject, type JsonObject, type JsonValue } from '@writ/core';
import type { AuditEntry } from './log.ts';

export interface DecisionRow {
  readonly sequence: number;
  readonly decisionId: string;
  /** RFC 3339, milliseconds. */
  readonly time: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly principal: string | null;
  readonly actor: string | null;
  readonly task: string | null;
  readonly server: string | null;
  readonly name: string | null;
}

export interface OutcomeRow {
  readonly sequence: number;
  readonly state: string;
}

export interface EventRow {
  readonly sequence: number;
  readonly id: string;
  readonly time: string;
  /** Such as `token.refused`. */
  readonly event: string;
}

/** Everything given must hold. Texts are compared whole; times are RFC 3339 in UTC with milliseconds. */
export interface DecisionFilter {
  /** The person, or mandate, at the root. */
  readonly principal?: string;
  /** Who asked. */
  readonly actor?: string;
  /** Anybody in the chain, the principal and the one who asked included. */
  readonly through?: string;
  /** `server`, or `server/name`; an agent is a server whose name has a slash. */
  readonly target?: string;
  readonly task?: string;
  /** `allow`, `deny` or `approval`. */
  readonly outcome?: string;
  readonly code?: string;
  /** What became of it; `unknown` where an allowed call was never closed, `none` where nothing was forwarded. */
  readonly result?: string;
  readonly fromTime?: string;
  /** Not included. */
  readonly untilTime?: string;
}

export interface FoundDecision extends DecisionRow {
  readonly result: string;
}

const schemaVersion = 2;

const schema = `
  create table decisions (
    sequence integer primary key, decisionId text not null unique, time text not null, outcome text not null,
    code text, principal text, actor text, task text, server text, name text
  ) strict;
  create index decisions_of_task on decisions (task) where task is not null;
  create table outcomes (decisionId text primary key, sequence integer not null, state text not null) strict;
  create table events (sequence integer primary key, id text not null unique, time text not null, event text not null) strict;
  create table mentions (word text not null, sequence integer not null, primary key (word, sequence)) strict, without rowid;
  create table position (one integer primary key check (one = 1), next integer not null, leaf blob) strict;
  pragma user_version = ${schemaVersion};
`;

export function makeTables(database: DatabaseSync): void {
  database.exec(schema);
}

/** What the index has taken so far; null when this is no index of this version. Throws when it is no database. */
export function positionIn(database: DatabaseSync): { readonly next: number; readonly leaf: Uint8Array } | null {
  const version = database.prepare('pragma user_version').get()?.user_version;
  if (version !== schemaVersion) return null;
  const at = database.prepare('select next, leaf from position').get();
  return typeof at?.next === 'number' && at.leaf instanceof Uint8Array ? { next: at.next, leaf: at.leaf } : null;
}

export type IndexWriter = ReturnType<typeof indexWriter>;

/** Takes entries in log order; those it has already are skipped. */
export function indexWriter(database: DatabaseSync) {
  const addDecision = database.prepare(`insert or ignore into decisions (${columns}) values (?,?,?,?,?,?,?,?,?,?)`);
  const addOutcome = database.prepare('insert or ignore into outcomes (decisionId, sequence, state) values (?,?,?)');
  const addEvent = database.prepare('insert or ignore into events (sequence, id, time, event) values (?,?,?,?)');
  const addMention = database.prepare('insert or ignore into mentions (word, sequence) values (?,?)');
  const setPosition = database.prepare('insert or replace into position (one, next, leaf) values (1, ?, ?)');
  let next = Number(database.prepare('select next from position').get()?.next ?? 0);

  function take(entries: readonly AuditEntry[]): void {
    const fresh = entries.filter(({ sequence }) => sequence >= next);
    const last = fresh.at(-1);
    if (!last) return;
    database.exec('begin');
    try {
      for (const { sequence, record } of fresh) add(sequence, record);
      setPosition.run(last.sequence + 1, last.leaf);
      database.exec('commit');
    } catch (error) {
      database.exec('rollback');
      throw error;
    }
    next = last.sequence + 1;
  }

  function add(sequence: number, record: JsonObject): void {
    const { kind, id, time, event } = record as { [name: string]: string };
    if (kind === 'decision') {
      addDecision.run(...decisionValues(sequence, record));
      for (const party of partiesOf(record)) addMention.run(party, sequence);
    } else if (kind === 'outcome') {
      addOutcome.run(record.decision as string, sequence, member(record.result, 'state') as string);
    } else {
      addEvent.run(sequence, id!, time!, typeof event === 'string' ? event : 'unnamed');
      for (const word of linksOf(record)) addMention.run(word, sequence);
    }
  }

  return { take, position: () => next };
}

const columns = 'sequence, decisionId, time, outcome, code, principal, actor, task, server, name';

function decisionValues(sequence: number, record: JsonObject): SQLInputValue[] {
  const { decisionId, time, outcome } = record as { [name: string]: string };
  const fields = [
    record.code,
    member(record.principal, 'id'),
    member(record.act, 'sub'),
    record.task,
    member(record.target, 'server'),
    member(record.target, 'name'),
  ];
  return [sequence, decisionId!, time!, outcome!, ...fields.map(textOrNull)];
}

function partiesOf({ chain, principal }: JsonObject): readonly string[] {
  const links = Array.isArray(chain) ? chain : [];
  return textsIn([member(principal, 'id'), ...links.map((link) => member(link, 'actor'))]);
}

/** What an event is about: the members by which one asks for it. */
function linksOf({ task, decision, approval, value }: JsonObject): readonly string[] {
  return textsIn([task, decision, approval, value]);
}

export type IndexReader = ReturnType<typeof indexReader>;

export function indexReader(database: DatabaseSync) {
  const byId = database.prepare(`select ${columns} from decisions where decisionId = ?`);
  const after = database.prepare(`select ${columns} from decisions where sequence > ? order by sequence limit ?`);
  const newest = database.prepare(`select ${columns} from decisions order by sequence desc limit ?`);
  const outcome = database.prepare('select sequence, state from outcomes where decisionId = ?');
  const eventById = database.prepare('select sequence, id, time, event from events where id = ?');
  const eventsAbout = database.prepare(
    'select sequence, id, time, event from events join mentions using (sequence) where word = ? order by sequence',
  );
  return {
    decision: (decisionId: string) => (byId.get(decisionId) ?? null) as DecisionRow | null,
    /** With `since`: the decisions after that sequence, oldest first. Without: the newest, newest first. */
    decisions: ({ since, limit }: { readonly since?: number; readonly limit: number }) =>
      (since === undefined ? newest.all(limit) : after.all(since, limit)) as unknown as readonly DecisionRow[],
    outcomeOf: (decisionId: string) => (outcome.get(decisionId) ?? null) as OutcomeRow | null,
    event: (id: string) => (eventById.get(id) ?? null) as EventRow | null,
    /** The events about a task, a decision, an approval, or a value that was withdrawn; oldest first. */
    eventsAbout: (word: string) => eventsAbout.all(word) as unknown as readonly EventRow[],
    /** Newest first. */
    find: (filter: DecisionFilter, limit: number) => findDecisions(database, filter, limit),
  };
}

const resultColumn = `coalesce(state, case outcome when 'allow' then 'unknown' else 'none' end)`;

const conditions: { readonly [Name in keyof Required<DecisionFilter>]: string } = {
  principal: 'principal = ?',
  actor: 'actor = ?',
  through: 'sequence in (select sequence from mentions where word = ?)',
  target: "? in (server, server || '/' || name)",
  task: 'task = ?',
  outcome: 'outcome = ?',
  code: 'code = ?',
  result: `${resultColumn} = ?`,
  fromTime: 'time >= ?',
  untilTime: 'time < ?',
};

function findDecisions(database: DatabaseSync, filter: DecisionFilter, limit: number): readonly FoundDecision[] {
  const asked = Object.entries(filter).filter(([, value]) => value !== undefined) as [keyof DecisionFilter, string][];
  const where = asked.map(([name]) => conditions[name]).join(' and ');
  const statement = database.prepare(`
    select ${columns}, ${resultColumn} as result
    from decisions left join (select decisionId, state from outcomes) using (decisionId)
    ${where === '' ? '' : `where ${where}`} order by sequence desc limit ?`);
  return statement.all(...asked.map(([, value]) => value), limit) as unknown as readonly FoundDecision[];
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) ? value[name] : undefined;
}

function textOrNull(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function textsIn(values: readonly (JsonValue | undefined)[]): readonly string[] {
  return values.filter((value) => typeof value === 'string');
}
