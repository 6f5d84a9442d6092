// What a whole plane leaves behind, asked about from outside while it runs: who, for whom, what came of it, and the proof.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DeniedError } from '@writ/agent';
import { run } from '../../packages/server/src/cli/plane.fixture.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

let world: TestPlane;
let task: string;
let key: readonly string[];
let logDir: string;

before(async () => {
  world = await startTestPlane();
  logDir = join(world.dataDir, 'data', 'audit');
  key = ['--vkey', (world.plane.ready.log as { vkey: string }).vkey];
  const agent = await world.agent('claude/orchestrator');
  task = await world.task('claude/orchestrator', { scope: ['files:read_text_file', 'files:write_file'] });
  const client = await agent.task(task);
  await client.run(async () => {
    const files = agent.mcp('files');
    await files.callTool('read_text_file', { path: `${world.docs}/report.md` });
    const path = `${world.docs}/x`;
    await assert.rejects(files.callTool('write_file', { path, content: 'x' }), DeniedError);
  });
  client.close();
});

after(() => world?.close());

interface Row {
  readonly decisionId: string;
  readonly outcome: string;
}

async function asked(words: readonly string[]) {
  const { exitCode, stdout, stderr } = await run(['audit', ...words, '--json']);
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout);
}

test('decisions of a running plane are found by anybody in their chain', async () => {
  const { decisions, from } = await asked([
    'query',
    logDir,
    ...key,
    '--through',
    'howard',
    '--tool',
    'files/read_text_file',
  ]);
  assert.equal(from, 'index', 'the index of the plane answers');
  assert.deepEqual(
    decisions.map(({ outcome }: Row) => outcome),
    ['allow'],
  );
  const refused = await asked(['query', logDir, ...key, '--agent', 'claude/orchestrator', '--outcome', 'deny']);
  assert.deepEqual(
    refused.decisions.map(({ name }: { name: string }) => name),
    ['write_file'],
  );
});

test('a task is told with who opened it, what it touched, and the tokens it was given', async () => {
  const incident = await asked(['report', logDir, ...key, '--incident', task]);
  assert.equal(incident.opened.root, 'howard');
  assert.deepEqual(
    incident.touched.map(({ name, allowed, refused }: { name: string; allowed: number; refused: number }) => [
      name,
      allowed,
      refused,
    ]),
    [
      ['read_text_file', 1, 0],
      ['write_file', 0, 1],
    ],
  );
  assert.ok(incident.events.some(({ event }: { event: string }) => event === 'token.issued'));
  const { exitCode, stdout } = await run(['audit', 'report', logDir, ...key, '--incident', task]);
  assert.equal(exitCode, 0);
  assert.match(stdout, /\| files\/read\\_text\\_file \| 1 \| 0 \| 0 \| 0 \|/);
});

test('a token that was refused is explained under the id its asker was told, and proven', async () => {
  const answer = await fetch(`${world.issuer}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'nobody' }),
  });
  const id = answer.headers.get('writ-decision')!;
  assert.ok(id);
  const { event, proof } = (await world.decision(id)) as { [member: string]: { [member: string]: unknown } };
  assert.deepEqual([event!.event, event!.id, proof!.verified], ['token.refused', id, true]);
  const { record } = await asked(['prove', id, logDir, ...key]);
  assert.equal(record.id, id);
});
