// A task that gets what its prompt asks for, through a whole plane: from `POST /api/v1/tasks` to the refused call (rules §3.2, §3.12,
// §3.16), and the attempts to get more.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DeniedError } from '@writ/agent';
import type { Agent } from '@writ/agent/node';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

const manifest = `
manifest: 1
servers:
  files:
    tools:
      read_text_file: { risk: 0, effect: read, args: { /path: { role: target }, /head: { role: ignored }, /tail: { role: ignored } } }
      list_directory: { risk: 0, effect: read, args: { /path: { role: target } } }
      write_file: { risk: 2, effect: write, intent: [write, save], args: { /path: { role: target }, /content: { role: payload } } }
`;
const yaml = `
tasks: { scopeFromPrompt: true }
agents:
  claude/orchestrator: { attest: { launched: true }, calls: [files], scopes: ["files:*"], memory: task }
servers:
  files: { mcp: { command: ["$NODE", "$FILES", "$DOCS"] }, manifest: ./files.manifest.yaml }
users:
  howard: { roles: [admin] }
allow:
  - { agent: claude/orchestrator, tool: files/read_text_file }
  - { agent: claude/orchestrator, tool: files/write_file }
`;

let world: TestPlane;
let agent: Agent;
let report: string;

before(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'writ-scope-'));
  writeFileSync(join(dataDir, 'files.manifest.yaml'), manifest);
  world = await startTestPlane({ yaml, dataDir });
  agent = await world.agent('claude/orchestrator');
  report = `${world.docs}/report.md`;
  writeFileSync(join(world.docs, 'other.md'), 'Not asked for.\n');
});

after(async () => {
  await world?.close();
  rmSync(world.dataDir, { recursive: true, force: true });
});

async function open(ask: object) {
  const body = JSON.stringify({ agent: 'claude/orchestrator', ...ask });
  const answer = await world.person('/tasks', { method: 'POST', body });
  return { status: answer.status, body: (await answer.json()) as { task: string; scope: string[]; code?: string } };
}

/** Outcome of a call in a task that is opened like this: what the tool said, or the code of the refusal. */
async function calling(ask: object, name: string, args: { [name: string]: string | number }): Promise<string> {
  const opened = await open(ask);
  assert.equal(opened.status, 201, JSON.stringify(opened.body));
  const task = await agent.task(opened.body.task);
  try {
    const { content } = await task.run(() => agent.mcp('files').callTool(name, args));
    return String((content[0] as { text: string }).text);
  } catch (error) {
    if (error instanceof DeniedError) return error.denial.code;
    throw error;
  } finally {
    task.close();
  }
}

const reads = () => ({ prompt: `read ${report} to me` });

test('the task has the tools its prompt asks for, and its targets are bound to what the prompt names', async () => {
  const { body } = await open(reads());
  assert.equal(body.scope.includes('files:read_text_file'), true);
  assert.equal(body.scope.includes('files:write_file'), false);
  assert.equal(body.scope.includes('files:*'), false);
  assert.match(await calling(reads(), 'read_text_file', { path: report }), /Revenue grew/);
  assert.equal(
    await calling(reads(), 'read_text_file', { path: `${world.docs}/other.md` }),
    'token.constraint_violated',
  );
  assert.equal(
    await calling(reads(), 'read_text_file', { path: `${report}/../other.md` }),
    'token.constraint_violated',
  );
  assert.equal(await calling(reads(), 'write_file', { path: report, content: 'x' }), 'token.scope_widened');
});

test('a prompt that asks for the act opens it', async () => {
  const prompt = `write a greeting into ${world.docs}/hello.md`;
  assert.doesNotMatch(
    await calling({ prompt }, 'write_file', { path: `${world.docs}/hello.md`, content: 'hi' }),
    /^token/,
  );
  assert.equal(await calling({ prompt }, 'write_file', { path: report, content: 'x' }), 'token.constraint_violated');
});

test('scopes that the person names stay as named, and without a prompt there is nothing to go by', async () => {
  assert.deepEqual((await open({ ...reads(), scope: ['files:write_file'] })).body.scope, ['files:write_file']);
  assert.deepEqual((await open({})).body.scope, ['files:*']);
});

test('a tool named in a fenced or quoted part, or in look-alike letters, is not asked for', async () => {
  for (const text of ['```\nwrite to it\n```', '> write to it', 'wr\u0456te to it', 'overwrite it']) {
    const { body } = await open({ prompt: `what does the report say?\n${text}` });
    assert.equal(body.scope.includes('files:write_file'), false, text);
  }
});

describe('a planner', () => {
  const type = 'urn:writ:params:oauth:authorization-details:call';

  test('may narrow, and its limits hold at the gate', async () => {
    const planned = {
      scopes: ['files:read_text_file'],
      constraints: [{ type, actions: ['files:read_text_file'], arguments: { '/path': { oneOf: [report] } } }],
    };
    assert.deepEqual((await open({ ...reads(), planned })).body.scope, ['files:read_text_file']);
    assert.match(await calling({ ...reads(), planned }, 'read_text_file', { path: report }), /Revenue/);
    assert.equal(
      await calling({ ...reads(), planned }, 'read_text_file', { path: report, head: 1 }),
      'token.constraint_violated',
    );
  });

  test('that asks for more is refused by name, and no task is opened', async () => {
    const entry = (args: object) => ({ type, actions: ['files:read_text_file'], arguments: args });
    const cases: readonly (readonly [object, string])[] = [
      [{ scopes: ['files:write_file'] }, 'token.scope_widened'],
      [{ scopes: ['files:*'] }, 'token.scope_widened'],
      [{ constraints: [entry({ '/path': { any: true } })] }, 'token.constraint_widened'],
      [
        { constraints: [entry({ '/path': { subpath: { root: world.docs, separator: '/' } } })] },
        'token.constraint_widened',
      ],
      [{ constraints: [{ type, actions: ['files:read_text_file'] }] }, 'token.constraint_widened'],
      [{ constraints: [{ type: 'payment_initiation', actions: [] }] }, 'token.restriction_unknown'],
    ];
    for (const [planned, code] of cases) {
      const { status, body } = await open({ ...reads(), planned });
      assert.deepEqual([status, body.code, body.task], [403, code, undefined], JSON.stringify(planned));
    }
    assert.equal((await open({ ...reads(), planned: { tools: [] } })).status, 400);
  });

  test('that is the agent itself registers no prompt: its token opens no task', async () => {
    const task = await agent.task((await open(reads())).body.task);
    const { token } = await agent.spawn({ tools: ['files/read_text_file'], audience: 'files', estimatedSeconds: 60 });
    const body = JSON.stringify({ agent: 'claude/orchestrator', prompt: 'write everything' });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${world.api}/tasks`, { method: 'POST', body, headers });
    const { code } = (await answer.json()) as { code: string };
    assert.deepEqual([answer.status, code], [403, 'action.prompt_not_from_principal']);
    task.close();
  });
});

test('a sub-agent’s part is narrower than the task in scopes and in arguments, and never wider', async () => {
  const task = await agent.task((await open({ prompt: `read what is in ${world.docs}` })).body.task);
  const part = { tools: ['files/read_text_file'], audience: 'files', estimatedSeconds: 30 };
  const only = (path: string) => ({ arguments: { 'files/read_text_file': { '/path': { oneOf: [path] } } } });
  const token = await agent.spawn({ ...part, ...only(report) });
  const files = agent.mcp('files', { token });
  assert.equal((await files.callTool('read_text_file', { path: report })).isError, false);
  await assert.rejects(files.callTool('read_text_file', { path: `${world.docs}/other.md` }), /./);
  await assert.rejects(
    agent.spawn({ ...part, ...only('/etc/passwd') }),
    (error: DeniedError) => error.denial.code === 'token.constraint_widened',
  );
  await assert.rejects(
    agent.spawn({ ...part, tools: ['files/write_file'] }),
    (error: DeniedError) => error.denial.code === 'token.scope_widened',
  );
  task.close();
});
