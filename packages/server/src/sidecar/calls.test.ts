// Contract §2: an outbound call continues the inbound one whose handle or trace id it carries, without either the only open one, else
// the program's own task; several candidates are ambiguous.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallContext } from '@writ/agent';
import { openInboundCalls } from './calls.ts';

const trace = (digit: string) => `00-${digit.repeat(32)}-${'b'.repeat(16)}-01`;
const context = (continuation: string | null, traceparent: string | null = null): CallContext => ({
  continuation,
  task: 'tsk_1',
  traceparent,
  caller: null,
  denial: null,
});
const nothing = { handles: [], traceparents: [] };
const missing = { kind: 'none', code: 'token.missing' };
const ambiguous = { kind: 'none', code: 'token.ambiguous' };

function world() {
  const calls = openInboundCalls();
  const behind = (asked: { handles?: readonly string[]; traceparents?: readonly string[] }) => {
    const found = calls.behind({ ...nothing, ...asked });
    return found.kind === 'call' ? found.context.continuation : found;
  };
  return { calls, behind };
}

test('without an inbound call it is the task of the program', () => {
  assert.deepEqual(world().behind({}), { kind: 'own' });
  assert.deepEqual(
    world().behind({ traceparents: [trace('1')] }),
    { kind: 'own' },
    'many libraries start traces of their own',
  );
});

test('the only open call stands behind what names none, until it was answered', () => {
  const { calls, behind } = world();
  const one = calls.begin(context('one'));
  assert.equal(behind({}), 'one');
  assert.equal(behind({ traceparents: [trace('9')] }), 'one');
  one.end();
  assert.deepEqual(behind({}), { kind: 'own' });
  assert.equal(behind({ handles: [one.handle] }), 'one', 'a program that answered with a task works on');
});

test('of several, a handle or a trace names one; nothing, or both at odds, names none', () => {
  const { calls, behind } = world();
  const one = calls.begin(context('one'));
  const two = calls.begin(context('two', trace('2')));
  assert.equal(two.traceparent, trace('2'));
  assert.notEqual(one.handle, two.handle);
  assert.deepEqual(behind({}), ambiguous);
  assert.equal(behind({ handles: [one.handle] }), 'one');
  assert.equal(behind({ traceparents: [one.traceparent] }), 'one');
  assert.equal(
    behind({ traceparents: [`00-${'2'.repeat(32)}-${'c'.repeat(16)}-00`] }),
    'two',
    'the trace counts, not the span',
  );
  assert.equal(behind({ handles: [two.handle], traceparents: [trace('2')] }), 'two');
  assert.deepEqual(behind({ handles: [one.handle], traceparents: [trace('2')] }), ambiguous);
  assert.deepEqual(behind({ handles: [one.handle, two.handle] }), ambiguous);
  assert.deepEqual(behind({ traceparents: [one.traceparent, two.traceparent] }), ambiguous);
});

test('two calls of one trace are told apart by their handles alone', () => {
  const { calls, behind } = world();
  const one = calls.begin(context('one', trace('3')));
  calls.begin(context('two', trace('3')));
  assert.deepEqual(behind({ traceparents: [trace('3')] }), ambiguous);
  assert.equal(behind({ handles: [one.handle], traceparents: [trace('3')] }), 'one');
});

test('no other authority stands in for a call that has none, or for a handle that names nothing (rules §2.6)', () => {
  const { calls, behind } = world();
  assert.deepEqual(behind({ handles: ['made-up'] }), missing);
  const one = calls.begin(context(null));
  assert.deepEqual(behind({}), missing);
  assert.deepEqual(behind({ handles: [one.handle] }), missing);
});

test('a trace that cannot be read is replaced', () => {
  const { calls } = world();
  for (const bad of [null, '', 'x', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`])
    assert.match(calls.begin(context('one', bad)).traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});
