import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openSqliteForTest } from '../store/testing.ts';
import type { TaskAsk } from './tasks.ts';
import { claimsOf, ORCHESTRATOR, openHowardsTask, openPlane } from './testing.ts';

const open = async (t: TestContext) => openPlane(t, await openSqliteForTest(t));

test('every dimension of the root is written out: what was asked, else what the agent and the plane are configured for', async (t) => {
  const plane = await open(t);
  const [root] = claimsOf((await openHowardsTask(plane)).subjectToken).wc as unknown as readonly object[];
  const { row, ...dimensions } = root as { row: string };
  assert.equal(typeof row, 'string');
  assert.deepEqual(dimensions, {
    actor: { iss: plane.issuer, sub: 'howard' },
    aud: plane.aud('a2a', 'claude/orchestrator'),
    scope: plane.authority.entitlements.get('claude/orchestrator'),
    budget: [],
    depth: 3,
    until: plane.clock.seconds + 900,
    ceiling: 4,
  });
  const asked = { scopes: ['files:read_file'], depth: 1, budget: [{ unit: 'calls', max: 5 }], ttlSeconds: 60 };
  const [narrow] = claimsOf((await openHowardsTask(plane, asked)).subjectToken).wc as unknown as readonly Record<
    string,
    unknown
  >[];
  assert.deepEqual(
    [narrow!.scope, narrow!.depth, narrow!.budget, narrow!.until],
    [['files:read_file'], 1, [{ unit: 'calls', max: 5 }], plane.clock.seconds + 60],
  );
});

test('an agent opens no task, and what is asked beyond the agent or the plane is refused by name', async (t) => {
  const plane = await open(t);
  const base: TaskAsk = {
    root: { iss: plane.issuer, sub: 'howard' },
    openedBy: { kind: 'person', user: 'howard' },
    agentPath: 'claude/orchestrator',
    prompt: 'tidy the reports',
    origin: 'direct',
  };
  const cases: readonly [Partial<TaskAsk>, string][] = [
    [{ openedBy: { kind: 'agent', id: ORCHESTRATOR } }, 'action.prompt_not_from_principal'],
    [{ agentPath: 'nobody/here' }, 'action.unknown'],
    [{ scopes: ['files:delete_file'] }, 'token.scope_widened'],
    [{ scopes: ['files'] }, 'token.malformed'],
    [{ depth: 16 }, 'token.depth_exceeded'],
    [{ depth: -1 }, 'token.depth_exceeded'],
    [{ ttlSeconds: 86_401 }, 'token.expiry_widened'],
    [{ ttlSeconds: 0 }, 'token.expiry_widened'],
    [{ budget: [{ unit: 'EUR', max: -1 }] }, 'token.malformed'],
    [{ prompt: 'x'.repeat(32_769) }, 'gateway.too_large'],
  ];
  for (const [over, code] of cases) {
    const verdict = await plane.server.tasks.open({ ...base, ...over });
    assert.equal(verdict.outcome === 'deny' ? verdict.denial.code : 'pass', code, JSON.stringify(over).slice(0, 80));
  }
  assert.deepEqual(await plane.store.db.selectFrom('tasks').selectAll().execute(), []);
  assert.deepEqual(plane.events, []);
});

test('the prompt is kept with its origin; words that an admin brings for somebody else are relayed', async (t) => {
  const plane = await open(t);
  const own = await openHowardsTask(plane);
  const other = await openHowardsTask(plane, { openedBy: { kind: 'person', user: 'ada' } });
  const none = await openHowardsTask(plane, { prompt: null });
  const rows = await plane.store.db
    .selectFrom('tasks')
    .select(['id', 'prompt', 'origin', 'opened_by', 'floor'])
    .execute();
  const found = (id: string) => rows.find((row) => row.id === id)!;
  assert.deepEqual(
    [found(own.task).origin, found(own.task).prompt, found(own.task).floor],
    ['direct', 'tidy the reports', 3],
  );
  assert.deepEqual([found(other.task).origin, found(other.task).opened_by], ['relayed', 'ada']);
  assert.deepEqual([found(none.task).origin, found(none.task).prompt, found(none.task).floor], ['none', null, 1]);
  const opened = plane.events.filter((event) => event.event === 'task.opened');
  assert.deepEqual(
    opened.map((event) => [event.root, event.openedBy]),
    [
      ['howard', 'howard'],
      ['howard', 'ada'],
      ['howard', 'howard'],
    ],
  );
});

test('a task ends once, with a record of who ended it', async (t) => {
  const plane = await open(t);
  const { task } = await openHowardsTask(plane);
  assert.equal(await plane.server.tasks.end(task, 'howard'), true);
  assert.equal(await plane.server.tasks.end(task, 'howard'), false);
  assert.equal(await plane.server.tasks.end('tsk_none', 'howard'), false);
  const ended = plane.events.filter((event) => event.event === 'token.revoked');
  assert.deepEqual(
    ended.map(({ what, value, by, rows }) => [what, value, by, rows]),
    [['task', task, 'howard', 2]],
  );
  assert.ok(plane.server.revocations.view().tasks.has(task));
});

test('without a durable record no task is opened', async (t) => {
  const plane = await open(t);
  plane.auditDown = true;
  await assert.rejects(openHowardsTask(plane), /the log is gone/);
  assert.deepEqual(await plane.store.db.selectFrom('tasks').selectAll().execute(), []);
});
