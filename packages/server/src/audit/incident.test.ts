import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { decision, openLog, outcome, tempFolder, vkey } from './fixture.ts';
import { incidentOf } from './incident.ts';
import { openAuditIndex } from './index.ts';
import { openPublished } from './published.ts';
import { openQueryIndex } from './query-index.ts';

const agent = 'spiffe://zylos.local/db/agent';
const howard = { actor: 'howard', scopes: ['files:read_file', 'files:write_file'] };
const narrowed = { actor: agent, scopes: ['files:read_file'] };
const inTask = (more: JsonObject): JsonObject => ({
  task: 'tsk_1',
  chain: [howard, narrowed],
  target: { server: 'files', name: 'read_file' },
  policy: { version: 'sha256:aa', determining: ['allow.1'] },
  sentence: 'howard, through db/agent, asked',
  ...more,
});
const at = (id: string, event: string, more: JsonObject) => ({
  ...{ kind: 'event', id, time: '2026-11-24T11:00:00.000Z', event },
  ...more,
});

async function incident(t: Parameters<typeof tempFolder>[0], records: readonly JsonObject[], task = 'tsk_1') {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  for (const record of records) await log.append(record).durable;
  await log.close();
  const opened = await openQueryIndex({ open: () => openPublished(dir, { vkeys: [vkey] }) });
  using rows = opened.index;
  return await incidentOf(opened.log, rows, task);
}

test('an incident tells who was in it, what was touched, what came of it, and nothing of other tasks', async (t) => {
  const told = await incident(t, [
    at('o1', 'task.opened', { task: 'tsk_1', root: 'howard', openedBy: 'howard' }),
    at('o2', 'task.opened', { task: 'tsk_2', root: 'ada', openedBy: 'ada' }),
    at('i1', 'token.issued', { task: 'tsk_1', row: 'row_1' }),
    decision('d1', 'allow', inTask({})),
    outcome('d1', 3, 'complete'),
    decision('d2', 'allow', inTask({ chain: [howard] })),
    decision(
      'd3',
      'deny',
      inTask({ code: 'token.scope_insufficient', target: { server: 'files', name: 'write_file' } }),
    ),
    decision('d4', 'approval', inTask({ approval: { state: 'asked', id: 'ask_1' } })),
    decision('d5', 'deny', { task: 'tsk_2' }),
    at('a1', 'approval.decided', { approval: 'ask_1', by: 'howard', verdict: 'deny' }),
    at('a2', 'approval.decided', { approval: 'ask_2', by: 'ada', verdict: 'deny' }),
    at('r1', 'token.revoked', { what: 'token', value: 'row_1', by: 'howard' }),
    at('r2', 'token.revoked', { what: 'token', value: 'row_9', by: 'howard' }),
    at('b1', 'claim.burnt', { decision: 'd2' }),
  ]);
  assert.deepEqual(
    told.decisions.map(({ decisionId, result }) => [decisionId, result.state, result.sequence]),
    [
      ['d1', 'complete', 4],
      ['d2', 'unknown', null],
      ['d3', 'none', null],
      ['d4', 'none', null],
    ],
  );
  assert.deepEqual(
    told.events.map(({ id }) => id),
    ['o1', 'i1', 'a1', 'r1', 'b1'],
  );
  assert.equal(told.opened!.root, 'howard');
  assert.deepEqual(told.parties, [
    { actor: 'howard', decisions: 4, scopes: ['files:read_file', 'files:write_file'] },
    { actor: agent, decisions: 3, scopes: ['files:read_file'] },
  ]);
  assert.deepEqual(told.touched, [
    { server: 'files', name: 'read_file', allowed: 2, refused: 0, asked: 1, unknown: 1 },
    { server: 'files', name: 'write_file', allowed: 0, refused: 1, asked: 0, unknown: 0 },
  ]);
  assert.deepEqual([told.from, told.until], ['2026-11-24T11:00:00.000Z', '2026-11-24T12:00:00.000Z']);
  assert.deepEqual([told.log.size, told.log.keyFrom, told.unpublished, told.more], [14, 'flag', 0, false]);
});

test('a task nobody has heard of is told as nothing', async (t) => {
  const told = await incident(t, [decision('d1', 'deny', { task: 'tsk_2' })]);
  assert.deepEqual([told.decisions, told.events, told.opened, told.from], [[], [], null, null]);
});

test('what is not yet under the checkpoint is counted, not told', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir, { checkpointMillis: 60_000 });
  const index = await openAuditIndex({ dir, log });
  const { sequence } = log.append(decision('d1', 'allow', inTask({})));
  await log.prove(sequence);
  await log.append(outcome('d1', sequence, 'complete')).durable;
  await log.append(decision('d2', 'deny', inTask({}))).durable;
  await log.append(at('b1', 'claim.burnt', { decision: 'd1' })).durable;
  const told = await incidentOf(await openPublished(dir, { vkeys: [vkey] }), index, 'tsk_1');
  assert.deepEqual(
    told.decisions.map(({ decisionId, result }) => [decisionId, result.state]),
    [['d1', 'unknown']],
  );
  assert.deepEqual([told.log.size, told.unpublished, told.events], [1, 1, []]);
  index.close();
});
