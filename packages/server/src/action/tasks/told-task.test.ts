// A task that is told, for `writ decide`: what is not told is the worst.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Call, type Definition, decide, type JsonValue, type ToolTrust } from '@writ/core';
import { callOf, nowSeconds, shortChain, tokenFor, worldWith } from '../../../../core/src/decision/world.fixture.ts';
import { toldTask } from './told-task.ts';

const trust: ToolTrust = { risk: 4, effect: 'money', args: { '/to': { role: 'target', type: 'email' } } };
const definition: Definition = {
  ...{ digest: 'd', reviewed: true, risk: 4, manifest: true, trust },
  checkArguments: () => null,
};
const listing: Definition = { ...definition, trust: { ...trust, outputs: [{ at: '/to', handle: 3, text: 3 }] } };

function rulesFor(task: JsonValue | undefined): readonly string[] {
  const tasks = toldTask({
    task,
    definitionOf: (_, tool) => (tool === 'list' ? listing : undefined),
    rule: 'provenance',
  });
  const call: Call = callOf(tokenFor(shortChain()), { arguments: { to: 'ann@example.org' } });
  const { facts } = decide(call, worldWith(), nowSeconds).token;
  return tasks.judge(call, facts!, definition).questions.map(({ rule }) => rule.replace('writ.trust.', ''));
}

test('nothing told: no prompt, and text from outside', () => {
  assert.deepEqual(rulesFor(undefined), ['target', 'no_prompt']);
});

test('what the person typed is theirs, what a tool said is as good as its manifest', () => {
  assert.deepEqual(rulesFor({ prompt: 'pay ann@example.org', origin: 'direct', floor: 1 }), []);
  const said = (tool: string) => [{ server: 'bank', tool, output: { to: 'ann@example.org' } }];
  assert.deepEqual(rulesFor({ prompt: 'pay ann', origin: 'direct', observed: said('list') }), []);
  assert.deepEqual(rulesFor({ prompt: 'pay ann', origin: 'direct', observed: said('unknown') }), ['target']);
});

test('a task that cannot be read is refused in a sentence', () => {
  for (const task of [{ origin: 'mine' }, { floor: 4 }, { floor: 'high' }, { observed: [1] }] as JsonValue[]) {
    assert.throws(() => rulesFor(task), /`task\.(origin|floor|observed)`/);
  }
});
