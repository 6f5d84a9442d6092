// A whole plane whose store is PostgreSQL: what was opened, claimed and revoked stands in the database and outlives the plane.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { DeniedError } from '@writ/agent';
import pg from 'pg';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

const url = process.env.WRIT_TEST_POSTGRES;
assert.ok(url, 'WRIT_TEST_POSTGRES names no database; `npm run interop` starts one');

const schema = `writ_plane_${randomBytes(6).toString('hex')}`;
const storeUrl = new URL(url);
storeUrl.searchParams.set('options', `-c search_path=${schema}`);
let database: pg.Client;
let world: TestPlane;

before(async () => {
  database = new pg.Client({ connectionString: storeUrl.href });
  await database.connect();
  await database.query(`create schema ${schema}`);
  world = await startTestPlane({ storeUrl: storeUrl.href });
});

after(async () => {
  await world?.close();
  await database?.query(`drop schema ${schema} cascade`);
  await database?.end();
});

const readReport = async (agent: Awaited<ReturnType<TestPlane['agent']>>) => {
  const { content } = await agent.mcp('files').callTool('read_text_file', { path: `${world.docs}/report.md` });
  return String((content[0] as { text: string }).text);
};

test('a call goes through a plane on PostgreSQL, and its task stands in the database', async () => {
  const agent = await world.agent('claude/orchestrator');
  const task = await agent.task(await world.task('claude/orchestrator'));
  assert.match(await task.run(() => readReport(agent)), /Revenue grew/);
  const { rows } = await database.query('select id, agent from tasks where id = $1', [task.id]);
  assert.deepEqual(rows, [{ id: task.id, agent: 'claude/orchestrator' }]);
  task.close();
});

test('a refusal is a refusal on PostgreSQL too', async () => {
  const agent = await world.agent('claude/orchestrator');
  const task = await agent.task(await world.task('claude/orchestrator', { scope: ['files:list_directory'] }));
  await assert.rejects(
    task.run(() => readReport(agent)),
    (error) => error instanceof DeniedError && error.denial.code === 'token.scope_widened',
  );
  task.close();
});

test('an ended task gives nothing more', async () => {
  const agent = await world.agent('claude/orchestrator');
  const task = await agent.task(await world.task('claude/orchestrator'));
  assert.match(await task.run(() => readReport(agent)), /Revenue grew/);
  const answer = await world.person(`/tasks/${task.id}`, { method: 'DELETE' });
  assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
  await assert.rejects(
    task.run(() => readReport(agent)),
    (error) => error instanceof DeniedError && error.denial.code === 'token.revoked',
  );
  task.close();
});

test('a plane that starts again on the same database goes on with its tasks', async () => {
  const id = await world.task('claude/orchestrator');
  await world.plane.stop();
  const again = await startTestPlane({ storeUrl: storeUrl.href, dataDir: world.dataDir });
  world = again;
  const agent = await world.agent('claude/orchestrator');
  const task = await agent.task(id);
  assert.match(await task.run(() => readReport(agent)), /Revenue grew/);
  task.close();
});
