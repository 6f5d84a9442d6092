import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCedarFiles, splitStatements } from './files.ts';

const read = (text: string, path = 'policy/guards.cedar') => readCedarFiles([{ path, text }]);

test("each policy has the author's id, or its file and number, and its own place", () => {
  const text = `// forbid (principal, action, resource);
@id("first")
permit (principal, action, resource) when { context.a == "// not; a comment \\" ;" };
forbid (principal, action, resource); // trailing; comment

@note("x")
permit (principal, action, resource) unless { true };
`;
  const { policies, problems } = read(text);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    policies.map(({ id }) => id),
    ['first', 'guards.cedar#2', 'guards.cedar#3'],
  );
  // The same words stand in a comment before: the place is that of the policy.
  assert.equal(policies[1]!.offset, text.indexOf('\nforbid (principal') + 1);
  for (const { text: own, offset } of policies) assert.equal(text.slice(offset, offset + own.length), own);
});

test('more than ten policies keep the order of the file', () => {
  const text = Array.from({ length: 13 }, (_, i) => `@id("n${i}") permit (principal, action, resource);`).join('\n');
  assert.deepEqual(
    read(text).policies.map(({ id }) => id),
    Array.from({ length: 13 }, (_, i) => `n${i}`),
  );
});

test('ids are unique over all files', () => {
  const text = '@id("same") permit (principal, action, resource);';
  const { problems } = readCedarFiles([
    { path: 'a.cedar', text },
    { path: 'b.cedar', text: `\n  ${text}` },
  ]);
  assert.deepEqual(problems, [
    {
      file: 'b.cedar',
      line: 2,
      column: 3,
      path: 'same',
      says: 'the id `same` is used already, at a.cedar:1',
      expected: 'an id of its own for every policy',
    },
  ]);
});

test('places are counted in characters, though Cedar counts bytes', () => {
  const { problems } = read('// Häfen, 😀\npermit (principal, action, resource) when { "äöü" == ) };');
  assert.equal(problems.length, 1);
  assert.deepEqual([problems[0]!.line, problems[0]!.column], [2, 54]);
});

test('an empty file and one of comments alone hold no policy', () => {
  for (const text of ['', '\n\n', '// nothing here;\n']) assert.deepEqual(read(text), { policies: [], problems: [] });
});

test('statements end at semicolons outside of text and comments', () => {
  assert.deepEqual(
    splitStatements('a ";" b; // c;\n"\\";";d').map(({ text }) => text),
    ['a ";" b;', '"\\";";'],
  );
});
