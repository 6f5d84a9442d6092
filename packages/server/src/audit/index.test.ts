import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { appendEvents, decision, openLog, outcome, tempFolder } from './fixture.ts';
import { openAuditIndex } from './index.ts';

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
