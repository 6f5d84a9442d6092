import assert from 'node:assert/strict';
import { test } from 'node:test';
import { provenanceLines } from './explain-provenance.ts';

test('the least trusted argument comes first, each with its place in words', () => {
  const provenance = {
    '/amount': { role: 'value', level: 4, from: [{ prompt: 12 }] },
    '/to': {
      role: 'target',
      level: 1,
      from: [
        { decision: 'd1', pointer: '/0/subject' },
        { decision: 'd2', pointer: '' },
      ],
    },
    '/note': { role: 'payload', level: 3, from: [] },
    '': { level: 2, more: 7 },
  };
  const lines = provenanceLines({ arguments: { provenance }, floor: { task: 3, residue: 1, used: 1 } });
  assert.deepEqual(
    lines.map((line) => line.trimEnd().replace(/ {2,}/g, '  ')),
    [
      '/to  goes to  1 somebody outside  from decision d1 at /0/subject and 1 more',
      '7 more  2 a tool',
      '/note  says  3 the system  put together by the agent',
      '/amount  value  4 the person’s own words  in the prompt',
      'the worst of what the agent remembers from before: 1 somebody outside',
    ],
  );
});

test('a record without any says nothing, and one of another shape is left out', () => {
  assert.deepEqual(provenanceLines({}), []);
  assert.deepEqual(provenanceLines({ arguments: { provenance: { '/a': 'x', '/b': {} } }, floor: null }), []);
});

test('a pointer is the caller’s choice, and cannot draw on the terminal', () => {
  const provenance = { '/\u001b[2J': { role: 'target', level: 0, from: [{ decision: '\u001b]0;x', pointer: '/' }] } };
  assert.ok(!provenanceLines({ arguments: { provenance } }).join('').includes('\u001b'));
});
