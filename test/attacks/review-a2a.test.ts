// A2A through a whole plane, as a caller would write it who wants another caller's task or conversation.

import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { type Field, openField } from './review.fixture.ts';

let field: Field;
before(async () => {
  field = await openField(
    (a2a) => `
agents:
  claude/orchestrator: { attest: { launched: true }, calls: [db/agent], memory: task }
  db/agent: { attest: { launched: true }, a2a: "${a2a}" }
users:
  howard: { roles: [admin] }
`,
  );
});
after(() => field?.close());

const tokenOfNewTask = () => field.token(`${field.plane.mtls}/a2a/db/agent`, 'db/agent:send');

async function say(token: string, member: JsonObject, beside: JsonObject = {}) {
  const message = { messageId: 'm', role: 'ROLE_USER', parts: [{ text: 'go on' }], ...member };
  const { json } = await field.say(token, { method: 'SendMessage', params: { message, ...beside } });
  return json as { result?: { task: { id: string; contextId: string } }; error?: { code: number } };
}

type Task = { readonly id: string; readonly contextId: string };
const ways: readonly (readonly [string, (theirs: Task) => JsonObject])[] = [
  ['taskId', ({ id }) => ({ taskId: id })],
  ['task_id, which ProtoJSON reads as taskId', ({ id }) => ({ task_id: id })],
  ['contextId', ({ contextId }) => ({ contextId })],
  ['context_id, which ProtoJSON reads as contextId', ({ contextId }) => ({ context_id: contextId })],
];

for (const [what, member] of ways) {
  test(`nobody goes on with what another person’s task began, by ${what}`, async () => {
    const { result } = await say(await tokenOfNewTask(), {});
    const arrived = field.arrived.length;
    const refused = await say(await tokenOfNewTask(), member(result!.task));
    assert.ok(refused.error, JSON.stringify(refused));
    assert.equal(field.arrived.length, arrived, 'it reached the agent');
  });
}

test('the caller goes on with its own task and its own conversation', async () => {
  const token = await tokenOfNewTask();
  const { result } = await say(token, {});
  const { id, contextId } = result!.task;
  assert.ok((await say(token, { taskId: id })).result);
  assert.ok((await say(token, { contextId })).result);
  assert.ok((await say(token, { taskId: id, contextId })).result);
});

test('a push address reaches the agent under no spelling', async () => {
  const token = await tokenOfNewTask();
  const arrived = field.arrived.length;
  const configuration = { task_push_notification_config: { url: 'http://169.254.169.254/' } };
  assert.ok((await say(token, {}, { configuration })).error);
  assert.equal(field.arrived.length, arrived);
});

test('the published card names no way past the gateway, of either version', async () => {
  const { certPem: cert, keyPem: key, bundlePem } = await field.svid('claude/orchestrator');
  const url = `${field.plane.mtls}/a2a/db/agent/.well-known/agent-card.json`;
  const text = await new Promise<string>((resolve, reject) => {
    const tls = { cert, key, ca: [bundlePem].flat() as string[], checkServerIdentity: () => undefined };
    request(url, tls, async (res) => {
      let got = '';
      for await (const part of res) got += String(part);
      resolve(got);
    })
      .on('error', reject)
      .end();
  });
  assert.match(text, /db\/agent/);
  assert.doesNotMatch(text, /10\.0\.0\.7/);
});
