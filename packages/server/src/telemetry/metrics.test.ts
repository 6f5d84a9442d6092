// The numbers: read back from the text, bounded whatever callers send, and there when a part of the plane is not.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { type Call, denial, refusal } from '@writ/core';
import { METRICS } from './catalogue.ts';
import { createMetrics } from './metrics.ts';
import { createNames } from './names.ts';
import { readScrape } from './scrape.fixture.ts';
import type { Course, Readings } from './types.ts';

const names = createNames({
  servers: new Set(['files']),
  agents: new Set(['db/agent']),
  isReviewed: ({ server, name }) => server === 'files' && name === 'read_file',
});

const readings: Readings = {
  log: () => ({ size: 12, durable: 10, published: 7, failed: false }),
  callsUnderWay: () => 3,
  answersOpen: () => 2,
  revocations: () => ({ ageMillis: 125, fresh: true }),
  approvalsWaiting: async () => 4,
  memory: () => ({ evidenceChars: 5_000, tasks: 6, echoes: 7 }),
  shadow: () => ({ compared: 9, differed: 1, dropped: 2, waiting: 3 }),
  circuits: () => new Map([['files', 'open']]),
};

function call(target: Partial<Call['target']>, more: Partial<Call> = {}): Call {
  return {
    ...{ decisionId: 'd-1', protocol: 'mcp', operation: 'tools/call', resource: '', scopes: [], anyScopeOf: null },
    target: { kind: 'server', server: 'files', name: 'read_file', ...target },
    ...{ arguments: {}, isAction: true, credential: { kind: 'none' }, judgedDigest: '', trace: null },
    peer: { listener: 'oauth', remote: '127.0.0.1:1' },
    ...more,
  } as Call;
}

const refused = (of: Call): Course => ({
  ...{ call: of, decision: refusal(of.decisionId, denial('token.missing')), answer: null },
  ...{ begun: 1_000, judged: 1_001, recorded: 1_004, forwarded: null, answered: null, ended: 1_005 },
});

const scrape = async (metrics: ReturnType<typeof createMetrics>) => readScrape((await metrics.text()).body);

test('calls, parts of a call and readings are read back from the text', async () => {
  const metrics = createMetrics(names, readings);
  metrics.counted(refused(call({})));
  metrics.counted({
    ...refused(call({})),
    ...{ decision: null, answer: 'complete', forwarded: 1_004, answered: 1_054, ended: 1_060 },
  });
  const { sum, families } = await scrape(metrics);
  const labels = { protocol: 'mcp', callee: 'files', outcome: 'deny', code: 'token.missing' };
  assert.equal(sum('writ_calls_total', labels), 1);
  assert.equal(sum('writ_calls_total', { outcome: 'gone', code: 'none' }), 1);
  assert.equal(sum('writ_answers_total', { state: 'complete' }), 1);
  assert.equal(sum('writ_record_wait_seconds_sum').toFixed(3), '0.006');
  assert.equal(sum('writ_upstream_duration_seconds_sum', { callee: 'files' }).toFixed(3), '0.050');
  assert.equal(sum('writ_added_duration_seconds_sum').toFixed(3), '0.004', 'the callee’s 50 ms are not ours');
  assert.equal(sum('writ_call_duration_seconds_count'), 2);
  assert.equal(sum('writ_audit_waiting_records'), 2);
  assert.equal(sum('writ_audit_unpublished_records'), 3);
  assert.equal(sum('writ_revocation_age_seconds'), 0.125);
  assert.equal(sum('writ_approvals_waiting'), 4);
  assert.equal(sum('writ_shadow_answers_total', { result: 'differed' }), 1);
  assert.equal((await scrape(metrics)).sum('writ_shadow_answers_total'), 12, 'a second scrape adds nothing');
  assert.equal(sum('writ_circuit_open', { callee: 'files' }), 1);
  for (const { name, kind } of Object.values(METRICS)) assert.equal(families.get(name), kind, name);
});

test('what mode `observe` lets through is counted by what would have spoken (rules §7.3)', async () => {
  const metrics = createMetrics(names, readings);
  const { decision, ...rest } = refused(call({}));
  const observed = { outcome: 'deny', denial: denial('action.policy_forbids') };
  const allowed = { ...decision!, outcome: 'allow', denial: null, action: { verdict: 'pass', facts: { observed } } };
  metrics.counted({ ...rest, decision: allowed as unknown as Course['decision'] });
  const { sum } = await scrape(metrics);
  assert.equal(sum('writ_calls_let_through_total', { callee: 'files', code: 'action.policy_forbids' }), 1);
  assert.equal(sum('writ_calls_total', { outcome: 'allow', code: 'none' }), 1);
});

test('records are counted by kind, flushes by what shared them, events by what they say', async () => {
  const metrics = createMetrics(names, readings);
  for (const kind of ['decision', 'outcome', 'event', 'made-up']) metrics.recorded({ kind });
  await Promise.resolve();
  metrics.recorded({ kind: 'event', event: 'identity.issued' });
  metrics.recorded({ kind: 'event', event: 'approval.decided', verdict: 'approve' });
  metrics.recorded({ kind: 'event', event: 'token.refused' });
  metrics.recorded({ kind: 'decision', operation: 'request', protocol: 'mcp', code: 'gateway.malformed' });
  metrics.recorded({ kind: 'decision', operation: 'tools/call', protocol: 'mcp', code: 'gateway.overloaded' });
  await Promise.resolve();
  const { sum } = await scrape(metrics);
  assert.equal(sum('writ_audit_records_total', { kind: 'other' }), 1);
  assert.equal(sum('writ_audit_records_total'), 9);
  assert.equal(sum('writ_audit_flush_records_count'), 2);
  assert.equal(sum('writ_audit_flush_records_sum'), 9);
  assert.equal(sum('writ_svids_issued_total', { kind: 'x509' }), 1);
  assert.equal(sum('writ_approvals_decided_total', { verdict: 'approve' }), 1);
  assert.equal(sum('writ_token_events_total', { result: 'refused' }), 1);
  assert.equal(sum('writ_requests_refused_total'), 1, 'what was a call is counted as a call');
});

test('10,000 made-up tools, servers, methods, codes and record kinds add no series', async () => {
  const metrics = createMetrics(names, readings);
  metrics.counted(refused(call({})));
  metrics.counted(refused(call({ server: 'none-such' })));
  metrics.recorded({ kind: 'decision', operation: 'request', protocol: 'made-up', code: 'made-up' });
  metrics.recorded({ kind: 'made-up' });
  await Promise.resolve();
  const before = (await scrape(metrics)).samples.length;
  for (let i = 0; i < 10_000; i++) {
    const odd = `tool-${i}"} 1\nwrit_evil{x="`;
    metrics.counted(refused(call({ name: odd }, { operation: odd })));
    metrics.counted(refused(call({ server: odd, name: odd })));
    metrics.counted(refused(call({ kind: 'agent', server: odd })));
    metrics.recorded({ kind: 'decision', operation: 'request', protocol: odd, code: odd });
    metrics.recorded({ kind: odd, event: odd, verdict: odd });
  }
  const { samples, sum } = await scrape(metrics);
  assert.equal(samples.length, before);
  assert.equal(sum('writ_calls_total', { callee: 'other' }), 20_001);
  assert.equal(names.tool(call({ name: 'tool-1' })), 'other');
  assert.equal(names.operation({ operation: 'tool-1' }), 'other');
});

test('a store that is down costs one reading, and no old number stands in its place', async () => {
  let isDown = false;
  const metrics = createMetrics(names, {
    ...readings,
    approvalsWaiting: async () => (isDown ? Promise.reject(new Error('down')) : 4),
  });
  assert.equal((await scrape(metrics)).sum('writ_approvals_waiting'), 4);
  isDown = true;
  const { samples, sum } = await scrape(metrics);
  assert.equal(samples.filter(({ name }) => name === 'writ_approvals_waiting').length, 0);
  assert.equal(sum('writ_audit_waiting_records'), 2);
  assert.equal((await scrape(metrics)).sum('writ_readings_failed_total', { source: 'approvals' }), 2);
});

test('dashboard and guide name metrics that exist, and every metric stands in the guide', () => {
  const read = (file: string) => readFileSync(resolve(import.meta.dirname, '../../../../docs', file), 'utf8');
  const known = new Set<string>(
    Object.values(METRICS).flatMap(({ name, kind }) =>
      kind === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
  const named = (text: string) => [...text.matchAll(/\b(?:writ|process)_[a-z_]+\b/g)].map(([name]) => name);
  const dashboard = JSON.parse(read('grafana/writ.json')) as { panels: { targets?: { expr: string }[] }[] };
  const asked = dashboard.panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => named(expr)));
  assert.ok(asked.length > 20, 'the reader of the dashboard has gone blind');
  assert.deepEqual(
    [...new Set(asked)].filter((name) => !known.has(name)),
    [],
  );
  const guide = named(read('guides/observability.md'));
  assert.deepEqual(
    guide.filter((name) => !known.has(name)),
    [],
  );
  assert.deepEqual(
    Object.values(METRICS)
      .map(({ name }) => name)
      .filter((name) => !guide.includes(name)),
    [],
  );
});
