// A message to an agent that needs a person's word (contract §5): a task of the gateway's own waits in AUTH_REQUIRED, and the message
// that was asked about goes through once.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type A2aClient, DeniedError, RpcError } from '@writ/agent';
import type { Agent, AgentServer } from '@writ/agent/node';
import { isJsonObject, type JsonObject } from '@writ/core';
import { serveA2a } from '../../examples/demo/agents/a2a-server.ts';
import { freePort } from '../free-port.ts';
import { startTestPlane, type TestPlane } from '../plane.fixture.ts';

let world: TestPlane;
let orchestrator: Agent;
let server: AgentServer;
let heard: unknown[] = [];

const cedar = `@id("house.ask-before-telling") @outcome("approval")
forbid (principal, action, resource == Writ::Agent::"spiffe://zylos.local/db/agent");
`;

before(async () => {
  const port = await freePort();
  const dataDir = mkdtempSync(join(tmpdir(), 'writ-a2a-approval-'));
  mkdirSync(join(dataDir, 'policy'), { mode: 0o700 });
  writeFileSync(join(dataDir, 'policy', 'house.cedar'), cedar, { mode: 0o600 });
  world = await startTestPlane({
    dataDir,
    yaml: `
agents:
  claude/orchestrator: { attest: { launched: true }, calls: [db/agent], scopes: [], memory: task }
  claude/second: { attest: { launched: true }, calls: [db/agent], scopes: [], memory: task }
  db/agent: { attest: { launched: true }, calls: [], scopes: [], a2a: "https://127.0.0.1:${port}/" }
servers: {}
users:
  howard: { roles: [admin, approver] }
allow: []
policy: ./policy
`,
  });
  orchestrator = await world.agent('claude/orchestrator');
  server = await serveA2a(await world.agent('db/agent'), port, async (asked) => {
    heard.push(asked);
    return { heard: asked };
  });
});

after(async () => {
  await server?.close();
  await world?.close();
});

async function answer(verdict: 'approve' | 'deny', id: string): Promise<void> {
  const { approvals } = (await (await world.person('/approvals')).json()) as {
    approvals: { id: string; hash: string }[];
  };
  const hash = approvals.find((one) => one.id === id)?.hash;
  const said = await world.person(`/approvals/${id}`, { method: 'POST', body: JSON.stringify({ verdict, hash }) });
  assert.equal(said.status, 200);
}

async function inTask(work: (agent: A2aClient) => Promise<void>, who = orchestrator): Promise<void> {
  const path = who === orchestrator ? 'claude/orchestrator' : 'claude/second';
  const task = await who.task(await world.task(path, { prompt: 'tell them' }));
  await task.run(() => work(who.a2a('db/agent')));
  task.close();
}

const message = (text: string, more: JsonObject = {}) => ({ parts: [{ data: { text } }], ...more });
const taskIn = (result: JsonObject) => result.task as JsonObject & { id: string; status: JsonObject };
const stateOf = (task: JsonObject) => (task.status as JsonObject).state;
const code = async (work: Promise<unknown>): Promise<string | number> => {
  const error = await work.then(
    () => assert.fail('it went through'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof DeniedError) return error.denial.code;
  assert.ok(error instanceof RpcError, String(error));
  return error.code;
};

test('the message waits as a task, and goes through in that task after the yes, once', async () => {
  heard = [];
  await inTask(async (agent) => {
    const waiting = taskIn(await agent.sendMessage(message('hello')));
    assert.equal(stateOf(waiting), 'TASK_STATE_AUTH_REQUIRED');
    const { parts } = waiting.status.message as { parts: { text: string }[] };
    assert.match(parts[0]!.text, /http:\/\/127\.0\.0\.1:\d+\/console\/approvals\/apr_/);
    assert.equal(stateOf(await agent.getTask(waiting.id)), 'TASK_STATE_AUTH_REQUIRED');
    const early = taskIn(await agent.sendMessage(message('hello', { taskId: waiting.id })));
    assert.equal(early.id, waiting.id, 'before a verdict the same question');
    assert.equal(heard.length, 0);

    await answer('approve', waiting.id);
    assert.equal(stateOf(await agent.getTask(waiting.id)), 'TASK_STATE_INPUT_REQUIRED');
    const other = agent.sendMessage(message('hellO', { taskId: waiting.id }));
    assert.equal(await code(other), 'action.approval_invalid', 'one byte changed');
    const context = message('hello', { taskId: waiting.id, contextId: 'of-somebody' });
    assert.equal(await code(agent.sendMessage(context)), 'action.approval_invalid');
    const both = await Promise.allSettled(
      [0, 1].map(() => agent.sendMessage(message('hello', { taskId: waiting.id }))),
    );
    assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1, 'two at once: one goes through');
    assert.deepEqual(heard, [{ text: 'hello' }]);
    assert.equal(stateOf(await agent.getTask(waiting.id)), 'TASK_STATE_COMPLETED');
    assert.equal(await code(agent.sendMessage(message('hello', { taskId: waiting.id }))), 'action.approval_invalid');
    assert.equal(heard.length, 1);
  });
});

test('the very same message again is the same question, and goes through without naming the task', async () => {
  heard = [];
  await inTask(async (agent) => {
    const again = message('again', { messageId: 'm-1' });
    const waiting = taskIn(await agent.sendMessage(again));
    assert.equal(taskIn(await agent.sendMessage(again)).id, waiting.id);
    await answer('approve', waiting.id);
    assert.ok(isJsonObject(await agent.sendMessage(again)));
    assert.deepEqual(heard, [{ text: 'again' }]);
  });
});

test('somebody else’s question and a missing one look the same', async () => {
  let id = '';
  await inTask(async (agent) => {
    id = taskIn(await agent.sendMessage(message('mine'))).id;
    await answer('approve', id);
  });
  const second = await world.agent('claude/second');
  for (const who of [orchestrator, second]) {
    await inTask(async (agent) => {
      for (const asked of [id, 'apr_missing']) {
        assert.equal(await code(agent.getTask(asked)), -32001);
        const sent = taskIn(await agent.sendMessage(message('mine', { taskId: asked })));
        assert.notEqual(sent.id, id, 'a new question of its own, under the name of somebody else');
      }
    }, who);
  }
  assert.deepEqual(heard.length, 1);
});

test('a no is final, and a question cannot be taken back by an agent', async () => {
  await inTask(async (agent) => {
    const { id } = taskIn(await agent.sendMessage(message('no')));
    assert.equal(await code(agent.cancelTask(id)), -32002);
    await answer('deny', id);
    assert.equal(stateOf(await agent.getTask(id)), 'TASK_STATE_REJECTED');
    assert.equal(await code(agent.sendMessage(message('no', { taskId: id }))), 'action.approval_invalid');
  });
});

test('a stream that has to wait is one event', async () => {
  await inTask(async (agent) => {
    const events: JsonObject[] = [];
    for await (const event of agent.sendStreamingMessage(message('stream'))) events.push(event);
    assert.equal(events.length, 1);
    assert.equal(stateOf(taskIn(events[0]!)), 'TASK_STATE_AUTH_REQUIRED');
  });
});

test('the client of the SDK opens the page and says the message again', async () => {
  heard = [];
  const task = await orchestrator.task(await world.task('claude/orchestrator', { prompt: 'tell them' }));
  const openPage = async ({ url }: { url: string }) => {
    await answer('approve', new URL(url).pathname.split('/').at(-1)!);
    return 'accept' as const;
  };
  const result = await task.run(() => orchestrator.a2a('db/agent', { openPage }).sendMessage(message('by hand')));
  assert.equal('task' in result && stateOf(taskIn(result)) === 'TASK_STATE_AUTH_REQUIRED', false);
  assert.deepEqual(heard, [{ text: 'by hand' }]);
  task.close();
});
