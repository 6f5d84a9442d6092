import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { leaves, type Node, positionsIn } from './document.ts';
import { readJsonc } from './read-jsonc.ts';

function plain(node: Node): unknown {
  if (node.kind === 'map') return Object.fromEntries(node.members.map(({ name, value }) => [name, plain(value)]));
  return node.kind === 'list' ? node.items.map(plain) : node.value;
}

test('what JSON wrote is read back, with comments and trailing commas strewn in', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('', '// note: {"a": "b"}\n', '/* [ */', '\t\r\n'), (value, noise) => {
      const text = JSON.stringify(value, null, 2).replaceAll(/^(\s*)(?=[\]}])/gm, `$1${noise}`);
      const read = readJsonc(`\ufeff${noise}${text}${noise}`);
      assert.ok(read.ok);
      assert.deepEqual(plain(read.root), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('every leaf stands where it says it stands', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value, null, 2);
      const read = readJsonc(text);
      assert.ok(read.ok);
      for (const { node } of leaves(read.root))
        assert.deepEqual(JSON.parse(text.slice(node.start, node.end)), node.value);
    }),
  );
});

test('any text is read or refused, and refused at a place inside it', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'{}[]",:\\/*-1e.tfn \n') }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const read = readJsonc(text);
      if (!read.ok) assert.ok(read.offset >= 0 && read.offset <= text.length);
    }),
    { numRuns: 500 },
  );
});

test('lines and columns are counted from one', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '\n', '\r') }), fc.nat(200), (text, at) => {
      const offset = Math.min(at, text.length);
      const before = text.slice(0, offset).split('\n');
      assert.deepEqual(positionsIn(text)(offset), { line: before.length, column: before.at(-1)!.length + 1 });
    }),
  );
});

test('a text of megabytes costs no stack', () => {
  const read = readJsonc(JSON.stringify({ history: 'x"\\'.repeat(3_000_000) }));
  assert.ok(read.ok);
  assert.ok(!readJsonc(`"${'x\\n'.repeat(1_000_000)}`).ok);
  assert.ok(!readJsonc('['.repeat(100_000)).ok);
});
