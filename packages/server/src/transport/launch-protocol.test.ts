import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeLaunchReply, decodeLaunchRequest, encodeLaunchReply, encodeLaunchRequest } from './launch-protocol.ts';

const request = {
  agent: 'demo/one',
  uid: 1,
  command: ['x'],
  shimPid: 2,
  adopts: true,
  credential: { session: 's' },
} as const;
const lineWith = (sidecar: unknown, adopts = true) => {
  const { credential, ...rest } = request;
  return JSON.stringify({ ...rest, adopts, sidecar, ...credential });
};

test('a sidecar is told of with its address on this machine, and only by a runner of one tree (rules §1.2)', () => {
  for (const sidecar of [null, { inbound: null }, { inbound: 'https://127.0.0.1:4711' }]) {
    const read = decodeLaunchRequest(encodeLaunchRequest({ ...request, sidecar }));
    assert.deepEqual(read, { ...request, sidecar });
  }
  assert.equal(decodeLaunchRequest(lineWith({ inbound: null }, false)), null);
});

test('the gateway dials what a runner says, so nothing else can be said', () => {
  const elsewhere = [
    'http://127.0.0.1:4711',
    'https://127.0.0.1',
    'https://127.0.0.1:4711/path',
    'https://127.0.0.1:4711@10.0.0.9:1',
    'https://10.0.0.9:4711',
    'https://localhost:4711',
    'unix:/x',
    '',
    4711,
  ];
  for (const inbound of elsewhere) assert.equal(decodeLaunchRequest(lineWith({ inbound })), null, String(inbound));
  for (const sidecar of [true, 'x', [], {}, { inbound: null, more: 1 }])
    assert.equal(decodeLaunchRequest(lineWith(sidecar)), null, JSON.stringify(sidecar));
});

test('the answer says where the agent takes messages', () => {
  const reply = { ok: true, env: ['PATH'], a2a: 'http://127.0.0.1:1/' } as const;
  assert.deepEqual(decodeLaunchReply(encodeLaunchReply(reply).trim()), reply);
  assert.deepEqual(decodeLaunchReply('{"ok":true,"env":null}'), { ok: true, env: null, a2a: null });
});
