// A2A through a whole plane, as a caller would write it who wants another caller's task or conversation.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { JsonObject } from '@writ/core';
import type { Step } from './case.ts';
import { requestOf } from './requests.ts';
import { openNames, openStage, type Stage } from './stage.ts';
import { send } from './wire.ts';

let stage: Stage;
before(async () => {
  stage = await openStage({});
});
after(() => stage?.close());

const allow = { outcome: 'allow' } as unknown as Step['expect'];

/** One person's task and the orchestrator's token for `db/agent` in it. */
async function tokenOf(name: string) {
  const names = openNames(stage);
  const body = JSON.stringify({ agent: 'claude/orchestrator', prompt: name });
  const opened = (await (await stage.plane.person('/tasks', { method: 'POST', body })).json()) as {
    task: string;
    subjectToken: string;
  };
  names.keep('task', { token: opened.subjectToken, isContinuation: true, task: opened.task });
  const take = step('take', 'token', { of: 'task', to: 'db/agent', scope: 'db/agent:send' });
  const answer = await send(await stage.sender('claude/orchestrator'), requestOf(take, stage, names));
  const { access_token: token } = JSON.parse(answer!.text) as { access_token: string };
  names.keep('token', { token, isContinuation: false, task: opened.task });
  return names;
}

function step(verb: string, on: string, more: JsonObject): Step {
  return { verb, on, as: 'claude/orchestrator', at: 'mtls', with: more, expect: allow } as unknown as Step;
}

async function say(names: Awaited<ReturnType<typeof tokenOf>>, message: JsonObject) {
  const params = { message: { messageId: 'm', role: 'ROLE_USER', parts: [{ text: 'go on' }], ...message } };
  const asked = step('message', 'db/agent', { token: 'token', params });
  const answer = await send(await stage.sender('claude/orchestrator'), requestOf(asked, stage, names));
  return JSON.parse(answer!.text) as { result?: { task: { id: string } }; error?: { code: number } };
}

for (const [what, member] of [
  ['taskId', (id: string) => ({ taskId: id })],
  ['task_id, which ProtoJSON reads as taskId', (id: string) => ({ task_id: id })],
  ['contextId', (id: string) => ({ contextId: `context-of-${id}` })],
  ['context_id, which ProtoJSON reads as contextId', (id: string) => ({ context_id: `context-of-${id}` })],
] as const) {
  test(`nobody goes on with somebody else's work by ${what}`, async () => {
    const mine = await tokenOf('mine');
    const { result } = await say(mine, {});
    const theirs = await tokenOf('theirs');
    const before = stage.callee.arrived.length;
    const refused = await say(theirs, member(result!.task.id));
    assert.ok(refused.error, JSON.stringify(refused));
    assert.equal(stage.callee.arrived.length, before, 'it reached the agent');
  });
}

test('the caller itself goes on with its task and its conversation', async () => {
  const mine = await tokenOf('mine');
  const { result } = await say(mine, {});
  const { id } = result!.task;
  assert.ok((await say(mine, { taskId: id })).result);
  assert.ok((await say(mine, { contextId: `context-of-${id}` })).result);
});

