import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyToJson } from '@cedar-policy/cedar-wasm/nodejs';
import { readsOf } from './reads.ts';

function reads(...conditions: readonly string[]): string {
  const parsed = conditions.map((condition) => {
    const answer = policyToJson(`permit (principal, action, resource) when { ${condition} };`);
    if (answer.type === 'failure') throw new Error(answer.errors[0]!.message);
    return answer.json;
  });
  const found = readsOf(parsed);
  return found.reads('something else') ? 'all' : ['a', 'b', 'b c', 'd'].filter(found.reads).join(',');
}

test('an argument is read where a condition names it', () => {
  assert.equal(reads('context.input.a == 1'), 'a');
  assert.equal(reads('context["input"]["b c"].d == 1'), 'b c');
  assert.equal(reads('context has input && context.input has b'), 'b');
  assert.equal(reads('context has input.d.b'), 'd');
  assert.equal(reads('[context.input.a].contains(if true then context.input.b else 1)'), 'a,b');
  assert.equal(reads('context.input.a == 1', 'true', 'context.input.d like "x"'), 'a,d');
});

test('nothing is read where no argument is named', () => {
  assert.equal(reads('context.depth > 1 && context.root.sub == "a" && principal has a && context has input'), '');
});

test('whoever handles the whole reads everything', () => {
  for (const condition of [
    'context == context',
    'context.input == {a: 1}',
    '(if true then context else context).input.a == 1',
    '[context.input].contains({a: 1})',
    '{x: context.input}.x.a == 1',
  ]) {
    assert.equal(reads(condition), 'all', condition);
  }
});
