import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { nodeEngine } from '../../node/engine.ts';
import type { JsonValue } from '../../std/json.ts';
import { noEchoes } from './echo.ts';
import { startEvidence, withFields } from './evidence.ts';
import type { Level } from './levels.ts';
import type { OutputRule } from './manifest.ts';
import { fieldsFrom, labelsOf, readLabels, spansMax } from './spans.ts';
import { openTask, reads, see } from './task.fixture.ts';

const rules: OutputRule[] = [
  { at: '/*/to', handle: 3, text: 2 },
  { at: '/*/pin', text: 3, secret: true },
  { at: '', text: 1 },
];
const output: JsonValue = [{ to: 'bob', pin: 'hunter2', note: 'ask eve', n: 7 }];

test('labels take the evidence to the next gate as it is', () => {
  const task = reads(openTask('x'), 's', output, rules);
  const labels = labelsOf(task.evidence, task.evidence.floor, 'salt', nodeEngine);
  const fields = fieldsFrom({ outputs: [output] }, labels, nodeEngine);
  const order = (list: typeof fields) => list.map((field) => JSON.stringify(field)).toSorted();
  assert.deepEqual(order(fields), order([...task.evidence.fields]));
});

test('they hold no text, and another salt makes other digests', () => {
  const { evidence } = reads(openTask('x'), 's', output, rules);
  const [a, b] = ['a', 'b'].map((salt) => labelsOf(evidence, 1, salt, nodeEngine));
  assert.ok(!JSON.stringify(a).includes('hunter2'));
  assert.notEqual(a!.spans[0]!.digest, b!.spans[0]!.digest);
});

test('what is not in the message is not taken from the labels', () => {
  const { evidence } = reads(openTask('x'), 's', output, rules);
  assert.deepEqual(
    fieldsFrom({ outputs: ['something else'] }, labelsOf(evidence, 1, 'salt', nodeEngine), nodeEngine),
    [],
  );
});

test('another trust domain speaks up to its ceiling', () => {
  const { evidence } = reads(openTask('x'), 's', output, rules);
  const labels = labelsOf(evidence, 3, 'salt', nodeEngine);
  const levels = fieldsFrom({ outputs: [output] }, labels, nodeEngine, 1).flatMap(({ handle, text }) => [
    handle ?? 0,
    text,
  ]);
  assert.ok(Math.max(...levels) <= 1);
});

test('past the limit secrets come first, and the rest counts as the floor', () => {
  const many = [...Array.from({ length: spansMax + 10 }, (_, i) => ({ to: `user${i}` })), { pin: 'hunter2' }];
  const task = reads(openTask('x'), 's', many, rules);
  const labels = labelsOf(task.evidence, task.evidence.floor, 'salt', nodeEngine);
  assert.equal(labels.spans.length, spansMax);
  const fields = fieldsFrom({ outputs: [many] }, labels, nodeEngine);
  assert.ok(fields.some(({ secret, value }) => secret && value === 'hunter2'));
  const next = { ...task, evidence: withFields(startEvidence(1), fields, noEchoes) };
  const levelOf = (to: string) => see(next, { risk: 3, effect: 'write' }, { to }).provenance['/to']!.level;
  assert.equal(levelOf('user0'), 3);
  assert.equal(levelOf(`user${spansMax + 9}`), 1);
});

describe('read strictly', () => {
  const span = {
    digest: 'd',
    kind: 'value',
    handle: null,
    text: 1,
    secret: false,
    origin: { decision: 1, server: 's', pointer: '' },
  };
  const whole = { floor: 1, salt: 's', spans: [span] };
  test('as they are written', () => assert.deepEqual(readLabels(whole as JsonValue), whole));
  const broken: [title: string, value: unknown][] = [
    ['nothing', undefined],
    ['no object', []],
    ['a level that is none', { ...whole, floor: 5 }],
    ['a level as text', { ...whole, spans: [{ ...span, text: '3' }] }],
    ['a span without origin', { ...whole, spans: [{ ...span, origin: null }] }],
    ['a secret that is not said', { ...whole, spans: [{ ...span, secret: undefined }] }],
    ['too many spans', { ...whole, spans: Array(spansMax + 1).fill(span) }],
  ];
  for (const [title, value] of broken) test(title, () => assert.equal(readLabels(value as JsonValue), null));
});

test('for any outputs, an agent behind labels is told the levels that one agent alone is', () => {
  const level = fc.constantFrom<Level>(0, 1, 2, 3);
  const words = fc.constantFrom('bob', 'eve', 'general', '7', '1200', 'bob and eve');
  const item = fc.record({ to: words, note: words, n: fc.constantFrom(7, 1200) });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 5 }), level, level, words, (items, handle, text, to) => {
      const own: OutputRule[] = [
        { at: '/*/to', handle, text },
        { at: '/*/n', handle: 3 },
      ];
      const alone = reads(openTask('write to eve'), 's', items, own);
      const labels = labelsOf(alone.evidence, alone.evidence.floor, 'salt', nodeEngine);
      const fields = fieldsFrom({ outputs: [items] }, labels, nodeEngine);
      const behind = { ...alone, evidence: withFields(startEvidence(labels.floor), fields, noEchoes) };
      const tool = { risk: 3, effect: 'message' } as const;
      assert.deepEqual(see(behind, tool, { to }).facts, see(alone, tool, { to }).facts);
    }),
  );
});
