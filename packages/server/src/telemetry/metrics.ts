// Numbers for Prometheus. Counts what it is told and asks for the rest when it is scraped; the text is the library's.

import { cpuUsage, memoryUsage, uptime } from 'node:process';
import { DENIALS } from '@writ/core';
import * as prom from 'prom-client';
import { type Counter, Gauge, type Histogram, Registry } from 'prom-client';
import { type Label, METRICS, type Metric } from './catalogue.ts';
import { type Names, OTHER } from './names.ts';
import type { Counted, Course, Readings } from './types.ts';

export interface Metrics {
  /** A call is over. */
  counted(course: Course): void;
  /** A record is on disk; called in order, all of one flush in one turn. */
  recorded(record: Counted): void;
  exported(arrived: boolean): void;
  /** Prometheus' text format. Never rejects for a reading that cannot be had. */
  text(): Promise<{ readonly type: string; readonly body: string }>;
}

type Key = keyof typeof METRICS;
type Labels = { readonly [label in Label]?: string };

export function createMetrics(names: Names, readings: Readings): Metrics {
  const registry = new Registry();
  const counters = made('counter', (settings) => new prom.Counter(settings), registry);
  const gauges = made('gauge', (settings) => new Gauge(settings), registry);
  const histograms = made('histogram', (settings) => new prom.Histogram(settings), registry);
  const add = (key: Key, labels: Labels = {}) => counters.get(key)!.inc(labels);
  const set = (key: Key, value: number, labels: Labels = {}) => gauges.get(key)!.set(labels, value);
  const took = (key: Key, from: number, to: number, labels: Labels = {}) =>
    histograms.get(key)!.observe(labels, Math.max(0, to - from) / 1000);
  let flush = 0;

  function countCall({ call, decision, answer, ...at }: Course): void {
    const { protocol } = call;
    const callee = names.callee(call);
    const outcome = decision?.outcome ?? 'gone';
    add('calls', { protocol, callee, outcome, code: codeOf(decision?.denial?.code) });
    const observed = decision?.action.facts?.observed;
    if (observed && outcome === 'allow') add('watched', { callee, code: codeOf(observed.denial.code) });
    if (answer !== null) add('answers', { protocol, state: stateOf(answer) });
    took('whole', at.begun, at.ended, { protocol, outcome });
    const { judged, recorded, forwarded, answered } = at;
    if (judged !== null) took('judge', at.begun, judged, { protocol });
    if (judged !== null && recorded !== null) took('record', judged, recorded, { protocol });
    if (forwarded === null || answered === null) return;
    took('upstream', forwarded, answered, { callee });
    // The record may have taken longer than the callee did, where a read overlaps with it.
    const begins = Math.max(answered, recorded ?? answered);
    took('added', at.begun, begins - (answered - forwarded), { protocol });
  }

  function countRecord(record: Counted): void {
    // The flush is over once this turn is: its records were told one after the other.
    if (flush++ === 0) {
      queueMicrotask(() => {
        histograms.get('auditFlush')!.observe(flush);
        flush = 0;
      });
    }
    const { kind, event, operation } = record;
    add('auditRecords', { kind: kind === 'decision' || kind === 'outcome' || kind === 'event' ? kind : OTHER });
    if (kind === 'decision' && operation === 'request') {
      add('unread', { protocol: protocolOf(record.protocol), code: codeOf(record.code) });
    }
    if (kind !== 'event') return;
    if (event === 'identity.issued') add('svids', { kind: 'x509' });
    if (event === 'identity.issued_jwt') add('svids', { kind: 'jwt' });
    if (event === 'approval.decided') {
      add('approvalsDecided', { verdict: record.verdict === 'approve' ? 'approve' : 'deny' });
    }
    const result = TOKEN_EVENTS.get(event);
    if (result) add('tokens', { result });
  }

  const sources: { readonly [name: string]: () => void | Promise<void> } = {
    log() {
      const { size, durable, published, failed } = readings.log();
      set('auditWaiting', size - durable);
      set('auditUnpublished', durable - published);
      set('auditFailed', failed ? 1 : 0);
    },
    calls() {
      set('underWay', readings.callsUnderWay());
      set('answersOpen', readings.answersOpen());
    },
    revocations() {
      const { ageMillis, fresh } = readings.revocations();
      set('revocationAge', ageMillis / 1000);
      set('revocationFresh', fresh ? 1 : 0);
    },
    approvals: async () => set('approvalsWaiting', await readings.approvalsWaiting()),
    memory() {
      const { evidenceChars, tasks, echoes } = readings.memory();
      set('evidence', evidenceChars);
      set('tasks', tasks);
      set('echoes', echoes);
    },
    shadow() {
      const { compared = 0, differed = 0, dropped = 0, waiting = 0 } = readings.shadow() ?? {};
      counters.get('shadow')!.reset();
      for (const [result, value] of Object.entries({ compared, differed, dropped })) {
        counters.get('shadow')!.inc({ result }, value);
      }
      set('shadowWaiting', waiting);
    },
    circuits() {
      for (const [callee, state] of readings.circuits()) set('circuits', state === 'open' ? 1 : 0, { callee });
    },
    process() {
      set('resident', memoryUsage.rss());
      const { user, system } = cpuUsage();
      counters.get('cpu')!.reset();
      counters.get('cpu')!.inc((user + system) / 1e6);
      set('started', Math.round(Date.now() / 1000 - uptime()));
    },
  };
  /** What a reading sets: no old number stands where there is no new one. */
  const setBy: { readonly [name: string]: readonly Key[] } = {
    approvals: ['approvalsWaiting'],
    log: ['auditWaiting', 'auditUnpublished', 'auditFailed'],
    revocations: ['revocationAge', 'revocationFresh'],
  };

  return {
    counted: countCall,
    recorded: countRecord,
    exported: (arrived) => add('exports', { result: arrived ? 'arrived' : 'lost' }),
    async text() {
      for (const [source, read] of Object.entries(sources)) {
        try {
          await read();
        } catch {
          for (const key of setBy[source] ?? []) gauges.get(key)!.remove({});
          add('readings', { source });
        }
      }
      return { type: registry.contentType, body: await registry.metrics() };
    },
  };
}

interface Settings {
  readonly name: string;
  readonly help: string;
  readonly labelNames: Label[];
  readonly registers: Registry[];
  readonly buckets: number[];
}

function made<Kind extends Counter<Label> | Gauge<Label> | Histogram<Label>>(
  kind: Metric['kind'],
  make: (settings: Settings) => Kind,
  registry: Registry,
): ReadonlyMap<Key, Kind> {
  const wanted = Object.entries(METRICS as { readonly [key: string]: Metric }).filter(([, one]) => one.kind === kind);
  return new Map(
    wanted.map(([key, { name, help, labels, buckets = [] }]) => [
      key as Key,
      make({ name, help, labelNames: [...labels], registers: [registry], buckets: [...buckets] }),
    ]),
  );
}

const TOKEN_EVENTS: ReadonlyMap<unknown, string> = new Map([
  ['token.issued', 'issued'],
  ['token.refused', 'refused'],
  ['token.revoked', 'revoked'],
]);

function codeOf(code: unknown): string {
  if (code === undefined || code === null) return 'none';
  return typeof code === 'string' && Object.hasOwn(DENIALS, code) ? code : OTHER;
}

function protocolOf(protocol: unknown): string {
  return protocol === 'mcp' || protocol === 'a2a' || protocol === 'http' ? protocol : OTHER;
}

const STATES = new Set(['complete', 'error', 'cancelled', 'unknown', 'none']);

function stateOf(state: string): string {
  return STATES.has(state) ? state : OTHER;
}
