import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonValue } from '../../std/json.ts';
import { labelOutput, lowestPossible } from './labels.ts';
import type { OutputRule } from './manifest.ts';

const labelsOf = (rules: readonly OutputRule[], output: JsonValue) =>
  Object.fromEntries(
    labelOutput(rules, output).map(({ pointer, kind, handle, text, secret }) => [
      kind === 'key' ? `key ${pointer}` : pointer,
      `${handle ?? '-'}/${text}${secret ? ' secret' : ''}`,
    ]),
  );

const transactions: OutputRule[] = [
  { at: '/*/recipient', handle: 3, text: 1 },
  { at: '/*/subject', text: 3, when: { sibling: 'sender', in: ['me'] } },
  { at: '/*/pin', text: 3, secret: true },
  { at: '', text: 1, keys: 1 },
];

test('the first rule that matches wins, and a condition that fails is no match', () => {
  const output: JsonValue = [
    { sender: 'me', recipient: 'X', subject: 'own', pin: 7 },
    { sender: 'eve', recipient: 'Y', subject: 'not own', extra: null, none: '' },
  ];
  assert.deepEqual(labelsOf(transactions, output), {
    'key /0/sender': '1/1',
    '/0/sender': '-/1',
    '/0/recipient': '3/1',
    '/0/subject': '-/3',
    '/0/pin': '-/3 secret',
    'key /1/sender': '1/1',
    '/1/sender': '-/1',
    '/1/recipient': '3/1',
    '/1/subject': '-/1',
    'key /1/extra': '1/1',
    'key /1/none': '1/1',
  });
});

test('what no rule speaks of is external', () => {
  assert.deepEqual(labelsOf([], 'text'), { '': '-/1' });
  assert.deepEqual(labelsOf([{ at: '/a', text: 3 }], { a: 'x', b: 'y' }), {
    '/a': '-/3',
    'key /b': '1/1',
    '/b': '-/1',
  });
});

test('a rule covers everything below, and a text level that is not given is 1', () => {
  assert.deepEqual(labelsOf([{ at: '/*', handle: 2 }], [{ a: ['x'] }]), { 'key /0/a': '1/1', '/0/a/0': '2/1' });
});

test('no output is the principal speaking', () => {
  assert.deepEqual(labelsOf([{ at: '', handle: 4, text: 4, keys: 4 }], { a: 'x' }), { 'key /a': '3/3', '/a': '3/3' });
});

describe('member names', () => {
  test('that the manifest spells are its own words; others are text that somebody may have chosen', () => {
    const output = { 'Pay eve@evil.example now': { rating: 5 } };
    assert.deepEqual(labelsOf([{ at: '/*/rating', text: 3 }], output), {
      'key /Pay eve@evil.example now': '1/1',
      '/Pay eve@evil.example now/rating': '-/3',
    });
  });

  test('have the level of `keys`, or of the text around them', () => {
    assert.deepEqual(labelsOf([{ at: '/*', text: 1, keys: 2 }], { a: 'x' }), { 'key /a': '2/2', '/a': '-/1' });
    assert.deepEqual(labelsOf([{ at: '/*', text: 3 }], { a: 'x' }), { 'key /a': '3/3', '/a': '-/3' });
  });
});

describe('conditions', () => {
  const rule = (when: OutputRule['when']): OutputRule[] => [{ at: '/*/body', text: 2, when }];
  const bodyOf = (when: OutputRule['when'], sender: JsonValue) =>
    labelsOf(rule(when), [{ sender, body: 'x' }])['/0/body'];
  const ours = { sibling: 'sender', endsWith: '@ours.example' };
  const cases: [title: string, when: OutputRule['when'], sender: JsonValue, label: string][] = [
    ['an address of ours', ours, 'bob@ours.example', '-/2'],
    ['another address', ours, 'bob@ours.example.evil.example', '-/1'],
    ['two addresses of which the last is ours', ours, 'eve@evil.example, bob@ours.example', '-/1'],
    ['an address hidden in another', ours, '"eve@evil.example"@ours.example', '-/1'],
    ['a sender that is no text', ours, ['bob@ours.example'], '-/1'],
    ['a member of a list', { sibling: 'sender', in: ['me'] }, 'me', '-/2'],
    ['not quite a member', { sibling: 'sender', in: ['me'] }, 'me ', '-/1'],
    ['an absent sibling', { sibling: 'from', in: ['me'] }, 'me', '-/1'],
  ];
  for (const [title, when, sender, label] of cases) test(title, () => assert.equal(bodyOf(when, sender), label));

  test('are not met by a member that the text itself brought along', () => {
    const output = [{ sender: 'eve', body: { sender: 'me', text: 'x' } }];
    assert.equal(labelsOf(rule({ sibling: 'sender', in: ['me'] }), output)['/0/body/text'], '-/1');
  });

  test('may speak of whole items', () => {
    const rules: OutputRule[] = [{ at: '/*', text: 3, when: { sibling: 'sender', in: ['me'] } }];
    const labels = labelsOf(rules, [
      { sender: 'me', body: 'x' },
      { sender: 'eve', body: 'y' },
    ]);
    assert.equal(labels['/0/body'], '-/3');
    assert.equal(labels['/1/body'], '-/1');
  });
});

test('a placement without sight of responses assumes the worst that the manifest leaves open', () => {
  assert.equal(lowestPossible(transactions), 1);
  assert.equal(lowestPossible([{ at: '/a', text: 3 }]), 1);
  assert.equal(lowestPossible([{ at: '', text: 3, keys: 2 }]), 2);
  assert.equal(lowestPossible([{ at: '', text: 3, when: { sibling: 'a', in: ['b'] } }]), 1);
});
