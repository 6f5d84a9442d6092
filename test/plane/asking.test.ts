// A policy that asks (rules §3.12), end to end: the call is refused with the page of its question, a person says yes there, and
// exactly that call goes through, once.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DeniedError, openMcpClient } from '@writ/agent';
import type { Agent } from '@writ/agent/node';
import type { JsonObject } from '@writ/core';
import { smallWorld, startTestPlane, type TestPlane } from '../plane.fixture.ts';

let world: TestPlane;
let agent: Agent;

const cedar = `@id("house.ask-before-writing") @outcome("approval")
forbid (principal, action in Writ::Action::"tool.call", resource in Writ::Server::"files")
when { context.risk >= 2 };

@id("house.no-folders")
forbid (principal, action, resource == Writ::Tool::"files/create_directory");
`;
const allow = ['write_file', 'create_directory'].map(
  (tool) => `  - { agent: claude/orchestrator, tool: files/${tool} }\n`,
);

before(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'writ-asking-'));
  mkdirSync(join(dataDir, 'policy'), { mode: 0o700 });
  writeFileSync(join(dataDir, 'policy', 'house.cedar'), cedar, { mode: 0o600 });
  const yaml = `${smallWorld.replace('"files:write_file"', '"files:write_file", "files:create_directory"')}${allow.join('')}policy: ./policy\n`;
  world = await startTestPlane({ dataDir, yaml });
  agent = await world.agent('claude/orchestrator');
});

after(() => world?.close());

/** As it came over the wire. */
let lastBody = '';

type Call = (tool: string, args: JsonObject) => Promise<unknown>;

async function inTask(work: (call: Call) => Promise<void>): Promise<void> {
  const scope = ['files:write_file', 'files:create_directory'];
  const task = await agent.task(await world.task('claude/orchestrator', { prompt: 'write the note', scope }));
  const sent = agent.fetch('files');
  const heard: typeof sent = async (...asked) => {
    const answer = await sent(...asked);
    lastBody = await answer.clone().text();
    return answer;
  };
  const files = openMcpClient({ url: agent.url('files'), fetch: heard });
  await task.run(() => work((tool, args) => files.callTool(tool, args)));
  task.close();
}

async function refused(call: Promise<unknown>): Promise<DeniedError['denial']> {
  const error = await call.then(
    () => assert.fail('the call went through'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof DeniedError, String(error));
  return error.denial;
}

async function waiting(): Promise<{ id: string; hash: string; rules: string[] }[]> {
  return (
    (await (await world.person('/approvals')).json()) as { approvals: { id: string; hash: string; rules: string[] }[] }
  ).approvals;
}

test('asked, approved, done once, asked again', async () => {
  const path = join(world.docs, 'note.md');
  await inTask(async (call) => {
    const write = (content = 'hello') => call('write_file', { path, content });
    const first = await refused(write());
    assert.equal(first.code, 'action.approval_required');
    assert.match(String(first.approvalUrl), /\/console\/approvals/);
    const { error } = JSON.parse(lastBody) as { error: { code: number; data: JsonObject } };
    assert.deepEqual([error.code, error.data.approvalUrl], [-31002, first.approvalUrl]);
    assert.equal(existsSync(path), false);
    assert.equal((await refused(write())).approvalUrl, first.approvalUrl, 'the same question, not a second one');

    const [open, ...others] = await waiting();
    assert.deepEqual([others.length, open!.rules], [0, ['house.ask-before-writing']]);
    const verdict = { method: 'POST', body: JSON.stringify({ verdict: 'approve', hash: open!.hash }) };
    assert.equal((await world.person(`/approvals/${open!.id}`, verdict)).status, 200);

    const other = await refused(write('hello, and more'));
    assert.equal(other.code, 'action.approval_required', 'a yes is to this content and no other');
    await write();
    assert.equal(readFileSync(path, 'utf8'), 'hello');
    assert.equal((await refused(write())).code, 'action.approval_required', 'a yes is used up');
  });
});

test('what another rule refuses is not asked about', async () => {
  const before = (await waiting()).length;
  await inTask(async (call) => {
    const denial = await refused(call('create_directory', { path: join(world.docs, 'new') }));
    assert.deepEqual([denial.code, denial.approvalUrl], ['action.policy_forbids', null]);
    assert.equal((await world.decision(denial.decisionId!)).outcome, 'deny');
  });
  assert.equal((await waiting()).length, before);
});

test('the status counts what shadow mode looked at', async () => {
  const status = (await (await world.person('/status')).json()) as { shadow: Record<string, number> };
  assert.deepEqual(Object.keys(status.shadow).sort(), ['compared', 'differed', 'dropped', 'waiting']);
  assert.equal(status.shadow.differed, 0);
});
