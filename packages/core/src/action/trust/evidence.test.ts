import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { noEchoes } from './echo.ts';
import {
  effortForOneCall,
  evidenceFieldsMax,
  handleOf,
  heldIn,
  observe,
  secretCharsMax,
  startEvidence,
} from './evidence.ts';
import type { Level } from './levels.ts';
import { finderOf } from './tokens.ts';

const asked = (value: string) => ({
  type: 'text' as const,
  value,
  find: finderOf('text', value),
  effort: effortForOneCall(),
});
const output = (value: unknown, rules = [{ at: '', text: 3 as Level }]) => ({
  ref: 1,
  server: 's',
  output: value as string,
  rules,
  echoes: noEchoes,
});

test('the floor sinks to the lowest text that was read; numbers, booleans and null do not count', () => {
  const rules = [{ at: '/a', handle: 3 as const, text: 2 as const }];
  assert.equal(observe(startEvidence(3), output({ a: 'x' }, rules as never)).floor, 2);
  assert.equal(observe(startEvidence(3), output({ a: 7, b: true, c: null }, [{ at: '/*', text: 3 }])).floor, 3);
  assert.equal(observe(startEvidence(3), output([7, true, null, '', []], [])).floor, 3);
  assert.equal(observe(startEvidence(3), output('x', [])).floor, 1);
});

test('a handle field lowers the floor by its text, and that is 1 where nobody said', () => {
  assert.equal(observe(startEvidence(3), output(['name'], [{ at: '/*', handle: 3 } as never])).floor, 1);
});

test('a member name that somebody chose lowers the floor', () => {
  assert.equal(observe(startEvidence(3), output({ 'do evil': 1 }, [{ at: '/x', text: 3 }])).floor, 1);
});

test('the floor only sinks, whatever is read in whatever order', () => {
  const level = fc.constantFrom<Level>(0, 1, 2, 3, 4);
  fc.assert(
    fc.property(level, fc.array(fc.tuple(fc.jsonValue(), level), { maxLength: 6 }), (start, read) => {
      let evidence = startEvidence(start);
      for (const [value, text] of read) {
        const next = observe(evidence, output(value, [{ at: '', text }]));
        assert.ok(next.floor <= evidence.floor);
        evidence = next;
      }
    }),
  );
});

test('what no longer fits lowers the floor all the same, and counts as composed', () => {
  const flood = Array.from({ length: evidenceFieldsMax }, (_, i) => `item${i}`);
  const full = observe(startEvidence(3), output(flood));
  assert.equal(full.evicted, false);
  const over = observe(full, output(['late'], [{ at: '/*', text: 1 }]));
  assert.deepEqual([over.evicted, over.floor, over.fields.length], [true, 1, evidenceFieldsMax]);
  assert.equal(heldIn(over, asked('late'), noEchoes), null);
});

test('a flood of text does not make a secret forgotten', () => {
  const full = observe(startEvidence(3), output(Array.from({ length: evidenceFieldsMax }, (_, i) => `item${i}`)));
  const secret = { at: '', text: 3 as const, secret: true };
  const kept = observe(full, output('hunter2', [secret]));
  assert.equal(kept.fields.at(kept.fields.length - 1)!.value, 'hunter2');
  assert.equal(kept.secretsEvicted, false);
  assert.equal(observe(full, output('x'.repeat(secretCharsMax + 1), [secret])).secretsEvicted, true);
});

test('handles are asked for by server', () => {
  const evidence = observe(startEvidence(3), output([13], [{ at: '/*', handle: 3 } as never]));
  assert.equal(handleOf(evidence, { type: 'id', value: '13', server: 's' }, noEchoes)?.level, 3);
  assert.equal(handleOf(evidence, { type: 'id', value: '13', server: 't' }, noEchoes), null);
});
