// Flushed appends per second, beside SQLite with WAL and synchronous=FULL under the same group commit, in one run:
//   node --conditions=writ-source bench.ts [--seconds 2] [--json]
// Prints and asserts nothing: a disk is what it is. The ratio of the two columns is what travels between machines.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { canonicalJson, type JsonObject, leafHash, utf8 } from '@writ/core';
import { nodeEngine } from '@writ/core/node';
import { clock, key, origin } from './fixture.ts';
import { openAuditLog } from './log.ts';

export interface AppendFigure {
  readonly store: 'segments' | 'sqlite-full';
  readonly callers: number;
  readonly perSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** Share of the time in which the event loop could do nothing else. */
  readonly loopBusy: number;
}

interface Store {
  append(record: JsonObject): Promise<void>;
  close(): Promise<void>;
}

export async function benchAppends(seconds: number): Promise<AppendFigure[]> {
  const figures: AppendFigure[] = [];
  for (const callers of [1, 16, 64]) {
    for (const store of ['segments', 'sqlite-full'] as const) figures.push(await measure(store, callers, seconds));
  }
  return figures;
}

async function measure(name: AppendFigure['store'], callers: number, seconds: number): Promise<AppendFigure> {
  const dir = await mkdtemp(join(tmpdir(), 'writ-bench-'));
  const store = name === 'segments' ? await openSegments(dir) : openSqlite(dir);
  await drive(store, callers, 1); // warm: compiled code, and past the small first segment
  const before = performance.eventLoopUtilization();
  const micros = await drive(store, callers, seconds);
  const { utilization } = performance.eventLoopUtilization(before);
  await store.close();
  await rm(dir, { recursive: true, force: true });
  const sorted = Float64Array.from(micros).sort();
  const quantile = (q: number) => Math.round(sorted[Math.floor(q * (sorted.length - 1))]!);
  return {
    store: name,
    callers,
    perSecond: Math.round(micros.length / seconds),
    p50Micros: quantile(0.5),
    p99Micros: quantile(0.99),
    loopBusy: Math.round(utilization * 100) / 100,
  };
}

/** Microseconds of every append that `callers` make one after another for some time. */
async function drive(store: Store, callers: number, seconds: number): Promise<number[]> {
  const micros: number[] = [];
  const end = performance.now() + seconds * 1000;
  const caller = async () => {
    for (let start = performance.now(); start < end; ) {
      await store.append(record());
      const now = performance.now();
      micros.push((now - start) * 1000);
      start = now;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return micros;
}

async function openSegments(dir: string): Promise<Store> {
  const log = await openAuditLog({ dir, origin, key, clock });
  return { append: (made) => log.append(made).durable, close: log.close };
}

/** What the log would be with SQLite as its store: same canonical bytes, same leaf hash, one transaction per flush. */
function openSqlite(dir: string): Store {
  const database = new DatabaseSync(join(dir, 'log.db'));
  database.exec('pragma journal_mode = wal; pragma synchronous = full');
  database.exec('create table log (sequence integer primary key, leaf blob not null, entry blob not null) strict');
  const insert = database.prepare('insert into log (leaf, entry) values (?, ?)');
  let waiting: { entry: Uint8Array; leaf: Uint8Array; done: () => void }[] = [];
  const flush = () => {
    const batch = waiting;
    waiting = [];
    database.exec('begin');
    for (const { leaf, entry } of batch) insert.run(leaf, entry);
    database.exec('commit');
    for (const { done } of batch) done();
  };
  return {
    append(made) {
      const entry = utf8(canonicalJson(made));
      if (waiting.length === 0) setImmediate(flush);
      return new Promise((done) => waiting.push({ entry, leaf: leafHash(nodeEngine, entry), done }));
    },
    close: async () => database.close(),
  };
}

let made = 0;

/** A decision of about the size that decisions have. */
function record(): JsonObject {
  made += 1;
  const id = `dec_${String(made).padStart(22, '0')}`;
  const actor = 'spiffe://zylos.local/claude/orchestrator';
  return {
    kind: 'decision',
    id,
    decisionId: id,
    time: '2026-11-24T12:00:00.000Z',
    outcome: 'allow',
    code: null,
    principal: { kind: 'user', id: 'howard', iss: 'http://127.0.0.1:8420', owner: null },
    act: { iss: 'spiffe://zylos.local', sub: actor },
    target: { server: 'files', name: 'read_file' },
    chain: [
      {
        actor,
        audience: 'https://127.0.0.1:8443/mcp/files',
        scopes: ['files:read_file'],
        removed: [],
        constraints: [],
      },
    ],
    policy: { version: `sha256:${'ab'.repeat(32)}`, determining: ['allow.0.agent', 'allow.0.user'] },
    arguments: { digest: `sha256:${'cd'.repeat(32)}` },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '2' }, json: { type: 'boolean' } } });
  const figures = await benchAppends(Number(values.seconds));
  if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else {
    for (const { store, callers, perSecond, p50Micros, p99Micros, loopBusy } of figures) {
      const line = `${store.padEnd(12)} ${String(callers).padStart(3)} callers ${String(perSecond).padStart(8)}/s`;
      process.stdout.write(
        `${line}  p50 ${String(p50Micros).padStart(6)} µs  p99 ${String(p99Micros).padStart(6)} µs  loop busy ${Math.round(loopBusy * 100)} %\n`,
      );
    }
  }
}
