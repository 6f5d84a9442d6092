import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@writ/core';
import { openA2aClient } from './a2a.ts';

const url = 'https://127.0.0.1:8443/a2a/db/agent';

function clientOf(answer: (body: JsonObject) => Response) {
  const sent: { body: JsonObject; headers: Headers; delegate: readonly string[] }[] = [];
  const client = openA2aClient({
    url,
    newId: () => 'm1',
    fetchWith: (delegate) => async (_input, init) => {
      const body = JSON.parse(String(init?.body)) as JsonObject;
      sent.push({ body, headers: new Headers(init?.headers), delegate });
      return answer(body);
    },
  });
  return { client, sent };
}

const answered =
  (result: JsonObject) =>
  ({ id }: JsonObject) =>
    Response.json({ jsonrpc: '2.0', id: id!, result });

test('a text becomes a message of one part, with the version and what it delegates', async () => {
  const { client, sent } = clientOf(answered({ task: { id: 't1' } }));
  const result = await client.sendMessage('report please', {
    delegate: ['files:read_file'],
    configuration: { returnImmediately: true },
  });
  assert.deepEqual(result, { task: { id: 't1' } });
  const [{ body, headers, delegate }] = sent as [(typeof sent)[0]];
  assert.deepEqual(body, {
    jsonrpc: '2.0',
    id: 1,
    method: 'SendMessage',
    params: {
      message: { messageId: 'm1', role: 'ROLE_USER', parts: [{ text: 'report please' }] },
      configuration: { returnImmediately: true },
    },
  });
  assert.deepEqual(
    [headers.get('a2a-version'), headers.get('accept'), delegate],
    ['1.0', 'application/json', ['files:read_file']],
  );
});

test('a message goes as it is, and keeps its own id', async () => {
  const { client, sent } = clientOf(answered({ message: {} }));
  await client.sendMessage(
    { messageId: 'mine', contextId: 'c1', parts: [{ data: { n: 1 } }] },
    { metadata: { k: 'v' } },
  );
  assert.deepEqual(sent[0]!.body.params, {
    message: { messageId: 'mine', role: 'ROLE_USER', contextId: 'c1', parts: [{ data: { n: 1 } }] },
    metadata: { k: 'v' },
  });
});

test('a stream gives its events in order', async () => {
  const events = [{ task: { id: 't1' } }, { statusUpdate: { taskId: 't1' } }, { artifactUpdate: { taskId: 't1' } }];
  const { client, sent } = clientOf(({ id }) => {
    const text = events.map((result) => `data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`).join('');
    return new Response(text, { headers: { 'content-type': 'text/event-stream' } });
  });
  const seen: JsonObject[] = [];
  for await (const event of client.sendStreamingMessage('go')) seen.push(event);
  assert.deepEqual(seen, events);
  assert.equal(sent[0]!.headers.get('accept'), 'text/event-stream');
});

test('a refused message is thrown as a denial', async () => {
  const info = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: 'OUT_OF_TASK',
    domain: 'writ.dev',
    metadata: { code: 'action.out_of_task', decisionId: 'd5' },
  };
  const { client } = clientOf(({ id }) =>
    Response.json({ jsonrpc: '2.0', id: id!, error: { code: -31001, message: 'No.', data: [info] } }, { status: 403 }),
  );
  for (const attempt of [client.sendMessage('x'), client.sendStreamingMessage('x').next()]) {
    await assert.rejects(attempt, { name: 'DeniedError', message: 'action.out_of_task: No.' });
  }
});

test('an error of the agent is thrown as what it is', async () => {
  const { client } = clientOf(({ id }) =>
    Response.json({ jsonrpc: '2.0', id: id!, error: { code: -32001, message: 'Task not found' } }),
  );
  await assert.rejects(client.getTask('t1'), { name: 'RpcError', code: -32001 });
});

test('tasks are read and cancelled by their id', async () => {
  const { client, sent } = clientOf(answered({ id: 't1' }));
  await client.getTask('t1', { historyLength: 0 });
  await client.cancelTask('t1');
  assert.deepEqual(
    sent.map(({ body }) => [body.method, body.params]),
    [
      ['GetTask', { id: 't1', historyLength: 0 }],
      ['CancelTask', { id: 't1' }],
    ],
  );
});

test('an answer to another request is not taken', async () => {
  const { client } = clientOf(() => Response.json({ jsonrpc: '2.0', id: 99, result: {} }));
  await assert.rejects(client.getTask('t1'), /has no result/);
});
