import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '@writ/core';
import { parseA2a } from './parse.ts';

const message = { messageId: 'm1', role: 'ROLE_USER', parts: [{ text: 'hello' }] };
const send = (over: object = {}, params: object = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'SendMessage',
  params: { message: { ...message, ...over }, ...params },
});
const parse = (body: unknown, version: readonly string[] = ['1.0']) =>
  parseA2a(version, typeof body === 'string' ? utf8(body) : utf8(JSON.stringify(body)));

test('a message is read with its task, a task operation with its id', () => {
  const fresh = parse(send());
  assert.equal(fresh.kind === 'call' && fresh.taskId, null);
  const turn = parse(send({ taskId: 't1' }));
  assert.equal(turn.kind === 'call' && turn.taskId, 't1');
  const get = parse({ jsonrpc: '2.0', id: 'x', method: 'GetTask', params: { id: 't1' } });
  assert.equal(get.kind === 'call' && get.taskId, 't1');
});

test('a message is read with its conversation, and all that the standard names is carried', () => {
  const whole = parse(
    send(
      {
        contextId: 'c1',
        taskId: 't1',
        metadata: {},
        extensions: [],
        referenceTaskIds: [],
        parts: [{ text: 'a', metadata: {}, filename: 'a.txt', mediaType: 'text/plain' }],
      },
      {
        tenant: '',
        metadata: { note: 1 },
        configuration: { acceptedOutputModes: ['text/plain'], historyLength: 1, returnImmediately: true },
      },
    ),
  );
  assert.deepEqual(whole.kind === 'call' && [whole.taskId, whole.contextId], ['t1', 'c1']);
  const get = parse({ jsonrpc: '2.0', id: 1, method: 'GetTask', params: { id: 't1', tenant: '', historyLength: 3 } });
  assert.equal(get.kind === 'call' && get.contextId, null);
  const cancel = parse({ jsonrpc: '2.0', id: 1, method: 'CancelTask', params: { id: 't1', metadata: {} } });
  assert.equal(cancel.kind, 'call');
});

const faults: [name: string, body: unknown, rpcCode: number, httpStatus: number, version?: string[]][] = [
  ['a batch', [send()], -32600, 400],
  ['text that is no JSON', '{', -32700, 400],
  ['a duplicate name', '{"jsonrpc":"2.0","id":1,"id":2,"method":"GetTask","params":{"id":"t"}}', -32700, 400],
  ['an id of null', { ...send(), id: null }, -32600, 400],
  ['an id that is a fraction', { ...send(), id: 1.5 }, -32600, 400],
  ['a member that is not of JSON-RPC', { ...send(), extra: 1 }, -32600, 200],
  ['an unknown method', { ...send(), method: 'Shutdown' }, -32601, 200],
  ['a method of 0.3', { ...send(), method: 'message/send' }, -32601, 200],
  ['no version', send(), -32009, 200, []],
  ['another version', send(), -32009, 200, ['0.3']],
  ['two versions', send(), -32009, 200, ['1.0', '1.0']],
  ['no message', { jsonrpc: '2.0', id: 1, method: 'SendMessage', params: {} }, -32602, 200],
  ['a message from an agent', send({ role: 'ROLE_AGENT' }), -32602, 200],
  ['a part with two contents', send({ parts: [{ text: 'a', url: 'http://x' }] }), -32602, 200],
  ['a part without content', send({ parts: [{}] }), -32602, 200],
  ['no parts', send({ parts: [] }), -32602, 200],
  ['references to other tasks', send({ referenceTaskIds: ['t9'] }), -32602, 200],
  ['another tenant', send({}, { tenant: 'other' }), -32602, 200],
  [
    'a push configuration in the message',
    send({}, { configuration: { taskPushNotificationConfig: { url: 'http://169.254.169.254/' } } }),
    -32602,
    200,
  ],
  // The stock SDK reads ProtoJSON, which takes `task_id` for `taskId`: ownership would be asked of one and the agent obey the other.
  ['a task under its other spelling', send({ task_id: 't1' }), -32602, 200],
  ['a conversation under its other spelling', send({ context_id: 'c1' }), -32602, 200],
  ['references under their other spelling', send({ reference_task_ids: ['t9'] }), -32602, 200],
  ['a message id under both spellings', send({ message_id: 'm2' }), -32602, 200],
  [
    'a push configuration under its other spelling',
    send({}, { configuration: { task_push_notification_config: { url: 'http://169.254.169.254/' } } }),
    -32602,
    200,
  ],
  ['a member of a part that nobody knows', send({ parts: [{ text: 'a', file: { uri: 'http://x' } }] }), -32602, 200],
  ['a context of Writ beside the metadata', send({}, { _meta: { 'dev.writ/context': 'x' } }), -32602, 200],
  ['an extension', send({ extensions: ['https://example.org/ext'] }), -32602, 200],
  ['a conversation that is no text', send({ contextId: 7 }), -32602, 200],
  ['metadata of a message that is no object', send({ metadata: 'x' }), -32602, 200],
  ['a configuration that is no object', send({}, { configuration: 'x' }), -32602, 200],
  [
    'a task operation for another tenant',
    { jsonrpc: '2.0', id: 1, method: 'GetTask', params: { id: 't', tenant: 'other' } },
    -32602,
    200,
  ],
  [
    'a task operation that names a second task',
    { jsonrpc: '2.0', id: 1, method: 'GetTask', params: { id: 't', taskId: 'u' } },
    -32602,
    200,
  ],
  ['a task operation without id', { jsonrpc: '2.0', id: 1, method: 'GetTask', params: {} }, -32602, 200],
  [
    'push notifications',
    { jsonrpc: '2.0', id: 1, method: 'CreateTaskPushNotificationConfig', params: {} },
    -32003,
    200,
  ],
  ['the extended card', { jsonrpc: '2.0', id: 1, method: 'GetExtendedAgentCard', params: {} }, -32004, 200],
];

for (const [name, body, rpcCode, httpStatus, version] of faults) {
  test(`${name} is refused as ${rpcCode}`, () => {
    const found = parse(body, version);
    assert.equal(found.kind, 'malformed');
    assert.deepEqual(found.kind === 'malformed' && [found.rpcCode, found.httpStatus], [rpcCode, httpStatus]);
  });
}
