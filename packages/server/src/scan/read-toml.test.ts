import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { leaves, type Node } from './document.ts';
import { readToml } from './read-toml.ts';

function plain(node: Node): unknown {
  if (node.kind === 'map') return Object.fromEntries(node.members.map(({ name, value }) => [name, plain(value)]));
  return node.kind === 'list' ? node.items.map(plain) : node.value;
}

const read: [title: string, text: string, value: unknown][] = [
  ['nothing', '', {}],
  ['tables and dotted names', '[a.b]\nc.d = 1\n[a]\ne = true # x', { a: { b: { c: { d: 1 } }, e: true } }],
  ['quoted names', '["a.b".\'c\']\n"d e" = 1', { 'a.b': { c: { 'd e': 1 } } }],
  ['tables in a list', '[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3', { a: [{ b: 1 }, { b: 2, c: { d: 3 } }] }],
  ['lists over lines', 'a = [\n  "x", # one\n  [1, 2],\n]', { a: ['x', [1, 2]] }],
  ['tables in braces', 'a = { b = "c", d = { e = [] } }', { a: { b: 'c', d: { e: [] } } }],
  ['escapes', String.raw`a = "\t\"\u00e9\U0001F600\\"`, { a: '\t"é😀\\' }],
  ['literal texts', String.raw`a = 'C:\x' `, { a: String.raw`C:\x` }],
  ['long texts', 'a = """\none\\\n   two"quoted" """\nb = \'\'\'\nx\\n\'\'\'', { a: 'onetwo"quoted" ', b: 'x\\n' }],
  [
    'numbers and days',
    'a = 1_000\nb = -0.5\nc = 0xff\nd = 2026-01-05T08:00:00Z',
    { a: 1000, b: -0.5, c: 255, d: '2026-01-05T08:00:00Z' },
  ],
  ['carriage returns', 'a = 1\r\n[b]\r\nc = "d"\r\n', { a: 1, b: { c: 'd' } }],
];
for (const [title, text, value] of read) {
  test(`${title} are read`, () => {
    const reading = readToml(text);
    assert.ok(reading.ok, JSON.stringify(reading));
    assert.deepEqual(plain(reading.root), value);
  });
}

const refused: [title: string, text: string, says: RegExp, offset: number][] = [
  ['a name without a value', 'a', /`=` is missing/, 1],
  ['two on a line', 'a = 1 b = 2', /goes on/, 5],
  ['an open list', 'a = [1', /does not end/, 6],
  ['an open text', 'a = "x', /a value is missing/, 4],
  ['a value taken for a table', 'a = 1\n[a]', /a value and a table/, 7],
];
for (const [title, text, says, offset] of refused) {
  test(`${title} is refused with its place`, () => {
    const reading = readToml(text);
    assert.ok(!reading.ok);
    assert.match(reading.says, says);
    assert.equal(reading.offset, offset);
  });
}

test('texts stand where they say they stand', () => {
  const text = '[s.x]\nargs = ["-y", \'pkg\']\nenv = { A = "b" }\n';
  const reading = readToml(text);
  assert.ok(reading.ok);
  const stood = [...leaves(reading.root)].map(({ node }) => text.slice(node.start, node.end));
  assert.deepEqual(stood, ['"-y"', "'pkg'", '"b"']);
});

test('any text is read or refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]{}=",\'.\\#ab1 \n') }), (text) => {
      const reading = readToml(text);
      if (!reading.ok) assert.ok(reading.offset >= 0 && reading.offset <= text.length);
    }),
    { numRuns: 1000 },
  );
});
