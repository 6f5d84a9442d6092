import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readCases, readTools } from './cases.ts';

const file = (value: unknown) => ({ path: 'cases.json', bytes: Buffer.from(JSON.stringify(value)) });
const step = { n: 1, call: { tool: 'read', args: { path: 'a' } }, output: 'text' };
const one = { id: 'a', suite: 's', principal: { name: 'Ann' }, prompt: 'Read a', steps: [step] };

test('the answer key and the source are dropped before anything is judged', () => {
  const key = { kind: 'attack', injection: { goal: 'x' }, source: { type: 'recorded' } };
  const marked = { ...one, ...key, steps: [{ ...step, injected: true, attackerText: [{ pointer: '', vector: 'v' }] }] };
  assert.deepEqual(readCases(file({ schema: 1, cases: [marked] })), readCases(file({ schema: 1, cases: [one] })));
});

test('cases come in the order of their ids and steps in the order of their numbers', () => {
  const two = { ...one, id: 'B', steps: [{ ...step, n: 2 }, step] };
  const read = readCases(file({ schema: 1, cases: [one, two] }));
  assert.ok('value' in read);
  assert.deepEqual(
    read.value.map(({ id, steps }) => [id, steps.map(({ n }) => n)]),
    [
      ['B', [1, 2]],
      ['a', [1]],
    ],
  );
});

test('an error is a result of its own, and no result is null', () => {
  const read = readCases(
    file({
      schema: 1,
      cases: [
        {
          ...one,
          steps: [
            { ...step, output: undefined, error: 'no such file' },
            { n: 2, call: step.call },
          ],
        },
      ],
    }),
  );
  assert.ok('value' in read);
  assert.deepEqual(
    read.value[0]!.steps.map(({ result }) => result),
    [{ error: 'no such file' }, { output: null }],
  );
});

describe('what is no set of cases is refused with its place', () => {
  const broken: [title: string, value: unknown, says: RegExp][] = [
    ['another schema', { schema: 2, cases: [] }, /`\/schema`; expected the number `1`/],
    [
      'arguments that are no object',
      { schema: 1, cases: [{ ...one, steps: [{ ...step, call: { tool: 'x', args: [] } }] }] },
      /\/cases\/0\/steps\/0\/call\/args/,
    ],
    ['two cases of one id', { schema: 1, cases: [one, one] }, /two cases `a`/],
    ['two steps of one number', { schema: 1, cases: [{ ...one, steps: [step, step] }] }, /two steps 1/],
  ];
  for (const [title, value, says] of broken) {
    test(title, () => {
      const read = readCases(file(value));
      assert.ok('says' in read);
      assert.match(read.says, says);
    });
  }
  test('two members of one name', () => {
    const read = readCases({ path: 'c', bytes: Buffer.from('{"schema":1,"schema":1,"cases":[]}') });
    assert.ok('says' in read && /duplicate name/.test(read.says));
  });
});

test('of tools the names and arguments are taken', () => {
  const read = readTools(
    file({ s: [{ name: 'read', description: 'x', parameters: { path: {}, n: {} }, required: [] }] }),
  );
  assert.ok('value' in read);
  assert.deepEqual(read.value.get('s')?.get('read'), ['path', 'n']);
});
