// Watching check 3 without enforcing it (rules §7.3): what would have been refused goes through, is written down as such, and stops
// by itself; checks 1 and 2 and what is of risk 5 stay as they are.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DeniedError } from '@writ/agent';
import type { Agent } from '@writ/agent/node';
import { openModes } from '../../packages/server/src/main/modes.ts';
import { openSqliteForTest } from '../../packages/server/src/store/testing.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

let world: TestPlane;
let agent: Agent;

before(async () => {
  world = await startTestPlane({
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, memory: task, calls: [files, tools], scopes: ["files:read_text_file", "files:list_directory", "tools:get-env", "tools:echo"] }
servers:
  files: { mcp: { command: ["$NODE", "$FILES", "$DOCS"] }, manifest: "builtin:filesystem", mode: observe }
  tools: { mcp: { command: ["$NODE", "$EVERYTHING", "stdio"] }, manifest: "builtin:everything", mode: observe }
users:
  howard: { roles: [admin] }
allow:
  - { agent: claude/orchestrator, tool: files/list_directory, mode: enforce, where: { /path: { oneOf: ["/nowhere"] } } }
  - { agent: claude/orchestrator, tool: tools/echo, mode: off }
`.replace(
      '$EVERYTHING',
      new URL(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js')).pathname,
    ),
  });
  agent = await world.agent('claude/orchestrator');
});

after(() => world?.close());

async function inTask<T>(scope: readonly string[], work: () => Promise<T>): Promise<T> {
  const task = await agent.task(await world.task('claude/orchestrator', { scope }));
  try {
    return await task.run(work);
  } finally {
    task.close();
  }
}

const read = () => agent.mcp('files').callTool('read_text_file', { path: `${world.docs}/report.md` });

test('what no policy permits goes through, and the record says what would have become of it', async () => {
  await inTask(['files:read_text_file'], read);
  const { decisions } = (await (await world.person('/decisions?limit=1')).json()) as {
    decisions: { decisionId: string }[];
  };
  const record = await world.decision(decisions[0]!.decisionId);
  assert.deepEqual([record.outcome, record.mode, record.code], ['allow', 'observe', null]);
  const would = record.would as { outcome: string; code: string };
  assert.deepEqual([would.outcome, would.code], ['deny', 'action.policy_forbids']);
  assert.match(String(record.sentence), /watched only; it would have been refused, no policy permits it/);
});

test('a token that does not admit the call is refused as ever', async () => {
  const error = await inTask(['tools:echo'], read).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof DeniedError && error.denial.code.startsWith('token.'), String(error));
});

test('what is of risk 5 is judged as ever', async () => {
  const call = () => agent.mcp('tools').callTool('get-env', {});
  const error = await inTask(['tools:get-env'], call).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof DeniedError && error.denial.code.startsWith('action.'), String(error));
});

test('an allow line is meant as it says, whatever the server is', async () => {
  const list = () => agent.mcp('files').callTool('list_directory', { path: '/' });
  const error = await inTask(['files:list_directory'], list).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof DeniedError && error.denial.code.startsWith('action.'), String(error));
});

test('/readyz says so', async () => {
  const ready = (await (await fetch(`${world.issuer}/readyz`)).json()) as { mode: string; loose: object };
  assert.equal(ready.mode, 'off');
  assert.deepEqual(Object.keys(ready.loose), ['files', 'tools', 'claude/orchestrator tools/echo']);
});

test('it ends on its last day, and after fourteen days whatever the file says', async (t) => {
  const store = await openSqliteForTest(t);
  let nowSeconds = Date.parse('2026-11-25T12:00:00Z') / 1000;
  const clock = { nowSeconds: () => nowSeconds };
  const open = (until: string | null, kind: 'observe' | 'enforce' = 'observe') => {
    const config = { mode: { kind, until }, servers: new Map([['files', { mode: null }]]), allow: [] };
    return openModes({ config: config as never, store, clock });
  };
  const dated = await open('2026-11-26');
  const asLongAsItMay = await open('2027-06-30');
  nowSeconds = Date.parse('2026-11-26T23:59:59Z') / 1000;
  assert.equal(dated.of({ server: 'files', name: 'x' }, 'a/b'), 'observe');
  nowSeconds++;
  assert.deepEqual(
    [dated.of({ server: 'files', name: 'x' }, 'a/b'), asLongAsItMay.of({ server: 'files', name: 'x' }, 'a/b')],
    ['enforce', 'observe'],
  );
  nowSeconds = Date.parse('2026-12-09T12:00:00Z') / 1000;
  assert.equal(asLongAsItMay.of({ server: 'files', name: 'x' }, 'a/b'), 'enforce');
  assert.equal(
    (await open(null)).of({ server: 'files', name: 'x' }, 'a/b'),
    'enforce',
    'a restart does not begin anew',
  );
  await open(null, 'enforce');
  assert.equal((await open(null)).of({ server: 'files', name: 'x' }, 'a/b'), 'observe', 'enforced in between, it does');
  assert.equal((await open(null)).of({ server: 'unknown', name: 'x' }, 'a/b'), 'enforce');
});
