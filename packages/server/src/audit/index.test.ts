import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { appendEvents, decision, openLog, outcome, tempFolder } from './fixture.ts';
import { type DecisionFilter, openAuditIndex } from './index.ts';

const time = '2026-11-24T12:00:00.000Z';
const details = {
  code: null,
  principal: { kind: 'user', id: 'howard' },
  act: { sub: 'spiffe://zylos.local/claude/orchestrator', act: {} },
  target: { server: 'files', name: 'read_file' },
  task: 'tsk_1',
};

async function logWithIndex(t: TestContext) {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  const index = await openAuditIndex({ dir, log });
  return { dir, log, index };
}

test('a decision is found as soon as it is durable, with its fields', async (t) => {
  const { log, index } = await logWithIndex(t);
  const { sequence, durable } = log.append(decision('d1', 'allow', details));
  assert.equal(index.decision('d1'), null);
  await durable;
  assert.deepEqual(
    { ...index.decision('d1') },
    {
      sequence,
      decisionId: 'd1',
      time: '2026-11-24T12:00:00.000Z',
      outcome: 'allow',
      code: null,
      principal: 'howard',
      actor: 'spiffe://zylos.local/claude/orchestrator',
      task: 'tsk_1',
      server: 'files',
      name: 'read_file',
    },
  );
  assert.equal(index.outcomeOf('d1'), null);
  await log.append(outcome('d1', sequence, 'error')).durable;
  assert.deepEqual({ ...index.outcomeOf('d1') }, { sequence: 1, state: 'error' });
  assert.equal(index.decision('d2'), null);
  index.close();
});

test('a decision refused before anything was known is indexed all the same', async (t) => {
  const { log, index } = await logWithIndex(t);
  await log.append(decision('d1', 'deny', { code: 'token.missing', principal: null, act: null })).durable;
  const row = index.decision('d1')!;
  assert.deepEqual([row.code, row.principal, row.actor, row.server], ['token.missing', null, null, null]);
  index.close();
});

test('decisions come newest first, or from a sequence on', async (t) => {
  const { log, index } = await logWithIndex(t);
  for (let i = 0; i < 10; i += 1) await log.append(decision(`d${i}`, 'deny')).durable;
  const ids = (ask: { since?: number; limit: number }) => index.decisions(ask).map(({ decisionId }) => decisionId);
  assert.deepEqual(ids({ limit: 3 }), ['d9', 'd8', 'd7']);
  assert.deepEqual(ids({ since: 6, limit: 2 }), ['d7', 'd8']);
  assert.deepEqual(ids({ since: 9, limit: 2 }), []);
  index.close();
});

test('an event is found by its id and by what it is about', async (t) => {
  const { log, index } = await logWithIndex(t);
  const at = (id: string, name: string, more: JsonObject) => ({ kind: 'event', id, time, event: name, ...more });
  await log.append(at('e1', 'task.opened', { task: 'tsk_1' })).durable;
  await log.append(at('e2', 'claim.burnt', { decision: 'd1' })).durable;
  await log.append(at('e3', 'token.revoked', { what: 'task', value: 'tsk_1' })).durable;
  assert.deepEqual({ ...index.event('e2') }, { sequence: 1, id: 'e2', time, event: 'claim.burnt' });
  assert.equal(index.event('e4'), null);
  const about = (word: string) => index.eventsAbout(word).map(({ id }) => id);
  assert.deepEqual([about('tsk_1'), about('d1'), about('tsk_2')], [['e1', 'e3'], ['e2'], []]);
  index.close();
});

test('decisions are found by each of their sides, and by several at once', async (t) => {
  const { log, index } = await logWithIndex(t);
  const agent = 'spiffe://zylos.local/db/agent';
  const through = [{ actor: 'howard' }, { actor: 'spiffe://zylos.local/claude/orchestrator' }, { actor: agent }];
  const late = '2026-11-24T13:00:00.000Z';
  const send = { server: 'db/agent', name: 'send' };
  await log.append(decision('d1', 'allow', { ...details, chain: through.slice(0, 2) })).durable;
  await log.append(decision('d2', 'allow', { ...details, chain: through, act: { sub: agent } })).durable;
  await log.append(outcome('d2', 1, 'error')).durable;
  await log.append(decision('d3', 'deny', { ...details, time: late, code: 'token.expired', target: send })).durable;
  await log.append(decision('d4', 'deny', { principal: { id: 'ada' }, task: 'tsk_2' })).durable;
  const ids = (filter: DecisionFilter) => index.find(filter, 10).map(({ decisionId }) => decisionId);
  for (const [filter, expected] of [
    [{}, ['d4', 'd3', 'd2', 'd1']],
    [{ principal: 'ada' }, ['d4']],
    [{ actor: agent }, ['d2']],
    [{ through: agent }, ['d2']],
    [{ through: 'howard' }, ['d3', 'd2', 'd1']],
    [{ through: 'howard', actor: agent }, ['d2']],
    [{ target: 'files' }, ['d2', 'd1']],
    [{ target: 'files/read_file' }, ['d2', 'd1']],
    [{ target: 'files/write_file' }, []],
    [{ target: 'db/agent' }, ['d3']],
    [{ task: 'tsk_2' }, ['d4']],
    [{ outcome: 'allow' }, ['d2', 'd1']],
    [{ code: 'token.expired' }, ['d3']],
    [{ result: 'unknown' }, ['d1']],
    [{ result: 'error' }, ['d2']],
    [{ result: 'none' }, ['d4', 'd3']],
    [{ fromTime: late }, ['d3']],
    [{ untilTime: late, outcome: 'deny' }, ['d4']],
  ] as const) {
    assert.deepEqual(ids(filter), expected, JSON.stringify(filter));
  }
  assert.deepEqual(index.find({ principal: 'howard' }, 1).length, 1);
  index.close();
});

for (const [what, harm] of [
  ['closed', async () => {}],
  ['deleted', (path: string) => rm(path)],
  ['unreadable', (path: string) => writeFile(path, 'this is no database, though it is long enough to be one')],
] as const) {
  test(`an index that was ${what} catches up with the log`, async (t) => {
    const { dir, log, index } = await logWithIndex(t);
    await appendEvents(log, 0, 700);
    await log.append(decision('d1', 'allow')).durable;
    index.close();
    await harm(join(dir, 'index.db'));
    await log.append(decision('d2', 'allow')).durable;
    const again = await openAuditIndex({ dir, log });
    assert.deepEqual(
      again.decisions({ limit: 5 }).map(({ decisionId }) => decisionId),
      ['d2', 'd1'],
    );
    assert.equal(again.position(), 702);
    again.close();
  });
}

test('an index of another log is made anew', async (t) => {
  const { dir, log, index } = await logWithIndex(t);
  for (let i = 0; i < 3; i += 1) await log.append(decision(`d${i}`, 'allow')).durable;
  index.close();
  await log.close();
  for (const part of ['segments', 'tile', 'checkpoint']) await rm(join(dir, part), { recursive: true });
  const other = await openLog(dir);
  for (let i = 5; i < 9; i += 1) await other.append(decision(`d${i}`, 'allow')).durable;
  const again = await openAuditIndex({ dir, log: other });
  assert.equal(again.decision('d0'), null);
  assert.equal(again.decision('d5')!.sequence, 0);
  again.close();
});

test('nothing falls between catching up and listening', async (t) => {
  const dir = await tempFolder(t);
  const log = await openLog(dir);
  await appendEvents(log, 0, 3000);
  let n = 0;
  const more = async () => {
    for (; n < 40; n += 1) await log.append(decision(`d${n}`, 'deny')).durable;
  };
  const [index] = await Promise.all([openAuditIndex({ dir, log }), more()]);
  assert.equal(index.decisions({ limit: 100 }).length, 40);
  index.close();
});
