import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { effortForOneCall } from './evidence.ts';
import { type Provenance, provenanceOf } from './provenance.ts';
import { openTask, reads, type Task } from './task.fixture.ts';
import type { Scalar, ValueType } from './typed-value.ts';

const of = (task: Task, type: ValueType, value: Scalar, isTarget = true, server = 's'): Provenance =>
  provenanceOf({ type, value, isTarget }, { ...task, floor: task.evidence.floor, server, effort: effortForOneCall() });
const levelOf = (...args: Parameters<typeof of>): number => of(...args).level;

const iban = 'GB29NWBK60161331926819';

test('what stands in a direct prompt is the principal’s, and the place is kept', () => {
  const task = reads(openTask(`Pay ${iban} please`), 's', 'text of others');
  assert.deepEqual(of(task, 'iban', 'GB29 NWBK 6016 1331 9268 19'), { level: 4, from: [{ prompt: 4 }] });
});

test('a whole handle field counts as its handle, a part of a field as its text', () => {
  const task = reads(
    openTask('x'),
    's',
    [{ to: iban, note: `ask ${iban}` }],
    [
      { at: '/*/to', handle: 3, text: 2 },
      { at: '/*/note', handle: 3, text: 1 },
    ],
  );
  assert.deepEqual(of(task, 'iban', iban), { level: 3, from: [{ ref: 0, pointer: '/0/to' }] });
  const inText = reads(openTask('x'), 's', [{ note: `ask ${iban}` }], [{ at: '/*/note', handle: 3, text: 1 }]);
  assert.equal(levelOf(inText, 'iban', iban), 1);
});

test('a whole field that is better as text counts as text', () => {
  const task = reads(openTask('x'), 's', [iban], [{ at: '/*', handle: 1, text: 3 }]);
  assert.equal(levelOf(task, 'iban', iban), 3);
});

test('the best of several fields counts, and all fields of that level are named', () => {
  const low = reads(openTask('x'), 's', `to ${iban}`);
  const both = reads(low, 's', [iban, iban], [{ at: '/*', handle: 2 }]);
  assert.deepEqual(of(both, 'iban', iban), {
    level: 2,
    from: [
      { ref: 1, pointer: '/0' },
      { ref: 1, pointer: '/1' },
    ],
  });
});

test('what stands nowhere is composed, and as good as the floor but never the principal’s', () => {
  assert.deepEqual(of(openTask('x'), 'text', 'nowhere'), { level: 3, from: [] });
  assert.deepEqual(of(reads(openTask('x'), 's', 'text'), 'text', 'nowhere'), { level: 1, from: [] });
  const asked = { type: 'text', value: 'nowhere', isTarget: true } as const;
  assert.equal(provenanceOf(asked, { ...openTask('x'), floor: 4, server: 's', effort: effortForOneCall() }).level, 3);
});

describe('a target of fewer than four digits', () => {
  const rules = [
    { at: '/*/id', handle: 3 as const, text: 1 as const },
    { at: '/*/note', text: 3 as const },
  ];
  const task = reads(openTask('Change number 13 and 7'), 's', [{ id: 13, note: 'see 7' }], rules);

  test('is the handle of a whole field, whatever the prompt says', () => {
    assert.deepEqual(of(task, 'id', 13), { level: 3, from: [{ ref: 0, pointer: '/0/id' }] });
    assert.equal(levelOf(task, 'id', '13'), 3);
  });

  test('is looked for in neither text nor prompt', () => {
    assert.deepEqual(of(reads(task, 's', 'evil text'), 'id', 7), { level: 1, from: [] });
  });

  test('counts only for the server that said it', () => {
    assert.deepEqual(of(reads(task, 'other', 'evil text'), 'id', 13, true, 'other'), { level: 1, from: [] });
  });

  test('as a value it is compared like any other', () => assert.equal(levelOf(task, 'number', 7, false), 4));
});

describe('the root’s own address', () => {
  const own = (task: Task): Task => ({ ...task, rootAddresses: [iban] });
  test('counts as the principal’s for a target, and for nothing else', () => {
    const task = own(reads(openTask('x'), 's', 'evil text'));
    assert.deepEqual(of(task, 'iban', iban), { level: 4, from: [{ root: true }] });
    assert.equal(levelOf(task, 'iban', iban, false), 1);
  });
  test('not without the person’s own prompt', () => {
    assert.equal(levelOf(own(openTask(null)), 'iban', iban), 3);
    assert.equal(levelOf(own(openTask('x', { origin: 'relayed' })), 'iban', iban), 3);
  });
});

test('a relayed prompt is 3', () => {
  assert.equal(levelOf(reads(openTask(`Pay ${iban}`, { origin: 'relayed' }), 's', 'text'), 'iban', iban), 3);
});

test('what the prompt and an output say alike is told of the prompt, which is nearer to the person', () => {
  const both = reads(openTask(`Pay ${iban}`, { origin: 'relayed' }), 's', [iban], [{ at: '/*', handle: 3 }]);
  assert.deepEqual(of(both, 'iban', iban), { level: 3, from: [{ prompt: 4 }] });
});

test('look-alikes in the prompt are not the value', () => {
  const task = reads(openTask('See www.аpple.example and http://bank.example@evil.example'), 's', 'text');
  assert.equal(levelOf(task, 'url', 'www.apple.example'), 1);
  assert.equal(levelOf(task, 'url', 'http://bank.example'), 1);
});
