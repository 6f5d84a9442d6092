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
